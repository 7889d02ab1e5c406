"""The demo, or the island, told in twelve lines, each with the topic and offset at which it can be read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from deploy.demo.happenings import BATTERY_LOW_PERCENT, FAULT
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


def _vehicles(value: Value) -> int | None:
    return sum(one["count"] for one in value["available"]) if value["available"] else None


def _is_full(value: Value) -> bool:
    return bool(_vehicles(value)) and value["docks"] is not None and value["docks"]["free"] == 0


ISLAND = (
    Chapter(
        "place.hub",
        lambda v: v["kind"] == "hub",
        lambda v: f"{v['name']}: a hub, with {v['capacity']} docks ({v['source']})",
    ),
    Chapter(
        "place.hub",
        lambda v: v["kind"] == "charging" and v["capacity"] is not None,
        lambda v: f"{v['name']}: {v['capacity']} chargers ({v['source']})",
    ),
    Chapter(
        "mobility.trip",
        lambda v: len(v["delays"]) > 1,
        lambda v: f"bus {v['route_id']} comes by {len(v['delays'])} more hubs ({v['source']})",
    ),
    Chapter(
        "mobility.booking",
        lambda v: v["state"] == "requested",
        lambda v: f"ride {v['booking_id']} is asked for, {v['passengers']} ride ({v['source']})",
    ),
    Chapter(
        "mobility.hub",
        _is_full,
        lambda v: f"{v['hub_id']} is full: none of {v['docks']['total']} docks is free ({v['source']})",
    ),
    Chapter(
        "core.situation",
        lambda v: v["kind"].startswith("crash") and len(v["agencies"]) > 1,
        lambda v: f"119 and 112 report one crash, one situation: {v['reason']}",
    ),
    Chapter(
        "mobility.position",
        lambda v: bool(v["tipped_over"]),
        lambda v: f"{v['label']} lies on its side: {v['location_type']} ({v['source']})",
    ),
    Chapter(
        "mobility.position",
        lambda v: v["battery_percent"] is not None and v["battery_percent"] < BATTERY_LOW_PERCENT,
        lambda v: f"a battery is at {v['battery_percent']:.0f} % ({v['source']})",
    ),
    Chapter(
        "mobility.hub",
        lambda v: _vehicles(v) == 0,
        lambda v: f"{v['hub_id']} is empty of vehicles ({v['source']})",
    ),
    Chapter(
        "mobility.hub",
        lambda v: any(one["state"] == FAULT for one in v["chargers"]),
        lambda v: f"a charger of {v['name']} is out of order ({v['source']})",
    ),
    Chapter(
        "civil.incident",
        lambda v: v["status"] == "open",
        lambda v: f"a warning: {v['kind_text']} at {v['address']} ({v['source']})",
    ),
    Chapter(
        "mobility.trip",
        lambda v: v["relationship"] == "alert",
        lambda v: f"buses are led round it: {v['header_text']} ({v['source']})",
    ),
)


def chapters_of(city: str) -> tuple[Chapter, ...]:
    """The chapters of the simulated *city*."""
    return ISLAND if city == "jeju" else CHAPTERS


@dataclass(slots=True)
class Story:
    """The chapters that are still to come."""

    zone: tzinfo
    chapters: tuple[Chapter, ...] = CHAPTERS
    waiting: list[Chapter] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = list(self.chapters)

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
