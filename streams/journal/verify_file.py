"""Verification of an exported journal (`streams.journal.file`) by its own answers, without Kafka or a registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson

from schemas.catalogue import contract_name, contract_of, load_catalogue, topic_name
from schemas.errors import Invalid
from schemas.event import Event
from schemas.older import VersionCodecs
from streams.journal.entries import RULES
from streams.journal.file import ExportedAnswer, ExportedEntry, JournalFile
from streams.journal.replay import COMPARED, recorded_as
from streams.journal.snapshot import SNAPSHOT, SnapshotReader
from streams.journal.verdict import OTHER_BYTES, Verdict, held_against
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step


@dataclass(frozen=True, slots=True)
class EventNow:
    """An answer that the rules give now, not yet encoded: in which version, its counterpart says."""

    event: Event
    sequence: int
    is_later: bool

    @property
    def contract(self) -> str:
        return self.event.topic

    @property
    def key(self) -> bytes:
        return self.event.key.encode()

    @property
    def is_tombstone(self) -> bool:
        return self.event.value is None


def verify_file(file: JournalFile, *, progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """The rules over the entries of *file*; every answer, in the version in which it was written then, against the recorded
    one, byte for byte. ``Invalid`` names a line that cannot be read."""
    codecs = VersionCodecs()
    topics = {contract: topic_name(file.city, contract) for contract in COMPARED}
    if strange := file.topics() - {*topics.values()}:
        raise Invalid(
            f"answers on {', '.join(sorted(strange))}", field="topic", expected=", ".join(topics.values())
        )
    then = {
        contract: recorded_as(contract, file.answers(topic), key_of=lambda one: one.key.encode())
        for contract, topic in topics.items()
    }
    entries = 0

    def answers() -> Iterator[EventNow]:
        nonlocal entries
        state, lines = _beginning(file)
        for number, entry in lines:
            entries += 1
            progress(entries)
            for event in step(state, _seen(number, entry, codecs)):
                if event.topic in COMPARED:
                    yield EventNow(event, entry.row["sequence"], entry.row.get("later") is True)

    verdict = held_against(answers(), then, difference=lambda now, one: _difference(now, one, codecs))
    verdict.entries = entries
    return verdict


def _beginning(file: JournalFile) -> tuple[CityState, Iterator[tuple[int, ExportedEntry]]]:
    """The state to begin with, and the entries behind it."""
    lines = file.entries()
    first = next(lines, None)
    if first is None or first[1].row["entry"] != SNAPSHOT:
        return CityState.empty(), chain([] if first is None else [first], lines)
    parts = SnapshotReader()
    number = 0
    for number, entry in chain([first], lines):  # noqa: B007 (the last one's is told)
        row = entry.row
        if row["entry"] != SNAPSHOT or not {"key", "origin_timestamp"} <= row.keys():
            break
        snapshot = parts.take({**row, "body": entry.body})
        if snapshot is not None:
            return snapshot.state(), lines
    raise Invalid(
        f"line {number}: the snapshot that it begins with is not whole",
        field=f"line {number}",
        expected="its parts and its end, as 'bongsu replay CITY --export FILE' writes them",
    )


def _seen(number: int, entry: ExportedEntry, codecs: VersionCodecs) -> Entry:
    """The entry as the rules saw it."""
    row = entry.row
    try:
        if row["entry"] == RULES:
            value = orjson.loads(entry.body)
        else:
            value = codecs.decode(contract_of(row["origin_topic"]), entry.version or 0, entry.body)
    except Invalid as error:
        raise Invalid(f"line {number}: {error.what}", field=error.field, expected=error.expected) from error
    return Entry(row["entry"], row["origin_topic"], row["origin_partition"], row["origin_offset"], value)


def _difference(now: EventNow, then: ExportedAnswer, codecs: VersionCodecs) -> str | None:
    if now.event.key != then.key:
        return "another key than then"
    if now.event.value is None or then.payload is None or then.version is None:
        return None if now.event.value is None and then.payload is None else OTHER_BYTES
    contract = load_catalogue()[contract_name(then.topic)]
    try:
        payload = codecs.encode(contract, then.version, now.event.value)
    except Invalid as error:
        return f"{error.what} (version {then.version})"
    if payload == then.payload:
        return None
    try:
        fields = differing_fields(
            codecs.decode_as_written(contract, then.version, payload),
            codecs.decode_as_written(contract, then.version, then.payload),
        )
    except Invalid as error:
        return f"{OTHER_BYTES}, which cannot be read: {error.what}"
    return f"{OTHER_BYTES}: {', '.join(fields) or 'the same value, encoded otherwise'}"


def differing_fields(now: Any, then: Any, path: str = "") -> list[str]:
    """The paths of the fields in which two values differ, never what stands there."""
    match now, then:
        case dict(), dict():
            names = [*now, *(one for one in then if one not in now)]
            inner = [(f"{path}.{name}".strip("."), now.get(name), then.get(name)) for name in names]
        case list(), list() if len(now) == len(then):
            inner = [
                (f"{path}[{i}]", one, other) for i, (one, other) in enumerate(zip(now, then, strict=True))
            ]
        case _:
            return [] if now == then else [path]
    return [found for name, one, other in inner for found in differing_fields(one, other, name)]
