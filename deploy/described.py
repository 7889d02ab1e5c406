"""The platform described to subscribers: AsyncAPI of the catalogue with the settings and headers of this release."""

from __future__ import annotations

from importlib.metadata import version

from deploy.topics import settings_of
from schemas.asyncapi import Document, Platform, asyncapi
from schemas.catalogue import DLQ, MEMORY, Contract, load_catalogue, topic_name
from schemas.event import Event
from streams.runtime.header_words import header_words
from streams.runtime.records import Headers, headers_of


def described(city: str | None = None) -> Document:
    """Every topic of *city*, or of any city."""
    return asyncapi(
        load_catalogue(),
        Platform(version=version("bongsu"), settings=settings_of, headers=_headers, headers_of=_headers_of),
        city=city,
    )


def _headers(contract: Contract) -> dict[str, str]:
    """Records of a DLQ never come from another, and a stage's own state is not fed again."""
    has_dlq = f"{contract.name}.{DLQ}" in load_catalogue()
    return header_words(contract.name, may_be_retried=has_dlq and not contract.name.startswith(MEMORY))


def _headers_of(event: Event) -> Headers:
    value = event.value or {}
    return headers_of(event, topic=topic_name(str(value["city"]), event.topic))
