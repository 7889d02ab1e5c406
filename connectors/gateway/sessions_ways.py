"""The ways to sign in, as bodies of ``POST /console/api/session``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class KeyWay(BaseModel):
    """By the account's key."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key: str = Field(min_length=1, max_length=200)


Way = KeyWay
WAYS: TypeAdapter[Way] = TypeAdapter(Way)
