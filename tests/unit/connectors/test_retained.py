"""Retained messages of MQTT: no news at each start, unless they were never published."""

from __future__ import annotations

from typing import Any

import orjson

from connectors.base import Heard, Place, Reading
from connectors.formats.messages import enveloped
from connectors.formats.retained import BY_MQTT, KEPT, MARKS_MAX, REPEATED, TOPICS_MAX
from tests.contract.an_example import example_of

NOON = 1_772_971_200_000


def messages() -> list[tuple[str, bytes]]:
    """Two messages of the example that give an event each, by themselves."""
    example = example_of("nvidia_deepstream")
    bodies = [line for heard in example.heard() for line in heard.body.splitlines()]
    found = [
        ("porch/cam", body) for body in bodies if len(hear(example.source(), line("porch/cam", body)).events)
    ]
    return found[:2]


def line(topic: str, payload: bytes, *, is_retained: bool = False) -> bytes:
    return enveloped(topic, payload, is_retained=is_retained)


def hear(source: Any, *lines: bytes, place: Place | None = None, by: str = BY_MQTT) -> Reading:
    heard = Heard(b"\n".join(lines), NOON, attributes={"by": by})
    reading: Reading = source.read(heard, place or {})
    return reading


def source() -> Any:
    return example_of("nvidia_deepstream").source()


def test_a_retained_message_is_taken_at_the_first_start_and_counted_at_the_next() -> None:
    (topic, payload), _ = messages()
    first = hear(source(), line(topic, payload, is_retained=True))
    assert first.events
    again = hear(source(), line(topic, payload, is_retained=True), place=first.place)
    assert (again.events, again.aside) == ([], [])
    assert again.skipped == {REPEATED: 1}
    assert again.place == first.place


def test_one_that_was_heard_live_is_known_when_the_broker_has_kept_it() -> None:
    (topic, one), (_, two) = messages()
    live = hear(source(), line(topic, one), line(topic, two))
    again = hear(source(), line(topic, one, is_retained=True), place=live.place)
    assert (again.events, again.skipped) == ([], {REPEATED: 1})


def test_the_same_bytes_live_are_the_source_s_own_affair() -> None:
    (topic, payload), _ = messages()
    first = hear(source(), line(topic, payload, is_retained=True))
    assert hear(source(), line(topic, payload), place=first.place).events


def test_one_that_was_set_aside_is_read_again() -> None:
    (topic, payload), _ = messages()
    bad = line(topic, b"{", is_retained=True)
    first = hear(source(), bad, line(topic, payload, is_retained=True))
    assert len(first.aside) == 1
    assert first.events
    again = hear(source(), bad, line(topic, payload, is_retained=True), place=first.place)
    assert len(again.aside) == 1, "it was never published"
    assert (again.events, again.skipped) == ([], {REPEATED: 1})


def test_another_topic_or_other_bytes_are_another_message() -> None:
    (topic, one), (_, two) = messages()
    first = hear(source(), line(topic, one, is_retained=True))
    for other in (line("porch/other", one, is_retained=True), line(topic, two, is_retained=True)):
        assert hear(source(), other, place=first.place).events


def test_what_is_remembered_is_bounded_and_hidden_from_the_source() -> None:
    _, (topic, payload) = messages()
    place: Place = {}
    for number in range(MARKS_MAX + 3):
        changed = orjson.dumps({**orjson.loads(payload), "n": number})
        place = hear(source(), line(topic, changed), place=place).place
    assert len(place[KEPT][topic]) == MARKS_MAX
    many = [line(f"porch/{number}", payload) for number in range(TOPICS_MAX + 5)]
    place = hear(source(), *many, place=place).place
    assert len(place[KEPT]) == TOPICS_MAX
    assert f"porch/{TOPICS_MAX + 4}" in place[KEPT]
    pushed = hear(source(), payload, place=place, by="push")
    assert pushed.place[KEPT] == place[KEPT], "what comes another way changes nothing of it"
