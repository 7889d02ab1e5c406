"""Snapshots in the journal: the state of the rules, in parts, and an end that says that it is whole. Pure.

A snapshot is of the moment between two entries: its first part stands there, its others and its end further on, between
later entries. Only the end makes it count: it has the number of the parts, their digest, and the place in each topic of
answers behind the last answer that was given before.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from streams.situations.fold import CityState
from streams.situations.state.snapshot_lines import lines_of, state_of

SNAPSHOT = "snapshot"
PART, END = "part", "end"
"""The keys of a snapshot's entries."""
PART_BYTES = 256 * 1024
"""The size of a part before it is compressed: a few milliseconds of work for the transaction that it goes with."""
DAY_MS = 86_400_000
Answered = Mapping[str, int]
"""Contract → the offset behind its last answer."""


def is_due(state: CityState) -> bool:
    """Whether a day has passed, by the city's own clock, since the newest snapshot was taken. Not before numbers that were
    changed while the city stood are journalled."""
    is_settled = state.config is not None and state.rules_digest == state.config.digest
    return is_settled and state.now_ms >= state.kept_at + DAY_MS


class SnapshotWriter:
    """The entries of a snapshot of *state* as it is now, part by part; *state* may go on meanwhile. *answered*: where the
    answers so far end."""

    def __init__(self, city: str, state: CityState, answered: Answered) -> None:
        self.now_ms, self._sequence = state.now_ms, state.sequence
        self._city, self._answered = city, dict(answered)
        self._pieces = _pieces(lines_of(state))
        self._digest = sha256()
        self._parts = 0
        self.is_done = False

    def next(self) -> list[Event]:
        """The next part, and behind the last one the end; then it ``is_done``."""
        piece = next(self._pieces, b"")
        events = []
        if piece:
            self._digest.update(piece)
            events.append(self._event(PART, zlib.compress(piece, 1)))
            self._parts += 1
        if len(piece) < PART_BYTES:  # none comes behind it
            self.is_done = True
            end = {"parts": self._parts, "sha256": self._digest.hexdigest(), "answered": self._answered}
            events.append(self._event(END, orjson.dumps(end, option=orjson.OPT_SORT_KEYS)))
        return events

    def _event(self, key: str, body: bytes) -> Event:
        its_id = derived_id(SNAPSHOT, self._city, self._sequence, self._parts, key)
        fields = event_fields(
            self._city, "situations", event_id=its_id, event_time_ms=self.now_ms, received_ms=self.now_ms
        )
        return Event(
            "core.journal",
            self._city,
            fields
            | {
                "sequence": self._sequence,
                "entry": SNAPSHOT,
                "origin_topic": topic_name(self._city, "core.state"),
                "origin_partition": 0,
                "origin_offset": self._parts,
                "origin_timestamp": self.now_ms,
                "key": key,
                "body": body,
            },
        )


def _pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    """*lines* as pieces of ``PART_BYTES``, cut wherever that is; the last is shorter."""
    held = bytearray()
    for line in lines:
        held += line
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole snapshot: the rows of its entries, in order. *sequence* is that of the last entry that its state has seen,
    *now_ms* the city's time then."""

    sequence: int
    now_ms: int
    answered: Answered
    rows: tuple[Mapping[str, Any], ...]

    def state(self) -> CityState:
        """The rules' state of then. ``Fatal`` for a form of a newer version."""
        return state_of(_text(self.rows[:-1]))


@dataclass(slots=True)
class SnapshotReader:
    """Puts snapshots together from rows of the journal. One of which a part is missing, or that has no end, is none."""

    _parts: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def is_within(self) -> bool:
        """Whether the parts so far may become a whole snapshot."""
        return bool(self._parts)

    def take(self, row: Mapping[str, Any]) -> Snapshot | None:
        """The snapshot that the entry *row*, a snapshot's, makes whole."""
        number = row["origin_offset"]
        if row["key"] == PART and number == 0:
            self._parts = [row]
            return None
        parts = self._parts
        if not parts or row["sequence"] != parts[0]["sequence"] or number != len(parts):
            self._parts = []
        elif row["key"] == PART:
            parts.append(row)
        else:
            self._parts = []
            return _whole(parts, row)
        return None


def _whole(parts: list[Mapping[str, Any]], end: Mapping[str, Any]) -> Snapshot | None:
    try:
        said = orjson.loads(end["body"] or b"")
        is_whole = said["parts"] == len(parts) and said["sha256"] == sha256(_text(parts)).hexdigest()
        answered = dict(said["answered"])
    except (Invalid, ValueError, KeyError, TypeError):
        return None
    if not is_whole:
        return None
    now_ms = parts[0]["origin_timestamp"]
    return Snapshot(end["sequence"], now_ms, answered, (*parts, end))


def _text(parts: tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]]) -> bytes:
    try:
        return b"".join(zlib.decompress(one["body"] or b"") for one in parts)
    except zlib.error as error:
        raise Invalid(
            "a part of a snapshot that is none", field="body", expected="as it was written"
        ) from error
