"""Checks of the pure half of every source: what it reads, and what it does with bodies that cannot be read."""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import replace
from typing import Any

from connectors.base import Heard
from connectors.contract_suite.example import Example, read_all
from connectors.discovery import config_model, is_polled, source_module
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal
from schemas.event import Event
from schemas.kinds import load_kinds
from schemas.rows import RowCodec

BROKEN = {
    "empty": b"",
    "blank": b"  \n",
    "html": b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>",
    "a number": b"42",
    "an empty list": b" [ ]\n",
    "null": b"null",
    "an error with status 200": b'{"error": {"code": 499, "message": "Token Required"}}',
    "bytes of nothing": b"\xff\xfe\x00\x80" * 50,
}


class BrokenPromise(AssertionError):
    """A promise of the contract that a source does not keep."""


def held(truth: object, what: str) -> None:
    """Raise ``BrokenPromise`` with *what* unless *truth*. Not ``assert``, which ``python -O`` leaves out."""
    if not truth:
        raise BrokenPromise(what)


def value_of(event: Event) -> dict[str, Any]:
    """The value of an event of the example, which deletes nothing."""
    held(event.value is not None, f"an event of {event.topic} has no value")
    return dict(event.value or {})


def closed(events: list[Any]) -> list[Any]:
    return [event for event in events if event.value and event.value.get("status") in {"closed", "retired"}]


def settings_are_described(example: Example) -> None:
    model = config_model(example.type, example.folders, example.config)
    bare = [name for name, field in model.model_fields.items() if not field.description]
    held(not bare, f"without a description: {', '.join(bare)}")
    try:
        example.source(misspelt=1)
    except Fatal as error:
        held("misspelt" in str(error), "an unknown setting is refused without its name")
    else:
        held(False, "an unknown setting, misspelt = 1, is taken")


def says_something(example: Example) -> None:
    kinds = load_kinds()
    events, readings, _ = read_all(example.source(), example.heard())
    held(events, "no event comes of the example's recording")
    aside = [one for reading in readings for one in reading.aside]
    held(not aside, f"{len(aside)} set aside, first: {aside[0].reason if aside else ''}")
    for event in events:
        value = value_of(event)
        held(value.get("city") == example.context.city, "an event's city is not the context's")
        held(value.get("source") == example.context.source, "an event's source is not the context's")
        if event.topic.endswith(".incident"):  # a hub's kind is no kind of incident
            held(value.get("kind") in kinds, f"kind {value.get('kind')!r} is not in the tree of kinds")


def keeps_its_contracts(example: Example) -> None:
    catalogue = load_catalogue()
    events, _, _ = read_all(example.source(), example.heard())
    for event in events:
        held(event.topic in catalogue, f"topic {event.topic!r} is not in the catalogue")
        contract = catalogue[event.topic]
        codec = RowCodec(contract.newest)
        value = value_of(event)
        held(codec.decode(codec.encode(value)) == value, f"a value of {event.topic} changes on the wire")
        held(value[contract.key] == event.key, f"the key of an event is not its {contract.key}")


def same_ids_again(example: Example) -> None:
    once, _, _ = read_all(example.source(), example.heard())
    again, _, _ = read_all(example.source(), example.heard())
    held(once == again, "the same recording read twice gives other events")
    ids = [value_of(event)["event_id"] for event in once]
    held(len(set(ids)) == len(ids), "two events have the same event_id")


def reading_is_pure(example: Example) -> None:
    source, place = example.source(), dict[str, Any]()
    for heard in example.heard():
        before = copy.deepcopy(place)
        held(
            source.read(heard, place) == source.read(heard, place),
            "the same read twice gives another reading",
        )
        held(place == before, "read writes into the place that it was given")
        place = dict(source.read(heard, place).place)


def place_survives_writing(example: Example) -> None:
    plain, _, plain_place = read_all(example.source(), example.heard())
    written, place = list[Event](), dict[str, Any]()
    for heard in example.heard():
        reading = example.source().read(heard, place)  # a new source each time: only the place is kept
        written += reading.events
        place = json.loads(json.dumps(reading.place))
    held(written == plain, "events differ when the place is written as JSON and the source made anew")
    held(place == json.loads(json.dumps(plain_place)), "the place differs when it is written as JSON between")


def halves_are_the_whole(example: Example) -> None:
    heard = example.heard()
    whole, _, _ = read_all(example.source(), heard)
    first, _, place = read_all(example.source(), heard[: len(heard) // 2])
    rest, _, _ = read_all(example.source(), heard[len(heard) // 2 :], place)
    held(first + rest == whole, "the first half and then the rest give other events than all at once")


def keeps_a_broken_body(example: Example, body: bytes) -> None:
    heard = example.heard()
    begun = heard[: max(1, len(heard) // 2)]
    _, _, place = read_all(example.source(), begun)
    at_ms = begun[-1].at_ms
    masked = getattr(source_module(example.type, example.folders), "masked", bytes)  # personal data is masked
    is_nothing = body.split() in ([], [b"[", b"]"])
    for minute in range(1, 6):
        at = None if at_ms is None else at_ms + minute * 1000
        reading = example.source().read(Heard(body, at), place)
        held(not reading.events, "events come of it")
        held(reading.place == place, "the place moves on")
        kept = [aside.original for aside in reading.aside]
        held(kept == ([] if is_nothing else [masked(body)]), "it is not set aside whole, once, as it came")
        held(all(aside.reason for aside in reading.aside), "it is set aside without a reason")


def a_failed_poll_changes_nothing(example: Example) -> None:
    heard = example.heard()
    _, _, place = read_all(example.source(), heard[:1])
    reading = example.source().read(replace(heard[-1], error="timed out"), place)
    held(not reading.events, "events come of a poll that failed")
    held(not reading.aside, "a poll that failed is set aside")
    held(reading.place == place, "the place moves on")


def half_a_body_closes_nothing(example: Example) -> None:
    heard = example.heard()
    _, _, place = read_all(example.source(), heard[:1])
    for share in (0.1, 0.5, 0.9, 0.99):
        half = replace(heard[-1], body=heard[-1].body[: int(len(heard[-1].body) * share)])
        for _ in range(3):
            reading = example.source().read(half, place)
            held(not closed(list(reading.events)), f"a body cut at {share:.0%} closes what it does not name")
            place = reading.place


def no_place_of_unknown(example: Example) -> None:
    events, _, _ = read_all(example.source(), example.heard())
    for event in events:
        at = value_of(event)["position"]
        held(
            at is None or example.context.bounds.holds(at["lat"], at["lon"]),
            "a position lies outside the bounds",
        )
        held(at is None or (at["lat"], at["lon"]) != (0, 0), "a position is 0, 0")


def what_is_polled_is_read(example: Example) -> None:
    source = example.source()
    if not is_polled(source):
        return
    heard = asyncio.run(source.poll({}))
    reading = source.read(heard, {})
    held(reading.events, "no event comes of what it polls")
    held(not reading.aside, "some of what it polls is set aside")
    held(not source.read(heard, reading.place).events, "the same again is told as new")
