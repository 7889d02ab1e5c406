"""The things inside zones, as the rule remembers them: one memory for each, with its stays. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from schemas.heights import SURE
from streams.situations.memory import Memory, memory_of, remembered
from streams.situations.rule import City
from streams.situations.rules.zone.config import NAME

THING = "thing\x1f"
"""The beginning of the key of its memory."""


VERDICT_STAY = "verdict"
"""The key of the stay of a drone that contradicts itself, which is in no zone."""


class ZoneStay(Struct, frozen=True, gc=False, omit_defaults=True):
    """A thing inside one part of a zone: event time of the first and the last evidence, when it counts as lost, and how
    certain it is."""

    since: int
    last: int
    lost_at: int
    certainty: str = SURE


class Thing(Struct, frozen=True, gc=False, omit_defaults=True):
    """A thing with its *stays* by part of a zone, and the *situation_id* in which it is told. *topic*, *seen_by* and
    *subject* name it to the match."""

    topic: str
    subject: str
    label: str
    stays: dict[str, ZoneStay]
    seen_by: str | None = None
    situation_id: str | None = None
    reasons: tuple[str, ...] = ()
    told_lat: float | None = None
    told_lon: float | None = None

    @property
    def key(self) -> str:
        return f"{THING}{self.topic}\x1f{self.seen_by or ''}\x1f{self.subject}"

    @property
    def memory(self) -> Memory:
        lost_at = min((one.lost_at for one in self.stays.values()), default=None)
        return memory_of(NAME, self.key, self, wake_at=lost_at, situation_id=self.situation_id)

    def seed(self, key: str) -> dict[str, Any]:
        """The thing as a watch is told that it is inside."""
        return {
            "topic": self.topic,
            "seen_by": self.seen_by,
            "subject": self.subject,
            "since": self.stays[key].last,
        }


def thing_in(value: Mapping[str, Any]) -> Thing:
    """The thing that an evidence is about, without a stay. A detection's track is its camera's own name for it."""
    topic = value["topic"].partition(".")[2]
    seen_by = value["seen_by"] if topic.startswith("cctv.") else None
    return Thing(topic, value["subject"], value["label"] or "", {}, seen_by)


def thing_known(city: City, key: str) -> Thing | None:
    return remembered(city.memories, NAME, key, Thing)
