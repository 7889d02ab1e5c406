"""Builders for a city under the rules: a test spells out only what matters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.laws import law_named
from schemas.event import Event, derived_id
from streams.geo import EARTH_RADIUS_M
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.rules.in_force import CityRules

LAT, LON = 36.35, 127.38
AGENCIES = {"fire": "119", "police": "112"}
MINUTE = 60_000


def rules(**changed: Any) -> RulesConfig:
    return CityRules.model_validate({"city": "demo", "law": law_named("kr"), **changed})


def at(clock: str) -> int:
    """``"12:05"`` or ``"12:05:30"`` of the day on which everything happens; ``"+2 12:05"`` two days later."""
    days, _, time = clock.rpartition(" ")
    day = 1 + int(days or 0)
    return int(datetime.fromisoformat(f"2024-06-{day:02d}T{time}+00:00").timestamp() * 1000)


def place(north_m: float = 0, east_m: float = 0) -> dict[str, Any]:
    lat = LAT + math.degrees(north_m / EARTH_RADIUS_M)
    lon = LON + math.degrees(east_m / EARTH_RADIUS_M / math.cos(math.radians(LAT)))
    return {"lat": lat, "lon": lon, "accuracy_m": None}


def an_incident(
    case: str = "F1",
    *,
    kind: str = "crash.vehicle",
    status: str = "open",
    happened: str = "12:00",
    heard: str | None = None,
    where: Mapping[str, Any] | None = None,
    revision: int = 1,
    units: Sequence[str] = (),
    unplaced: bool = False,
) -> Entry:
    """A report. The case's first letter gives the agency: F for 119, P for 112."""
    domain = {"F": "fire", "P": "police"}[case[0]]
    value = {
        "event_id": derived_id(case, revision),
        "city": "demo",
        "source": domain,
        "event_time": at(happened),
        "received_time": at(heard or happened),
        "position": None if unplaced else dict(where or place()),
        "incident_id": case,
        "agency": AGENCIES[domain],
        "agency_case_no": f"no {case}",
        "kind": kind,
        "status": status,
        "units": list(units),
        "address": "Made Up Street 1",
        "revision": revision,
    }
    return Entry("incident", f"demo.{domain}.incident", 0, revision, value)


def a_camera(
    name: str = "c1",
    *,
    where: Mapping[str, Any] | None = None,
    status: str = "ok",
    purposes: Sequence[str] = ("crime-prevention", "fire-safety"),
) -> Entry:
    value = {
        "camera_id": name,
        "position": dict(where or place(10)),
        "purposes": list(purposes),
        "status": status,
        "received_time": at("00:00"),
    }
    return Entry("place", "demo.place.camera", 0, 0, value)


def a_tick(clock: str) -> Entry:
    return Entry("tick", "demo.core.tick", 0, 0, {"event_time": at(clock)})


def an_action(
    action: str,
    situation_id: str,
    clock: str = "12:05",
    *,
    by: str = "acc-7",
    reason: str = "seen on the camera",
    role: str = "operator",
    other: str | None = None,
    reports: Sequence[str] = (),
    action_id: str | None = None,
    ground: str | None = None,
) -> Entry:
    value = {
        "action_id": action_id or derived_id(action, situation_id, clock, by),
        "situation_id": situation_id,
        "action": action,
        "account_id": by,
        "role": role,
        "reason": reason,
        "other_situation_id": other,
        "incident_ids": list(reports),
        "ground": ground,
        "received_time": at(clock),
    }
    return Entry("action", "demo.core.action", 0, 0, value)


@dataclass(slots=True)
class City:
    """A city's rules; keeps every answer of theirs in *said*."""

    config: RulesConfig = field(default_factory=rules)
    state: CityState = field(default_factory=CityState.empty)
    said: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.take(Entry("rules", "demo.rules", 0, 0, self.config.canonical()))

    def take(self, *entries: Entry) -> list[Event]:
        """The rules' answers to *entries*."""
        said = [event for entry in entries for event in step(self.state, entry)]
        self.said += said
        return said

    def all(self, topic: str) -> list[dict[str, Any]]:
        return [dict(event.value) for event in self.said if event.topic == topic and event.value is not None]

    def newest(self) -> dict[str, dict[str, Any]]:
        """The last revision of every situation ever published."""
        return {value["situation_id"]: value for value in self.all("core.situation")}

    def live(self) -> list[dict[str, Any]]:
        """The last revisions of those that were not merged into others, oldest first."""
        found = [value for value in self.newest().values() if value["merged_into"] is None]
        return sorted(found, key=lambda value: value["opened_at"])

    def the_situation(self) -> dict[str, Any]:
        (only,) = self.live()
        return only

    def grants(self) -> dict[str, dict[str, Any]]:
        """The last revision of every grant."""
        return {value["grant_id"]: value for value in self.all("core.grant")}

    def grants_in_force(self) -> list[dict[str, Any]]:
        return [value for value in self.grants().values() if value["revoked_at"] is None]


def members(situation: Mapping[str, Any]) -> set[str]:
    return {incident["incident_id"] for incident in situation["incidents"]}


def a_city(*entries: Entry, **changed: Any) -> City:
    """A city with the settings *changed*, after *entries*."""
    city = City(rules(**changed))
    city.take(*entries)
    return city
