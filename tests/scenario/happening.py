"""Convert a scenario's events into the input of the rules and the match."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.subjects.plates import misread_tokens, plate_token
from schemas.catalogue import load_catalogue
from schemas.event import derived_id
from schemas.kinds import load_kinds
from schemas.rows import RowCodec
from streams.geo import EARTH_RADIUS_M
from streams.situations.entry import Entry
from streams.speed.cells import cell_at, centre_of
from streams.stages.situations import INPUTS
from tests.scenario.a_scenario import Scenario, Wrong, config_of

LAT, LON = 36.35, 127.38
MINUTE_MS = 60_000
DOMAINS = {"119": "fire", "112": "police"}
"""Agency → domain; for other agencies the event names the domain."""
PLATE_KEY = b"a key of the scenarios"
_METRES = re.compile(r"(\d+(?:\.\d+)?) m ([NSEW])")
COMMON = ("event_id", "city", "source", "event_time", "event_time_accuracy_s", "received_time", "position")
WORDS = ("report", "camera", "seen", "plate", "speed", "wanted", "zone", "drone", "action", "event", "rules")
"""The keys that decide an event's kind, the first one found; without any, only time passes."""


def place_of(said: str) -> dict[str, Any] | None:
    """``here``, ``80 m N``, ``80 m N, 20 m E``; ``unknown`` is ``None``."""
    if said == "unknown":
        return None
    north, east = 0.0, 0.0
    for part in [] if said == "here" else said.split(", "):
        step = _METRES.fullmatch(part)
        if step is None:
            raise Wrong(f"{said!r} is no place; write here, unknown, or 80 m N, 20 m E")
        metres = float(step[1]) * (1 if step[2] in "NE" else -1)
        north, east = (north + metres, east) if step[2] in "NS" else (north, east + metres)
    lat = LAT + math.degrees(north / EARTH_RADIUS_M)
    lon = LON + math.degrees(east / EARTH_RADIUS_M / math.cos(math.radians(LAT)))
    return {"lat": lat, "lon": lon, "accuracy_m": None}


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: *contract* and *value* are published; *said* is the event of the file."""

    at: int
    contract: str
    value: Mapping[str, Any]
    offset: int
    said: Mapping[str, Any]

    @property
    def entry(self) -> Entry:
        """The entry of the rules."""
        kind = "rules" if self.contract == "rules" else INPUTS[self.contract]
        return Entry(kind, f"demo.{self.contract}", 0, self.offset, self.value)


@dataclass(slots=True)
class Happenings:
    """Reads events in order. A field that an event of a case or camera leaves out is that of its last event."""

    scenario: Scenario
    now_ms: int = 0
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    cameras: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)

    def of(self, said: Mapping[str, Any]) -> Happening:
        """The happening of *said*. An action still has the file's name of its situation."""
        self.now_ms = self.scenario.at(said["at"], self.now_ms)
        word = next((one for one in WORDS if one in said), "tick")
        rest = {name: value for name, value in said.items() if name not in ("at", "refused")}
        contract, value = getattr(self, f"_{word}")(rest)
        if rest:
            raise Wrong(f"{self.scenario.name} at {said['at']}: {word} has no {sorted(rest)}")
        if contract != "rules":
            value = self._complete(contract, value)
        self.offsets[contract] = offset = self.offsets.get(contract, -1) + 1
        return Happening(self.now_ms, contract, value, offset, said)

    def _tick(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "core.tick", {"event_time": self.now_ms, "played": False}

    def _report(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """An agency's case. It still has the file's name of the filing that it answers."""
        agency, _, case = rest.pop("report").rpartition(" ")
        known = self.cases.get(f"{agency} {case}", {})
        is_again = rest.pop("again", False)
        happened = rest.pop("happened", None)
        domain = rest.pop("domain", None) or known.get("domain") or DOMAINS.get(agency, "civil")
        words = {"where": "here", "status": "open", "units": []} | known.get("words", {})
        words |= {name: rest.pop(name) for name in ("kind", "status", "where", "units") if name in rest}
        if words["kind"] not in load_kinds().names:
            raise Wrong(f"{self.scenario.name}: no kind {words['kind']!r} in schemas/kinds.toml")
        revision = known.get("revision", 0) + (0 if is_again else 1)
        event_time = self.scenario.at(happened) if happened else known.get("event_time", self.now_ms)
        self.cases[f"{agency} {case}"] = {
            "domain": domain,
            "words": words,
            "revision": revision,
            "event_time": event_time,
        }
        return f"{domain}.incident", {
            "event_id": derived_id(agency, case, revision),
            "event_time": event_time,
            "position": place_of(words["where"]),
            "incident_id": f"{agency} {case}",
            "agency": agency,
            "agency_case_no": case,
            "kind": words["kind"],
            "kind_text": words["kind"],
            "status": words["status"],
            "units": words["units"],
            "revision": revision,
            "filing_id": rest.pop("answers", None),
        }

    def _camera(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        camera = rest.pop("camera")
        self.cameras[camera] = rest.pop("where", self.cameras.get(camera, "here"))
        return "place.camera", {
            "position": place_of(self.cameras[camera]),
            "camera_id": camera,
            "owner": "city",
            "purposes": rest.pop("purposes", ["crime-prevention", "fire-safety"]),
            "status": rest.pop("status", "ok"),
        }

    def _seen(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A camera's claim."""
        camera = rest.pop("by")
        return "cctv.detection", {
            "event_time": self._happened(rest),
            "position": place_of(rest.pop("where", self.cameras.get(camera, "here"))),
            "camera_id": camera,
            "label": rest.pop("seen"),
            "confidence": rest.pop("confidence", 0.9),
        }

    def _plate(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A plate read by a camera; the camera's connector publishes it as a token."""
        camera = rest.pop("by")
        return "cctv.plate", {
            "event_time": self._happened(rest),
            "position": place_of(rest.pop("where", self.cameras.get(camera, "here"))),
            "camera_id": camera,
            "plate_token": plate_token(PLATE_KEY, rest.pop("plate")),
            "confidence": rest.pop("confidence", 0.9),
            "image_ref": rest.pop("image", None),
        }

    def _speed(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The mean speed in the cell of a place, in the last whole minute."""
        place = place_of(rest.pop("where", "here")) or {}
        cell = cell_at(place["lat"], place["lon"])
        lat, lon = centre_of(cell)
        minute = self.now_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
        return "mobility.speed", {
            "event_id": derived_id("speed", cell, minute),
            "event_time": minute,
            "position": {"lat": lat, "lon": lon, "accuracy_m": None},
            "cell": cell,
            "vehicles": rest.pop("vehicles", 10),
            "mean_speed_mps": rest.pop("speed") / 3.6,
        }

    def _wanted(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """An entry of the police's list, as that source publishes it."""
        entry, plate = rest.pop("wanted"), rest.pop("number", None)
        ends = rest.pop("ends", None)
        return "police.wanted", {
            "event_time": self._happened(rest),
            "entry_id": entry,
            "agency": rest.pop("agency", "112"),
            "is_listed": plate is not None,
            "offence": rest.pop("offence", None),
            "legal_ground": rest.pop("ground", None),
            "tokens": [] if plate is None else [plate_token(PLATE_KEY, plate)],
            "candidate_tokens": [] if plate is None else misread_tokens(PLATE_KEY, plate),
            "ends_at": None if ends is None else self.scenario.at(ends, self.now_ms),
        }

    def _zone(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A square zone, *around* metres from its middle to each side."""
        zone_id, around = rest.pop("zone"), rest.pop("around", 1_000)
        middle = place_of(rest.pop("where", "here"))
        if middle is None:
            raise Wrong(f"{self.scenario.name}: the zone {zone_id} has no place")
        up = math.degrees(around / EARTH_RADIUS_M)
        aside = up / math.cos(math.radians(middle["lat"]))
        corners = [
            [middle["lon"] + x * aside, middle["lat"] + y * up]
            for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
        ]
        value = {
            "event_time": self._happened(rest),
            "zone_id": zone_id,
            "name": zone_id,
            "kind": "park",
            "geometry": json.dumps({"type": "Polygon", "coordinates": [corners]}),
            "sense": "exclusion",
        }
        return "place.zone", value | {name: self._field(name, rest.pop(name)) for name in list(rest)}

    def _drone(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A drone's position."""
        return "drone.position", {
            "event_time": self._happened(rest),
            "drone_id": rest.pop("drone"),
            "position": place_of(rest.pop("where", "here")),
        }

    def _action(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """An operator's action: *on* is a report's case, or a rule, for its newest situation."""
        return "core.action", {
            "action_id": derived_id("action", rest["action"], self.now_ms),
            "action": rest.pop("action"),
            "situation_id": rest.pop("on"),
            "other_situation_id": rest.pop("with", None),
            "incident_ids": rest.pop("reports", []),
            "account_id": rest.pop("by", "operator-1"),
            "role": rest.pop("role", "operator"),
            "reason": rest.pop("reason", "seen on the camera"),
            "ground": rest.pop("ground", None),
            "to_domain": rest.pop("to", None),
        }

    def _event(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """An event of any contract, field by field; *where* is its position."""
        contract = rest.pop("event")
        value: dict[str, Any] = {"event_time": self._happened(rest)}
        if "where" in rest:
            value["position"] = place_of(rest.pop("where"))
        value |= {name: self._field(name, rest.pop(name)) for name in list(rest)}
        return contract, value

    def _rules(self, rest: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """New settings for the whole city, in the form of ``[city]``."""
        return "rules", config_of(rest.pop("rules")).canonical()

    def _happened(self, rest: dict[str, Any]) -> int:
        return self.scenario.at(rest.pop("happened"), self.now_ms) if "happened" in rest else self.now_ms

    def _field(self, name: str, value: Any) -> Any:
        """*value* with its times in milliseconds; ``as_of`` within a part of a board is one, too."""
        if isinstance(value, dict):
            return {inner: self._field(inner, each) for inner, each in value.items()}
        is_time = name.endswith(("_at", "_time", "as_of")) and isinstance(value, str)
        return self.scenario.at(value, self.now_ms) if is_time else value

    def _complete(self, contract: str, value: dict[str, Any]) -> dict[str, Any]:
        """*value* with all fields of its contract, encoded and decoded. ``Invalid`` if it does not fit."""
        schema = load_catalogue()[contract].newest
        usual = {
            "event_id": derived_id(contract, self.now_ms, self.offsets.get(contract, -1)),
            "city": "demo",
            "source": "scenario",
            "event_time": self.now_ms,
            "received_time": self.now_ms,
        }
        defaults = {one["name"]: one["default"] for one in schema["fields"] if "default" in one}
        codec = RowCodec(schema)
        return codec.decode(codec.encode({**defaults, **usual, **value}))


def all_of(scenario: Scenario) -> Iterator[Happening]:
    happenings = Happenings(scenario)
    for said in scenario.events:
        rest = {name: value for name, value in said.items() if name != "minutes"}
        yield happenings.of(rest)
        for _ in range(1, said.get("minutes", 1)):
            yield happenings.of({**rest, "at": "+1 min"})
