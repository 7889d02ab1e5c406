"""Retained messages of MQTT: a broker sends them again at each new subscription, and then they are no news. Pure.

The source's place keeps, for each topic, the marks of its newest messages whose events were published: an event's id follows
from its message, so the same bytes under the same topic are the same events. A retained message that bears one of these
marks is repeated; one that was never heard, or was set aside, is read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

import orjson

from connectors.base import Heard, Place, Reading

REPEATED = "retained message, published before"
BY_MQTT = "mqtt"
"""The value of the attribute ``by`` of what a broker brought."""
KEPT = "published_of_topic"
"""Under this name the source's place keeps the marks; the source itself does not see them."""
TOPICS_MAX, MARKS_MAX = 500, 4
"""Topics remembered, and marks of each: by 3.1.1 nobody says which message of a topic the broker will keep. They go
with each transaction, so there are few: some 40 KB at most."""

Marks = dict[str, list[str]]


def read_unrepeated(read: Callable[[Heard, Place], Reading], heard: Heard, place: Place) -> Reading:
    """As *read* of the source, without retained messages that were published before, which are counted."""
    if heard.attributes.get("by") != BY_MQTT and KEPT not in place:
        return read(heard, place)
    own = {name: value for name, value in place.items() if name != KEPT}
    marks: Marks = {topic: list(known) for topic, known in place.get(KEPT, {}).items()}
    if heard.attributes.get("by") != BY_MQTT:
        reading = read(heard, own)
        return replace(reading, place=_with_marks(reading.place, marks))
    parts: list[Reading] = []
    repeated = 0
    for is_retained, lines in groupby(heard.body.splitlines(), _is_retained):
        # a retained message is read by itself: whether it was set aside must be known of it alone
        for group in ([line] for line in lines) if is_retained else [list(lines)]:
            if is_retained and _mark(group[0])[1] in marks.get(_mark(group[0])[0], ()):
                repeated += 1
                continue
            parts.append(read(replace(heard, body=b"\n".join(group)), parts[-1].place if parts else own))
            if not parts[-1].aside:
                _remember(marks, group)
    return _joined(parts, own, marks, repeated)


def _is_retained(line: bytes) -> bool:
    return b'"retain":true' in line and orjson.loads(line).get("retain") is True


def _mark(line: bytes) -> tuple[str, str]:
    """The topic of a message, and its mark: of all that it says, whether or not it was retained."""
    envelope = orjson.loads(line)
    payload = envelope.get("payload", envelope.get("payload_base64"))
    return envelope["topic"], hashlib.blake2b(str(payload).encode(), digest_size=6).hexdigest()


def _remember(marks: Marks, lines: list[bytes]) -> None:
    """Add the messages in *lines* to *marks*, the newest last, within the bounds."""
    for topic, mark in map(_mark, lines):
        known = [one for one in marks.pop(topic, []) if one != mark]
        marks[topic] = [*known, mark][-MARKS_MAX:]
    for topic in list(marks)[: max(0, len(marks) - TOPICS_MAX)]:
        del marks[topic]


def _with_marks(place: Place, marks: Marks) -> Place:
    return {**place, KEPT: marks} if marks else place


def _joined(parts: list[Reading], own: Place, marks: Marks, repeated: int) -> Reading:
    skipped, noted = Counter[str](), Counter[str]()
    for part in parts:
        skipped.update(part.skipped)
        noted.update(part.noted)
    if repeated:
        skipped[REPEATED] += repeated
    return Reading(
        [event for part in parts for event in part.events],
        _with_marks(parts[-1].place if parts else own, marks),
        aside=[one for part in parts for one in part.aside],
        skipped=skipped,
        noted=noted,
    )
