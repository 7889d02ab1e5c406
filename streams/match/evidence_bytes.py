"""Evidence straight to its record: five microseconds instead of forty, as it is the one thing that costs by the match.

It writes what `evidence_event`, the contract's row codec and `headers_of` give together, byte for byte; a worker that finds
otherwise at its start, because the contract has grown, takes that way instead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from struct import Struct

from streams.match.batch import Words
from streams.match.evidence import CONTRACT, SOURCE, Evidence
from streams.match.flow import SECOND_MS, Partition
from streams.match.watches import Watch

Headers = list[tuple[str, bytes]]
Made = tuple[bytes, bytes, Headers]
"""Key, frame, headers."""

WATCHES_MAX = 50_000
NULL, SOME, ONE = b"\0", b"\2", b"\2"
_double = Struct("<d").pack
_place = Struct("<dd").pack
_float = Struct("<f").pack


class EvidenceBytes:
    """*head*: the frame's first bytes, which name the schema."""

    def __init__(self, city: str, head: bytes) -> None:
        self._begin = _text(city) + _text(SOURCE)
        self._head = head
        self._fixed: Headers = [
            ("ce_specversion", b"1.0"),
            ("ce_source", f"/{city}/{SOURCE}".encode()),
            ("ce_type", f"bongsu.{CONTRACT}".encode()),
            ("content-type", b"application/avro"),
        ]
        self._watches: dict[str, tuple[Watch, bytes, bytes, bytes, bytes]] = {}
        self._of_place = lru_cache(1_000)(_of_place)

    def made(self, one: Evidence) -> Made:
        (
            watch, kind, distance_m, place, offset, time, received, lat, lon, confidence,
            (observation_id, _source, label, _token, subject, accuracy_m, seen_by, image_ref),
        ) = one  # fmt: skip
        known = self._watches.get(watch.watch_id)
        if known is None or known[0] is not watch:
            known = self._remembered(watch)
        _, prefix, its_watch, its_end, key = known
        observation = observation_id.encode()
        event_id = blake2b(prefix + observation, digest_size=16).hexdigest()
        raw_id = event_id.encode()
        frame = b"".join(
            (
                self._head,
                b"\x40",
                raw_id,
                self._begin,
                _time(time),
                NULL,
                _time(received),
                NULL
                if lat is None or lon is None
                else SOME + _place(lat, lon) + (NULL if accuracy_m is None else SOME + _float(accuracy_m)),
                its_watch,
                _KINDS[kind],
                _number(len(observation)),
                observation,
                self._of_place(place),
                _number(offset),
                NULL if distance_m is None else SOME + _double(distance_m),
                _double((time - watch.since) / SECOND_MS),
                NULL if subject is None else SOME + _text(subject),
                SOME + _label(label),
                NULL if confidence is None else SOME + _float(confidence),
                ONE,
                its_end,
                NULL if seen_by is None else SOME + _label(seen_by),
                NULL if image_ref is None else SOME + _text(image_ref),
            )
        )
        specversion, source, kind_of, content = self._fixed
        headers: Headers = [
            specversion,
            ("ce_id", raw_id),
            source,
            kind_of,
            _said_time(time),
            ("ce_subject", key),
            content,
            ("traceparent", b"00-%b-%b-01" % (raw_id, raw_id[:16])),
        ]
        return key, frame, headers

    def _remembered(self, watch: Watch) -> tuple[Watch, bytes, bytes, bytes, bytes]:
        if len(self._watches) >= WATCHES_MAX:
            self._watches.clear()
        known = self._watches[watch.watch_id] = (watch, *_of_watch(watch))
        return known


def a_sample() -> Evidence:
    """With something in every field."""
    watch = Watch("watch", "situation", "disc", 0, 1, 5, "purpose", centre=(1.0, 2.0), radius_m=3.0)
    words = Words("observation", "source", "label", None, "subject", 1.5, "camera", "image")
    return Evidence(
        watch,
        "seen",
        2.25,
        ("city.topic", 3),
        700,
        1_700_000_000_123,
        1_700_000_000_456,
        1.0,
        2.0,
        0.5,
        words,
    )


def agree(quick: Callable[[Evidence], Made], plain: Callable[[Evidence], Made]) -> bool:
    """Whether both ways make the same of a sample, with all that may be unknown known and unknown."""
    sample = a_sample()
    bare = sample._replace(
        watch=Watch("watch", None, "anywhere", 0, 1, 5, "purpose"),
        distance_m=None,
        lat=None,
        lon=None,
        confidence=None,
        words=Words("observation", "source", "label", None, None, None),
    )
    return all(quick(one) == plain(one) for one in (sample, bare))


def _of_watch(watch: Watch) -> tuple[bytes, bytes, bytes, bytes]:
    """What each evidence of a watch begins its id with, says of the watch, ends with, and its key."""
    prefix = f"evidence\x1f{watch.watch_id}\x1f".encode()
    situation = NULL if watch.situation_id is None else SOME + _text(watch.situation_id)
    key = (watch.situation_id or watch.watch_id).encode()
    return prefix, _text(watch.watch_id) + situation, _text(watch.purpose), key


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


_label = lru_cache(4_096)(_text)


def _number(value: int) -> bytes:
    """Zigzag, then seven bits a byte, the least first. Written out for what offsets and times take."""
    value = value << 1 if value >= 0 else (-value << 1) - 1
    if value < 1 << 7:
        return _BYTES[value]
    if value < 1 << 14:
        return bytes((value & 127 | 128, value >> 7))
    if value < 1 << 21:
        return bytes((value & 127 | 128, value >> 7 & 127 | 128, value >> 14))
    if 1 << 35 <= value < 1 << 42:
        return bytes(
            (
                value & 127 | 128,
                value >> 7 & 127 | 128,
                value >> 14 & 127 | 128,
                value >> 21 & 127 | 128,
                value >> 28 & 127 | 128,
                value >> 35,
            )
        )
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


_time = lru_cache(4_096)(_number)
_BYTES = [bytes([value]) for value in range(0x80)]
_KINDS = {kind: _text(kind) for kind in ("seen", "entered", "left")}
