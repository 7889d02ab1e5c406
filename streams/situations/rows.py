"""The value objects as canonical JSON, and back: what ``core.state`` carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.json import Decoder, Encoder

from streams.situations.model import Camera, Situation
from streams.situations.rule import Memory

_ENCODER = Encoder(order="deterministic")
_SITUATION, _CAMERA, _MEMORY = Decoder(Situation), Decoder(Camera), Decoder(Memory)


def body_of(thing: Situation | Camera | Memory | Mapping[str, Any]) -> bytes:
    """Canonical: sorted keys, shortest form of each number, so equal things have equal bytes."""
    return _ENCODER.encode(thing)


def situation_from(body: bytes) -> Situation:
    return _SITUATION.decode(body)


def camera_from(body: bytes) -> Camera:
    return _CAMERA.decode(body)


def memory_from(body: bytes) -> Memory:
    return _MEMORY.decode(body)
