"""Chains of ``core.access``: append a record, and verify a city's records. Pure.

Each writer of a city has a chain of its own. A record names the hash of the record before it, and its own hash is over all
its fields, so a change, a gap or another order shows. The newest records cut off show only against an anchor: the newest
sequence and hash of each writer, kept elsewhere. So does a chain that was written anew as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from schemas.event import Event, derived_id, event_fields

CONTRACT = "core.access"
NOTHING = "0" * 64
"""The previous hash of a writer's first record."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a chain: its sequence and hash, and when it was written."""

    sequence: int = 0
    hash: str = NOTHING
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A place at which a chain does not hold. *place*: where in the topic, or in which part of the anchor."""

    place: str
    writer: str
    sequence: int
    what: str


def hash_of(row: Row) -> str:
    """SHA-256 over all fields of *row* but ``hash`` that are not null.

    Null fields are left out, so that a later version with more fields has the same hash for older records.
    """
    told = {name: value for name, value in row.items() if name != "hash" and value is not None}
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def head_after(row: Row) -> Head:
    return Head(row["sequence"], row["hash"], row["at"])


def appended(city: str, writer: str, head: Head, act: Row, *, now_ms: int) -> Event:
    """The next record of *writer*'s chain after *head*. *act*: ``act`` and what belongs to it, by the contract's fields."""
    sequence = head.sequence + 1
    its_id = derived_id("access", city, writer, sequence)
    row = {
        **event_fields(city, "gateway", event_id=its_id, event_time_ms=now_ms, received_ms=now_ms),
        "access_id": its_id,
        "writer": writer,
        "sequence": sequence,
        "previous_hash": head.hash,
        "previous_at": head.at,
        "at": now_ms,
        **dict.fromkeys(DETAILS),
        **act,
    }
    return Event(CONTRACT, city, {**row, "hash": hash_of(row)})


DETAILS = (
    "account_id",
    "address",
    "grant_id",
    "camera_id",
    "situation_id",
    "purpose",
    "legal_ground",
    "ticket_hash",
    "reason",
    "count",
)


@dataclass(slots=True)
class _Chain:
    """The records read of one writer. *hashes*: sequence → hash; it grows with the topic, by about 200 bytes a record."""

    hashes: dict[int, str] = field(default_factory=dict)
    last: int = 0
    lowest: tuple[str, Row] | None = None
    jumps: dict[int, str] = field(default_factory=dict)
    """The place of each record that does not stand right after its predecessor."""

    def put(self, place: str, row: Row) -> None:
        sequence = row["sequence"]
        self.hashes.setdefault(sequence, row["hash"])
        if sequence != self.last + 1:
            self.jumps[sequence] = place
        if self.lowest is None or sequence < self.lowest[1]["sequence"]:
            self.lowest = place, row
        self.last = sequence

    def beginning(self, writer: str, kept_since: int) -> Iterator[Fault]:
        """A chain begins with sequence 1, or with a record whose predecessor is past retention."""
        if self.lowest is None:
            return
        place, row = self.lowest
        sequence = row["sequence"]
        if sequence <= 1 and row["previous_hash"] != NOTHING:
            yield Fault(place, writer, sequence, "is the first, and names one before it")
        elif sequence > 1 and (row["previous_at"] or kept_since) >= kept_since:
            yield Fault(
                place, writer, 1, f"is missing (1 to {sequence - 1}): the chain begins with {sequence}"
            )

    def gaps(self, writer: str) -> Iterator[Fault]:
        expected = min(self.hashes, default=0)
        for sequence in sorted(self.hashes):
            if sequence != expected:
                more = f" ({expected} to {sequence - 1})" if sequence - 1 > expected else ""
                place = f"before {self.jumps[sequence]}"
                yield Fault(place, writer, expected, f"is missing{more}")
            expected = sequence + 1


@dataclass(slots=True)
class Audit:
    """Verifies records in the order of the topic. *kept_since*: records written before may be past retention (ms).

    *anchor*: writer → its newest record when the anchor was printed.
    """

    anchor: Mapping[str, Head] = field(default_factory=dict)
    kept_since: int = 0
    heads: dict[str, Head] = field(default_factory=dict)
    records: int = 0
    _chains: dict[str, _Chain] = field(default_factory=dict)

    def take(self, place: str, row: Row) -> Iterator[Fault]:
        """The faults that *row* at *place* shows by itself, and against those before it."""
        self.records += 1
        writer, sequence = row["writer"], row["sequence"]
        chain = self._chains.setdefault(writer, _Chain())
        if hash_of(row) != row["hash"]:
            yield Fault(place, writer, sequence, "was altered: its hash is of other content")
        if sequence in chain.hashes:
            yield Fault(place, writer, sequence, "stands twice")
        elif chain.hashes and sequence < chain.last:
            yield Fault(place, writer, sequence, f"stands after {chain.last}: out of order")
        known = chain.hashes.get(sequence - 1)
        if known is not None and known != row["previous_hash"]:
            yield Fault(place, writer, sequence, f"does not follow {sequence - 1} as it stands here")
        chain.put(place, row)
        if sequence >= self.heads.get(writer, Head()).sequence:
            self.heads[writer] = head_after(row)

    def end(self) -> Iterator[Fault]:
        """The faults that show only when all records are read: gaps, and what the anchor knows and the topic lacks."""
        for writer, chain in self._chains.items():
            yield from chain.beginning(writer, self.kept_since)
            yield from chain.gaps(writer)
        for writer, known in self.anchor.items():
            yield from self._against(writer, known)

    def _against(self, writer: str, known: Head) -> Iterator[Fault]:
        head = self.heads.get(writer)
        there = self._chains[writer].hashes.get(known.sequence) if writer in self._chains else None
        if known.at is not None and known.at < self.kept_since and there is None:
            return
        if head is None or head.sequence < known.sequence:
            last = 0 if head is None else head.sequence
            what = f"is missing: cut off, {last + 1} to {known.sequence} of the anchor are not there"
            yield Fault("end", writer, last + 1, what)
        elif there is not None and there != known.hash:
            yield Fault("anchor", writer, known.sequence, "is not the record that the anchor was printed of")


def verified(rows: Iterable[tuple[str, Row]], audit: Audit) -> list[Fault]:
    """All faults of *rows*, each with its place in the topic."""
    return [*(fault for place, row in rows for fault in audit.take(place, row)), *audit.end()]


def anchor_to_json(city: str, heads: Mapping[str, Head], *, now: str) -> bytes:
    writers = {
        name: {"sequence": one.sequence, "hash": one.hash, "at": one.at} for name, one in heads.items()
    }
    return orjson.dumps(
        {"city": city, "printed": now, "writers": writers}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2
    )


def anchor_from_json(text: bytes, city: str) -> dict[str, Head]:
    """``ValueError`` for what is no anchor of *city*."""
    told = orjson.loads(text)
    if not isinstance(told, dict) or not isinstance(told.get("writers"), dict):
        raise ValueError("it has no 'writers'")  # noqa: TRY004 (the file's content is wrong, no argument's type)
    if told.get("city") != city:
        raise ValueError(f"it is of the city {str(told.get('city'))[:40]!r}")
    try:
        return {
            str(name): Head(int(one["sequence"]), str(one["hash"]), one.get("at"))
            for name, one in told["writers"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("each writer has 'sequence' and 'hash'") from error
