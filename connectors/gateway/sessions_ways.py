"""The ways to sign in, as bodies of ``POST /console/api/session``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from connectors.gateway.passwords import LETTERS_MAX
from schemas.names import NAME_LETTERS_MAX

TOKEN_LETTERS_MAX = 200
NAME_MAX = 4 * NAME_LETTERS_MAX
"""A name in decomposed letters is longer than the same in NFC."""


class KeyWay(BaseModel):
    """By the account's key."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key: str = Field(min_length=1, max_length=TOKEN_LETTERS_MAX)


class PasswordWay(BaseModel):
    """By a person's name and password."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=NAME_MAX)
    password: str = Field(min_length=1, max_length=4 * LETTERS_MAX)


class LinkWay(BaseModel):
    """By the token of a link that is good once."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    link: str = Field(min_length=1, max_length=TOKEN_LETTERS_MAX)


Way = KeyWay | PasswordWay | LinkWay
WAYS: TypeAdapter[Way] = TypeAdapter(Way)
