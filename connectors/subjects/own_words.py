"""Settings by which a city's file gives meaning to an agency's words."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from schemas.kinds import load_kinds


def _known_kinds(kinds: dict[str, str]) -> dict[str, str]:
    if wrong := [kind for kind in kinds.values() if kind not in load_kinds()]:
        raise ValueError(f"no kind {wrong[0]!r} in schemas/kinds.toml")
    return kinds


def _known_table(table: str | None) -> str | None:
    if table is not None and table not in load_kinds().words:
        raise ValueError(f"no table {table!r}; one of {', '.join(load_kinds().words)}")
    return table


KindsOf = Annotated[dict[str, str], AfterValidator(_known_kinds)]
"""Word → a kind of ``kinds.toml``."""
WordTable = Annotated[str | None, AfterValidator(_known_table)]
"""A table of words in ``kinds.toml``, by its name."""
