"""The parts of ONVIF metadata, whether they came as XML or as JSON: frames of objects, and events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.formats.times import iso_ms
from schemas.errors import Invalid

Claim = tuple[str, float | None]
Edges = tuple[float, float, float, float]
DEVICE = re.compile(r"(?P<device>.*?)/?onvif-(?P<form>mj|ej)/(?P<rest>.*)", re.DOTALL)
"""A topic of MQTT: the device, the form (``mj``: metadata, ``ej``: events), the rest."""
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(T.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Transformation:
    """From a frame's own coordinates to −1 … 1, x to the right, y upwards: scaled, then moved."""

    scale_x: float = 1.0
    scale_y: float = 1.0
    move_x: float = 0.0
    move_y: float = 0.0

    def shares(self, edges: Edges) -> Edges:
        """Left, top, right, bottom as shares of the picture, origin top left."""
        left, top, right, bottom = edges
        x1, x2 = (left * self.scale_x + self.move_x + 1) / 2, (right * self.scale_x + self.move_x + 1) / 2
        y1, y2 = (1 - top * self.scale_y - self.move_y) / 2, (1 - bottom * self.scale_y - self.move_y) / 2
        return (
            (x1, y1, x2, y2)
            if x1 <= x2 and y1 <= y2
            else (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        )


AS_IT_IS = Transformation()


@dataclass(slots=True)
class Thing:
    """One object in one frame. *edges*: left, top, right, bottom in the frame's own coordinates."""

    object_id: str | None = None
    edges: Edges | None = None
    claims: list[Claim] = field(default_factory=list)
    lat: object = None
    lon: object = None
    speed: float | None = None
    is_removed: bool = False
    has_plate: bool = False
    attributes: list[tuple[str, str, float | None]] = field(default_factory=list)
    person: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Frame:
    """*gone*: ids of objects that the frame's object tree deletes, merges into others, or renames."""

    time: str | None
    source: str
    transformation: Transformation
    gone: list[str]


@dataclass(slots=True)
class Happening:
    """An event of the device's rules. *topic* without prefixes; *items* of source, key and data by name."""

    topic: str | None
    time: str | None
    operation: str | None
    sources: Mapping[str, str]
    items: Mapping[str, str]


def number(value: Any, name: str) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(f"{name} is no number", field=name, expected="a number") from None
    if found - found != 0:  # infinite, or not a number
        raise Invalid(f"{name} is not finite", field=name, expected="a number")
    return found


def likelihood(value: Any) -> float | None:
    """At most 1, ``None`` where there is none. Below zero it means unknown, which the reader notes."""
    if value is None:
        return None
    share = number(value, "Likelihood")
    if share > 1:
        raise Invalid("a likelihood is no share", field="Likelihood", expected="0 to 1")
    return share


def gone_ids(came_from: Iterable[str], went_to: Iterable[str]) -> list[str]:
    """Of what was renamed, split or merged: what is no more."""
    stays = set(went_to)
    return [one for one in dict.fromkeys(came_from) if one not in stays]


def event_topic_of(topic: str | None) -> str | None:
    """The topic of the event within a topic of MQTT, without its source and keys; ``None`` where there is none."""
    device = DEVICE.fullmatch(topic or "")
    return None if device is None else without_prefixes(device["rest"].partition("/&")[0])


def without_prefixes(topic: str) -> str:
    """*topic* without the prefixes of its steps' namespaces (``tns1:``), which each device may call as it likes."""
    return "/".join(step.rpartition(":")[2] for step in topic.split("/"))


def utc_ms(time: str | None, noted: Counter[str]) -> int:
    """Epoch ms of ONVIF's ``UtcTime``; its own examples write months and days with one digit too."""
    if time is not None and (date := _DATE.fullmatch(time.strip())) is not None:
        year, month, day, rest = date.groups()
        time = f"{year}-{month:0>2}-{day:0>2}{rest}"
    return iso_ms(time, "UtcTime", is_utc=True, noted=noted)
