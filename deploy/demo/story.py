"""The demo told in twelve lines, each with the topic and offset at which it can be read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from deploy.demo.tracks import way
from schemas.printable import printable_line

Value = Mapping[str, Any]
CAMERAS_PASSED = 3


@dataclass(frozen=True, slots=True)
class Chapter:
    """One line: the contract it waits for, whether a value is the one, and its words."""

    contract: str
    is_it: Callable[[Value], bool]
    words: Callable[[Value], str]


def _told(rule: str, audience: str) -> Callable[[Value], bool]:
    return lambda v: v["rule"] == rule and v["audience"] == audience


CHAPTERS = (
    Chapter(
        "cctv.detection",
        lambda v: v["label"] == "smoke",
        lambda v: f"camera {v['camera_id']} sees smoke; nobody has called yet ({v['source']})",
    ),
    Chapter(
        "core.alert",
        lambda v: v["rule"] == "unconfirmed" and v["kind"] == "fire",
        lambda v: f"two cameras agree: {v['headline']}",
    ),
    Chapter(
        "fire.incident",
        lambda v: v["kind"].startswith("fire") and v["source"] == "dispatch-119",
        lambda v: f"119 is called: {v['kind_text']}, case {v['agency_case_no']} ({v['source']})",
    ),
    Chapter(
        "core.situation",
        lambda v: (
            v["rule"] == "joint-incident"
            and v["kind"].startswith("fire")
            and len(v["evidence"]) > len(v["incidents"])
        ),
        lambda v: f"smoke and call are one situation, {v['certainty']}: {v['reason']}",
    ),
    Chapter(
        "core.situation",
        lambda v: v["kind"].startswith("crash") and len(v["agencies"]) > 1,
        lambda v: f"119 and 112 report one crash, one situation: {v['reason']}",
    ),
    Chapter(
        "core.alert",
        _told("traffic-impact", "transit"),
        lambda v: f"transit and hubs are told: {v['headline']}",
    ),
    Chapter(
        "core.alert",
        _told("disaster", "disaster-room"),
        lambda v: f"an underpass fills, the disaster room is told: {v['headline']}",
    ),
    Chapter(
        "core.alert",
        _told("vulnerable", "protection-centre"),
        lambda v: f"a child under protection: {v['headline']}",
    ),
    Chapter(
        "core.track",
        lambda v: len(v["hits"]) >= CAMERAS_PASSED,
        lambda v: f"a wanted car is followed over {len(v['hits'])} cameras: {way(v)}",
    ),
    Chapter(
        "core.grant",
        lambda v: v["rule"] == "disaster" and v["revoked_at"] is None,
        lambda v: f"camera {v['camera_id']} opens to {v['granted_to']}: {v['purpose']}, until the end of it",
    ),
    Chapter(
        "core.alert",
        lambda v: v["rule"] == "unconfirmed" and v["kind"] == "medical",
        lambda v: f"a claim waits for an operator: {v['headline']}",
    ),
    Chapter(
        "core.alert",
        lambda v: v["rule"] == "surge",
        lambda v: f"a burst of calls is one alert: {v['headline']}",
    ),
)


@dataclass(slots=True)
class Story:
    """The chapters that are still to come."""

    zone: tzinfo
    waiting: list[Chapter] = field(default_factory=lambda: list(CHAPTERS))

    @property
    def is_told(self) -> bool:
        return not self.waiting

    def take(self, contract: str, value: Value, place: str) -> str | None:
        """The line of *value*, read at *place* (topic, partition and offset), where it is the first of its chapter."""
        for chapter in self.waiting:
            if chapter.contract == contract and chapter.is_it(value):
                self.waiting.remove(chapter)
                at = datetime.fromtimestamp(value["received_time"] / 1000, self.zone)
                return f"{at:%Y-%m-%d %H:%M:%S}  {printable_line(chapter.words(value))}  [{place}]"
        return None
