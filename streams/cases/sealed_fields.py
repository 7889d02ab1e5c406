"""The table of sealed fields (``sealed_fields.toml``)."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from streams.situations.terms import Strict

TABLE = Path(__file__).with_name("sealed_fields.toml")
BOX = "sealed"
"""The field that holds all that *fields* say."""


class SealedFields(Strict):
    """The sealed fields of one contract."""

    fields: tuple[str, ...] = ()
    in_place: tuple[str, ...] = ()
    only_with: str | None = None
    clear: dict[str, str] = Field({}, description="personal field that stays readable → why")


@lru_cache(1)
def sealed_fields() -> dict[str, SealedFields]:
    """Contract → its sealed fields."""
    said = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {contract: SealedFields.model_validate(one) for contract, one in said.items()}
