"""The value objects as canonical JSON, and back: what ``core.state`` carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from streams.situations.model import (
    ActionTaken,
    Camera,
    CameraAt,
    Grant,
    Handling,
    Incident,
    Observed,
    Position,
    Situation,
    Told,
    View,
    Watching,
)
from streams.situations.rule import Memory


def body_of(thing: Situation | Camera | Memory | Mapping[str, Any]) -> bytes:
    """Canonical: sorted keys, shortest form of each number, so equal things have equal bytes."""
    return orjson.dumps(thing, option=orjson.OPT_SORT_KEYS)


def situation_from(body: bytes) -> Situation:
    raw = orjson.loads(body)
    raw["view"] = _view(raw["view"])
    raw["told"] = tuple(Told(**one) for one in raw["told"])
    raw["grants"] = tuple(Grant(**one) for one in raw["grants"])
    raw["lapsed"] = tuple((agency, camera) for agency, camera in raw["lapsed"])
    raw["listed"] = tuple(raw["listed"]) if raw.get("listed") else None
    raw["handled"] = _handling(raw.get("handled"))
    raw["watch"] = _watching(raw.get("watch"))
    return Situation(**raw)


def camera_from(body: bytes) -> Camera:
    raw = orjson.loads(body)
    return Camera(**{**raw, "position": _position(raw["position"]), "purposes": tuple(raw["purposes"])})


def _handling(raw: Mapping[str, Any] | None) -> Handling:
    if raw is None:
        return Handling()
    return Handling(**{**raw, "actions": tuple(ActionTaken(**one) for one in raw["actions"])})


def memory_from(body: bytes) -> Memory:
    raw = orjson.loads(body)
    return Memory(**{**raw, "covers": tuple(raw["covers"])})


def _view(raw: dict[str, Any]) -> View:
    raw["position"] = _position(raw["position"])
    raw["agencies"] = tuple(raw["agencies"])
    raw["incidents"] = tuple(_incident(one) for one in raw["incidents"])
    raw["cameras"] = tuple(CameraAt(**one) for one in raw["cameras"])
    raw["beneath"] = tuple(raw.get("beneath", ()))
    raw["shown_to"] = tuple(raw.get("shown_to", ()))
    raw["references"] = tuple((what, where) for what, where in raw.get("references", ()))
    raw["observed"] = tuple(Observed(**one) for one in raw.get("observed", ()))
    return View(**raw)


def _watching(raw: Mapping[str, Any] | None) -> Watching | None:
    return None if raw is None else Watching(**{**raw, "position": Position(**raw["position"])})


def _incident(raw: dict[str, Any]) -> Incident:
    links = {name: tuple(raw.get(name, ())) for name in ("bound", "parted")}
    return Incident(**{**raw, **links, "position": _position(raw["position"])})


def _position(raw: Mapping[str, Any] | None) -> Position | None:
    return Position(**raw) if raw is not None else None
