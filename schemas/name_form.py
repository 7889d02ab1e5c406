"""The form in which names are compared. Pure, and loaded without what only checks need."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """One form of all spellings that people would take for *name*: case and Unicode form do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
