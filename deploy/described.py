"""The platform described to subscribers: AsyncAPI of the catalogue with the settings and headers of this release."""

from __future__ import annotations

from deploy.topics import settings_of
from schemas.asyncapi import Document, Platform, asyncapi
from schemas.catalogue import DLQ, MEMORY, Contract, load_catalogue, topic_name
from schemas.event import Event
from streams.dlq.fold import Aside
from streams.runtime.header_words import header_words
from streams.runtime.records import BORROWED, PLAYED, RETRY_OF, Headers, headers_of

VERSION = "0.2.0"
"""Of what subscribers read: raised when it changes. 0.2.0: records of cameras and vehicles have three headers alone."""


def described(city: str | None = None) -> Document:
    """Every topic of *city*, or of any city."""
    return asyncapi(
        load_catalogue(),
        Platform(
            version=VERSION,
            settings=settings_of,
            headers=_headers,
            headers_of=_headers_of,
            other_headers=_other_headers,
        ),
        city=city,
    )


def _headers(contract: Contract) -> dict[str, str]:
    """Records of a DLQ never come from another, and a stage's own state is not fed again."""
    has_dlq = f"{contract.name}.{DLQ}" in load_catalogue()
    return header_words(contract.name, may_be_retried=has_dlq and not contract.name.startswith(MEMORY))


def _headers_of(event: Event, *, played: bool = False) -> Headers:
    return headers_of(event, topic=_topic(event), played=played)


def _other_headers(event: Event) -> dict[str, Headers]:
    """The headers of its record when it is played, fed again after it was set aside, or written for another worker."""
    possible = _headers(load_catalogue()[event.topic])
    found: dict[str, Headers] = {}
    if PLAYED in possible:
        found["played"] = _headers_of(event, played=True)
    if RETRY_OF in possible:
        value = event.value or {}
        row = {"event_id": value["event_id"], "attempts": 2, "first_at": value["received_time"]}
        found["fed-again"] = [*Aside(f"{_topic(event)}.{DLQ}", event.key.encode(), row).headers()]
    if BORROWED in possible:
        found["borrowed"] = [*_headers_of(event), (BORROWED, b"1")]
    return found


def _topic(event: Event) -> str:
    return topic_name(str((event.value or {})["city"]), event.topic)
