"""``[console.oidc]`` of a city's file: its own issuer of OpenID Connect, at which people sign in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.gateway.roles import ROLES

LOCAL = r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
ADDRESS = rf"^(https://[^\s/?#@]+|http://{LOCAL})"
Word = Annotated[str, Field(pattern=r"^\S+$", max_length=200)]


class OidcFile(BaseModel):
    """The issuer, what the gateway is there, and who of its people gets an account. By default nobody does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(
        pattern=rf"{ADDRESS}(/[^\s?#]*)?$", description="its address, as its tokens name it; https"
    )
    client_id: Word = Field(description="the name under which the issuer knows the gateway")
    client_secret: str | None = Field(
        None, min_length=1, description='as "${NAME}" of the environment; none: a client without a secret'
    )
    url: str | None = Field(
        None,
        pattern=rf"{ADDRESS}$",
        description="where browsers find the gateway, such as https://console.city.example; none: its own address",
    )
    label: str = Field("", max_length=60, description="the issuer's name on the page; none: its host")
    scopes: tuple[Word, ...] = Field(("openid", "profile"), description="what the issuer is asked for")
    groups_claim: Word = Field("groups", description="the claim that has the groups of a person")
    groups: dict[str, str] = Field(
        {},
        description="group → role of an account that is made at the first sign-in; the first that somebody is in holds",
    )
    purposes: tuple[Word, ...] = Field((), description="the purposes of the law of such accounts")

    @field_validator("groups")
    @classmethod
    def _roles(cls, groups: dict[str, str]) -> dict[str, str]:
        for group, role in groups.items():
            if role not in ROLES:
                raise ValueError(f"{group!r} has the role {role!r}: one of {', '.join(ROLES)}")
        return groups

    @field_validator("scopes")
    @classmethod
    def _openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError('"openid" is one of them: without it there is no token that says who it is')
        return scopes
