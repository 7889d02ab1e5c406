"""The value objects as canonical JSON, and back: what ``core.state`` carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.json import Decoder, Encoder

from streams.situations.model import Camera, Site, Situation
from streams.situations.rule import Memory

_ENCODER = Encoder(order="deterministic")
_SITUATION, _CAMERA = Decoder(Situation), Decoder(Camera)
_SITE, _MEMORY = Decoder(Site), Decoder(Memory)


def body_of(thing: Situation | Camera | Site | Memory | Mapping[str, Any]) -> bytes:
    """Canonical: sorted keys, shortest form of each number, so equal things have equal bytes."""
    return _ENCODER.encode(thing)


def situation_from(body: bytes) -> Situation:
    return _SITUATION.decode(body)


def camera_from(body: bytes) -> Camera:
    return _CAMERA.decode(body)


def site_from(body: bytes) -> Site:
    return _SITE.decode(body)


def memory_from(body: bytes) -> Memory:
    return _MEMORY.decode(body)
