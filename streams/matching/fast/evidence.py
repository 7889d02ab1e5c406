"""Evidence straight to its records by a compiled kernel: about a microsecond each instead of forty.

It writes what `evidence_event`, the contract's row codec and `headers_of` give together, byte for byte; a worker that finds
otherwise at its start, because the contract has grown, takes that way instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.match.evidence import CONTRACT, SOURCE, EvidenceColumns
from streams.match.flow import SECOND_MS, Partition
from streams.match.observations import Longs
from streams.match.texts import IMAGE_REF, LABEL, OBSERVATION_ID, SEEN_BY, SUBJECT, Texts, Words
from streams.match.watches import Watch
from streams.matching.fast.writing import written
from streams.runtime.transaction import Made

Make = Callable[[EvidenceColumns], Iterable[Made]]

WATCHES_MAX = 50_000
FIXED_BYTES_MAX = 200
"""More than all of a record's numbers take."""
NULL, SOME = b"\0", b"\2"
TOLD = (OBSERVATION_ID, LABEL, SUBJECT, SEEN_BY, IMAGE_REF)


class Known(NamedTuple):
    """What every evidence of a watch begins its id with, says of the watch, says before its end, and its key."""

    watch: Watch
    prefix: bytes
    said: bytes
    end: bytes
    key: bytes


class EvidenceFrames:
    """*head*: the frame's first bytes, which name the schema."""

    def __init__(self, city: str, head: bytes) -> None:
        self._head = np.frombuffer(head + b"\x40", np.uint8)
        self._begin = np.frombuffer(_text(city) + _text(SOURCE), np.uint8)
        self._specversion = ("ce_specversion", b"1.0")
        self._source = ("ce_source", f"/{city}/{SOURCE}".encode())
        self._type = ("ce_type", f"bongsu.{CONTRACT}".encode())
        self._content = ("content-type", b"application/avro")
        self._id_at = len(self._head)
        self._watches: dict[str, Known] = {}

    def made(self, columns: EvidenceColumns) -> Iterable[Made]:
        known = [self._known(watch) for watch in columns.watch]
        observations = columns.texts.bytes_of(OBSERVATION_ID)
        digests = b"".join(
            blake2b(one.prefix + observation, digest_size=16).digest()
            for one, observation in zip(known, observations, strict=True)
        )
        frames = self._frames(columns, known, np.frombuffer(digests, np.uint8))
        begin, end = self._id_at, self._id_at + 32
        for one, frame, time in zip(known, frames, columns.time.tolist(), strict=True):
            event_id = frame[begin:end]
            headers = [
                self._specversion,
                ("ce_id", event_id),
                self._source,
                self._type,
                _said_time(time),
                ("ce_subject", one.key),
                self._content,
                ("traceparent", b"00-%b-%b-01" % (event_id, event_id[:16])),
            ]
            yield one.key, frame, headers

    def _frames(
        self, columns: EvidenceColumns, known: list[Known], digests: npt.NDArray[np.uint8]
    ) -> list[bytes]:
        texts = columns.texts
        said, ends = _Pool([one.said for one in known]), _Pool([one.end for one in known])
        places = _Pool([_of_place(columns.places[number]) for number in columns.place.tolist()])
        kinds = _Pool([_KINDS[kind] for kind in columns.kind])
        sizes = said.size + ends.size + places.size + kinds.size + texts.size[TOLD, :].clip(0).sum(axis=0)
        room = int(sizes.sum()) + len(columns) * (FIXED_BYTES_MAX + len(self._head) + len(self._begin))
        into, until = np.empty(room, np.uint8), np.empty(len(columns), np.int64)
        since = np.fromiter((watch.since for watch in columns.watch), np.int64, len(columns))
        total = written(
            into,
            until,
            self._head,
            self._begin,
            digests,
            np.frombuffer(texts.raw or b"\0", np.uint8),
            np.ascontiguousarray(texts.begin[TOLD, :]),
            np.ascontiguousarray(texts.size[TOLD, :]),
            *said.columns,
            *ends.columns,
            *places.columns,
            *kinds.columns,
            columns.time,
            columns.received,
            columns.offset,
            _bits(columns.lat),
            _bits(columns.lon),
            _bits(texts.accuracy_m.astype(np.float32)),
            _bits(columns.distance_m),
            _bits((columns.time - since) / SECOND_MS),
            _bits(columns.confidence.astype(np.float32)),
        )
        raw, bounds = into[:total].tobytes(), until.tolist()
        return [raw[begin:end] for begin, end in zip([0, *bounds[:-1]], bounds, strict=True)]

    def _known(self, watch: Watch) -> Known:
        known = self._watches.get(watch.watch_id)
        if known is None or known.watch is not watch:
            if len(self._watches) >= WATCHES_MAX:
                self._watches.clear()
            known = self._watches[watch.watch_id] = _known_of(watch)
        return known


class _Pool:
    """Byte strings behind one another, and where each begins."""

    def __init__(self, strings: list[bytes]) -> None:
        self.size: Longs = np.fromiter(map(len, strings), np.int64, len(strings))
        self._raw = np.frombuffer(b"".join(strings) or b"\0", np.uint8)
        self._begin = np.cumsum(self.size) - self.size

    @property
    def columns(self) -> tuple[Any, ...]:
        return self._raw, self._begin, self.size


def _bits(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Floats as the unsigned numbers of the same bytes; 0 after them says which are numbers at all."""
    return np.ascontiguousarray(column).view(np.uint64 if column.itemsize == 8 else np.uint32)


def a_sample() -> EvidenceColumns:
    """One with something in every field, and one with nothing where nothing may be."""
    watches = [
        Watch("watch", "situation", "disc", 0, 1, 5, "purpose", centre=(1.0, 2.0), radius_m=3.0),
        Watch("watch", None, "anywhere", 0, 1, 5, "purpose"),
    ]
    words = [
        Words("observation", "source", "label", None, "subject", 1.5, "camera", "image"),
        Words("observation", "source", "label", None, None, None),
    ]
    nothing = np.nan
    return EvidenceColumns(
        watches,
        ["seen", "left"],
        np.array([2.25, nothing]),
        [("city.topic", 3)],
        np.zeros(2, np.uint8),
        np.array([700, 0]),
        np.array([1_700_000_000_123, 0]),
        np.array([1_700_000_000_456, 1]),
        np.array([1.0, nothing]),
        np.array([2.0, nothing]),
        np.array([0.5, nothing], np.float32),
        Texts.of(words),
    )


def agree(quick: Make, plain: Make) -> bool:
    """Whether both ways make the same of a sample, with all that may be unknown known and unknown."""
    sample = a_sample()
    return list(quick(sample)) == list(plain(sample))


def _known_of(watch: Watch) -> Known:
    prefix = f"evidence\x1f{watch.watch_id}\x1f".encode()
    situation = NULL if watch.situation_id is None else SOME + _text(watch.situation_id)
    key = (watch.situation_id or watch.watch_id).encode()
    return Known(watch, prefix, _text(watch.watch_id) + situation, _text(watch.purpose), key)


@lru_cache(1_000)
def _of_place(place: Partition) -> bytes:
    topic, partition = place
    return _text(topic) + _number(partition)


@lru_cache(4_096)
def _said_time(time: int) -> tuple[str, bytes]:
    return "ce_time", b"%b.%03d+00:00" % (_second(time // SECOND_MS), time % SECOND_MS)


@lru_cache(4_096)
def _second(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def _text(text: str) -> bytes:
    raw = text.encode()
    return _number(len(raw)) + raw


def _number(value: int) -> bytes:
    """Zigzag, then seven bits a byte, the least first; *value* is not negative."""
    value <<= 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


_KINDS = {kind: _text(kind) for kind in ("seen", "entered", "left")}
