"""The demo, or the island, told in lines, each with the topic and offset, or the request, at which it can be read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from deploy.demo.chapter import Chapter
from deploy.demo.story_island import island_chapters
from deploy.demo.story_search import search_chapters
from deploy.demo.tracks import way
from schemas.printable import printable_line

Value = Mapping[str, Any]
CAMERAS_PASSED = 3


def _told(rule: str, audience: str) -> Callable[[Value], bool]:
    return lambda v: v["rule"] == rule and v["audience"] == audience


CHAPTERS = (
    Chapter(
        "cctv.detection",
        lambda v: v["label"] == "smoke",
        lambda v: f"camera {v['camera_id']} sees smoke; nobody has called yet ({v['source']})",
        "smoke that a camera sees",
    ),
    Chapter(
        "core.alert",
        lambda v: v["rule"] == "unconfirmed" and v["kind"] == "fire",
        lambda v: f"two cameras agree: {v['headline']}",
        "two cameras that agree",
    ),
    Chapter(
        "fire.incident",
        lambda v: v["kind"].startswith("fire") and v["source"] == "dispatch-119",
        lambda v: f"119 is called: {v['kind_text']}, case {v['agency_case_no']} ({v['source']})",
        "a call of 119",
    ),
    Chapter(
        "core.situation",
        lambda v: (
            v["rule"] == "joint-incident"
            and v["kind"].startswith("fire")
            and len(v["evidence"]) > len(v["incidents"])
        ),
        lambda v: f"smoke and call are one situation, {v['certainty']}: {v['reason']}",
        "smoke and call as one situation",
    ),
    Chapter(
        "core.situation",
        lambda v: v["kind"].startswith("crash") and len(v["agencies"]) > 1,
        lambda v: f"119 and 112 report one crash, one situation: {v['reason']}",
        "a crash that 119 and 112 report",
    ),
    Chapter(
        "core.alert",
        _told("traffic-impact", "transit"),
        lambda v: f"transit and hubs are told: {v['headline']}",
        "transit that is told",
    ),
    Chapter(
        "core.alert",
        _told("disaster", "disaster-room"),
        lambda v: f"an underpass fills, the disaster room is told: {v['headline']}",
        "a flooded underpass",
    ),
    Chapter(
        "core.alert",
        _told("vulnerable", "protection-centre"),
        lambda v: f"a child under protection: {v['headline']}",
        "a child under protection",
    ),
    Chapter(
        "core.track",
        lambda v: len(v["hits"]) >= CAMERAS_PASSED,
        lambda v: f"a wanted car is followed over {len(v['hits'])} cameras: {way(v)}",
        "a wanted car",
    ),
    Chapter(
        "core.grant",
        lambda v: v["rule"] == "disaster" and v["revoked_at"] is None,
        lambda v: f"camera {v['camera_id']} opens to {v['granted_to']}: {v['purpose']}, until the end of it",
        "a camera that opens",
    ),
    Chapter(
        "core.alert",
        lambda v: v["rule"] == "unconfirmed" and v["kind"] == "medical",
        lambda v: f"a claim waits for an operator: {v['headline']}",
        "a claim that waits",
    ),
    Chapter(
        "core.alert",
        lambda v: v["rule"] == "surge",
        lambda v: f"a burst of calls is one alert: {v['headline']}",
        "a burst of calls",
    ),
)


def chapters_of(city: str) -> tuple[Chapter, ...]:
    """The chapters of the simulated *city*."""
    told = {"jeju": island_chapters, "bucheon": search_chapters}
    return told[city]() if city in told else CHAPTERS


@dataclass(slots=True)
class Story:
    """The chapters that are still to come."""

    zone: tzinfo
    chapters: tuple[Chapter, ...] = CHAPTERS
    waiting: list[Chapter] = field(init=False)
    """Chapters of which nothing was seen yet."""

    def __post_init__(self) -> None:
        self.waiting = list(self.chapters)

    @property
    def is_told(self) -> bool:
        return not self.waiting

    def take(self, contract: str, value: Value, place: str) -> str | None:
        """The line of *value*, where it is the first of its chapter. *place*: topic, partition and offset, or a request."""
        for chapter in self.waiting:
            if chapter.contract == contract and chapter.is_it(value):
                self.waiting.remove(chapter)
                at = datetime.fromtimestamp(value["received_time"] / 1000, self.zone)
                return f"{at:%Y-%m-%d %H:%M:%S}  {printable_line(chapter.words(value))}  [{place}]"
        return None
