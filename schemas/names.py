"""Names that people give to agencies and accounts, in any script. Pure.

A name is stored in Unicode's NFC, so that composed and decomposed letters are the same name. A name never becomes part of a
topic, a file's path or a principal: those use ids of our own. Names are printed, logged and stored, so they hold no control
characters, no marks that change the direction of writing, and no path separators.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from schemas.name_form import folded

NAME_LETTERS_MAX = 64
SEPARATORS = "/\\"
JOINERS = "\u200c\u200d"
"""Invisible characters that Persian and the scripts of India need."""
OBEYED = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's general categories that no name may hold: controls, formats (some turn the direction of writing),
surrogates, private or unassigned characters, and ends of lines."""


def spelt(name: str) -> str:
    """*name* in NFC. ``ValueError`` says why it is no valid name."""
    one = unicodedata.normalize("NFC", name)
    if not one.strip():
        raise ValueError("at least one letter")
    if one != one.strip():
        raise ValueError("no blank before or after it")
    if any(unicodedata.category(letter) in OBEYED and letter not in JOINERS for letter in one):
        raise ValueError("no control characters, and none that turn the direction of writing")
    return one


def account_name(name: str) -> str:
    """*name* of an account, in NFC: short, and neither a path nor an option of a command."""
    one = spelt(name)
    if len(one) > NAME_LETTERS_MAX:
        raise ValueError(f"at most {NAME_LETTERS_MAX} letters")
    if any(letter in SEPARATORS for letter in one) or one in {".", ".."}:
        raise ValueError("no '/' and no '\\', as in a path")
    if one.startswith("-"):
        raise ValueError("no '-' at its beginning, as in an option of a command")
    return one


def is_same_name(one: str, other: str) -> bool:
    """Whether people would take the two for one name: case and Unicode form do not count."""
    return folded(one) == folded(other)


AgencyName = Annotated[str, AfterValidator(spelt)]
"""An agency, as a city's file calls it."""
