"""Assemble the sign-in by OpenID Connect of a city's gateway."""

# ruff: noqa: PLC0415 (Authlib is imported where a city has an issuer: it costs 0.4 s)
from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import FastAPI

from connectors.gateway.service import Gateway
from deploy.city.city import City, with_secrets
from deploy.platform import Platform
from schemas.errors import Fatal
from streams.log import log
from streams.operators.publisher import Publisher


def oidc_of(city: City, platform: Platform, url: str) -> list[Callable[[FastAPI, Gateway], object]]:
    """The part of the gateway at *url* that signs in by the city's issuer; none where its file names no issuer."""
    about = city.file.console.oidc
    if about is None:
        return []
    from connectors.gateway.oidc_accounts import Admission
    from connectors.gateway.oidc_issuer import Issuer
    from connectors.gateway.oidc_paths import CALLBACK, Oidc
    from connectors.gateway.oidc_paths import add as add_paths
    from connectors.gateway.oidc_tokens import OidcClient

    secret = with_secrets({"client_secret": about.client_secret}, "[console.oidc]")["client_secret"]
    client = OidcClient(about.issuer, about.client_id, f"{about.url or url}{CALLBACK}", secret, about.scopes)
    admission = Admission(city.name, about.issuer, about.groups, about.groups_claim, about.purposes)
    publisher = Publisher(city.name, "accounts", bootstrap=platform.kafka, wire=platform.wire)

    def add(app: FastAPI, gateway: Gateway) -> None:
        if gateway.sessions is None:
            raise Fatal("[console.oidc]: this gateway has no sessions")
        issuer = Issuer(client, time.monotonic)
        add_paths(
            app,
            Oidc(gateway, gateway.sessions, issuer, admission, publisher.publish, refused=_tell_refusal),
        )

    return [add]


def label_of(city: City) -> str | None:
    """The issuer's name for people; ``None`` where the city has none."""
    about = city.file.console.oidc
    return None if about is None else about.label or urlsplit(about.issuer).hostname


def _tell_refusal(reason: str) -> None:
    log.warning("sign-in by OpenID Connect refused", why=reason)
