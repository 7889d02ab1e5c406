"""The value objects as canonical JSON, and back: what ``core.state`` carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder

from schemas.errors import Invalid
from streams.situations.memory import Memory
from streams.situations.model import Camera, Site, Situation

CLOCK = "clock"
CAMERA, SITE = "camera:", "site:"
MEMORY = "rule:"
SHADOW = "shadow:"


class _MemoryRow(Struct, frozen=True, gc=False):
    """A memory in the form of its row."""

    rule: str
    key: str
    body: Mapping[str, Any]
    wake_at: int | None = None
    situation_id: str | None = None
    covers: tuple[str, ...] = ()


_ENCODER = Encoder(order="deterministic")
_SITUATION, _CAMERA = Decoder(Situation), Decoder(Camera)
_SITE, _MEMORY = Decoder(Site), Decoder(_MemoryRow)
_WATCH_ID = "watch_id"
_CLOCK = Decoder(dict[str, int | str | None])


def body_of(thing: Situation | Camera | Site | Mapping[str, Any]) -> bytes:
    """Canonical: sorted keys, shortest form of each number, so equal things have equal bytes."""
    return _ENCODER.encode(thing)


def situation_from(body: bytes) -> Situation:
    return _SITUATION.decode(body)


def camera_from(body: bytes) -> Camera:
    return _CAMERA.decode(body)


def site_from(body: bytes) -> Site:
    return _SITE.decode(body)


def memory_body(memory: Memory) -> bytes:
    """Its row. A watch of the memory stands within the body there, as rows have always had it."""
    body = memory.body if memory.watch_id is None else {**memory.body, _WATCH_ID: memory.watch_id}
    row = _MemoryRow(memory.rule, memory.key, body, memory.wake_at, memory.situation_id, memory.covers)
    return _ENCODER.encode(row)


def memory_from(row: bytes) -> Memory:
    its = _MEMORY.decode(row)
    watch_id, body = its.body.get(_WATCH_ID), its.body
    if isinstance(watch_id, str):  # else it is a sensor or an entry that its source calls so
        body = {name: said for name, said in body.items() if name != _WATCH_ID}
    else:
        watch_id = None
    return Memory(its.rule, its.key, body, its.wake_at, its.situation_id, its.covers, watch_id)


def clock_from(body: bytes) -> dict[str, Any]:
    """The city's clock. Its numbers are whole; what it has not been told is left out."""
    clock: dict[str, Any] = _CLOCK.decode(body)
    whole = all(isinstance(value, int) for name, value in clock.items() if name not in ("rules", "opening"))
    if not whole or not {"now_ms", "sequence", "rules"} <= clock.keys():
        raise Invalid("a clock that is none", field="body", expected="now_ms, sequence, rules")
    return clock


def check_row(key: str, value: Mapping[str, Any]) -> None:
    """``Invalid`` for a row of ``core.state`` of which the rules could make nothing: its body, or its key, is another's."""
    kind, body = value["kind"], value["body"]
    try:
        match kind:
            case "situation":
                expected = situation_from(body).situation_id
            case "camera":
                expected = CAMERA + camera_from(body).camera_id
            case "site":
                expected = SITE + site_from(body).site_id
            case "rule":
                expected = MEMORY + memory_from(body).name
            case "clock":
                clock_from(body)
                expected = CLOCK
            case _:
                raise Invalid("of an unknown kind", field="kind", expected="one that this version knows")
    except (DecodeError, UnicodeDecodeError) as error:  # its words may be a person's: they are not told
        raise Invalid(f"no body of a {kind}", field="body", expected=f"a {kind}") from error
    if key.removeprefix(SHADOW) != expected:
        raise Invalid("a row under another's key", field="key", expected="its body's own")
