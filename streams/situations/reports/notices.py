"""Notices: what agencies tell that is no report of a happening, as a sensor's value, a call for help, a wanted vehicle.

A notice of a new kind is one line of ``NOTICES``: the stage subscribes to it, the law is looked at, rules that name it in
``notices`` are asked, and an explanation has words for it. The law is looked at first, whatever rules are in force:
without consent, or a ground, nothing is taken. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import Invalid
from schemas.weekly import spans
from streams.closures.closure_table import closure_of
from streams.energy.windows import window_after
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.rule import City, KeepsList, Notices

OBSERVATION, VULNERABLE, WANTED = "civil.observation", "civil.vulnerable", "police.wanted"
SPEED, HUB, ZONE, VERDICT = "mobility.speed", "place.hub", "place.zone", "drone.verdict"
BOARD, VEHICLE, BOOKING = "core.hub", "mobility.position", "mobility.booking"
SURPLUS = "energy.surplus"
CLOSURE = "core.closure"
CAUSES = ("button", "zone_exit", "zone_return", "cancelled")
TOKENS_MAX = 1_000
SPEED_MAX_MPS = 150.0
WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """A contract whose records are notices. *entry_kind* is their kind in the journal: a "notice" brings the time with it,
    a "place" and "evidence" do not. *check* raises ``Invalid`` for one that cannot be taken. *in_words* names one in an
    explanation, and never whom it concerns. *is_list*: each is an entry of a list that a rule keeps."""

    entry_kind: str
    check: Callable[[Entry, RulesConfig], None]
    in_words: Callable[[Mapping[str, Any]], str]
    is_list: bool = False


def check_notice(entry: Entry, city: City) -> None:
    """``Invalid`` for one that says nothing, that the law does not let us take, or for which a rule has no room. Never
    quotes it: it may be personal."""
    contract = entry.topic.partition(".")[2]
    if contract not in NOTICES:
        return
    NOTICES[contract].check(entry, city.rules)
    for rule in keepers(city, contract):
        rule.check_room(city, entry)


def keepers(city: City, contract: str) -> list[KeepsList]:
    """The rules in force that keep the list of which notices of *contract* are entries; none where it is no list."""
    if contract not in NOTICES or not NOTICES[contract].is_list:
        return []
    takers = (one for one in city.rules_in_force if isinstance(one, Notices) and contract in one.notices)
    return [one for one in takers if isinstance(one, KeepsList)]


def _check_observation(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "sensor_id"), "sensor_id", "a sensor")


def _check_call(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "consent_ref"), "consent_ref", "where the person's consent is kept")
    need(entry, entry.value["cause"] in CAUSES, "cause", " or ".join(CAUSES))
    need(entry, _is_said(entry, "person_ref"), "person_ref", "a pseudonym")


def _check_wanted(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "entry_id"), "entry_id", "the list's own id")
    if not entry.value["is_listed"]:
        return
    need(entry, _is_said(entry, "offence"), "offence", "the class of offence")
    need(entry, _is_said(entry, "legal_ground"), "legal_ground", "the law that allows it")
    allowed = config.law.wanted_offences
    if allowed is not None:
        need(entry, entry.value["offence"] in allowed, "offence", " or ".join(allowed) or "none by this law")
    tokens = [*entry.value["tokens"], *entry.value["candidate_tokens"]]
    need(entry, bool(entry.value["tokens"]), "tokens", "at least one token")
    need(entry, _is_said(entry, "agency"), "agency", "who looks for it")
    need(entry, len(tokens) <= TOKENS_MAX, "candidate_tokens", f"at most {TOKENS_MAX} tokens")


def _check_speed(entry: Entry, config: RulesConfig) -> None:
    speed, vehicles = entry.value["mean_speed_mps"], entry.value["vehicles"]
    need(entry, 0 <= speed <= SPEED_MAX_MPS, "mean_speed_mps", f"0 to {SPEED_MAX_MPS:g} m/s")
    need(entry, vehicles >= 1, "vehicles", "at least one")
    need(entry, _is_said(entry, "cell"), "cell", "row:column")
    need(entry, entry.value["position"] is not None, "position", "the middle of the cell")


def _check_hub(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "hub_id"), "hub_id", "the hub's own id")


def _check_zone(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "zone_id"), "zone_id", "the zone's own id")
    need(entry, _is_said(entry, "geometry"), "geometry", "a GeoJSON geometry")
    spans(entry.value["hours"], ZoneInfo("UTC"), 0, WEEK_MS)  # Invalid names what is no time of a week


def _check_verdict(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "drone_id"), "drone_id", "the drone's id")


def _check_vehicle(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "vehicle_id"), "vehicle_id", "the vehicle's own number")


def _check_booking(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "booking_id"), "booking_id", "the ride's own number")


def _check_surplus(entry: Entry, config: RulesConfig) -> None:
    window_after(None, entry.value)


def _check_closure(entry: Entry, config: RulesConfig) -> None:
    need(entry, _is_said(entry, "closure_id"), "closure_id", "the closure's own id")
    closure_of(entry.value)


NOTICES: Mapping[str, NoticeKind] = {
    OBSERVATION: NoticeKind(
        "notice",
        _check_observation,
        lambda it: f"{it['quantity']} {it['value']:g} of sensor {it['sensor_id']}",
    ),
    VULNERABLE: NoticeKind("notice", _check_call, lambda it: f"somebody's {it['cause'].replace('_', ' ')}"),
    WANTED: NoticeKind(
        "notice", _check_wanted, lambda _: "an entry of the list of wanted vehicles", is_list=True
    ),
    HUB: NoticeKind("place", _check_hub, lambda it: f"hub {it['hub_id']}"),
    ZONE: NoticeKind("place", _check_zone, lambda it: f"zone {it['zone_id']}", is_list=True),
    VERDICT: NoticeKind("evidence", _check_verdict, lambda it: f"a drone judged {it['verdict']}"),
    BOARD: NoticeKind("evidence", _check_hub, lambda it: f"the board of hub {it['hub_id']}"),
    VEHICLE: NoticeKind("evidence", _check_vehicle, lambda it: f"the position of a {it['vehicle_type']}"),
    BOOKING: NoticeKind("evidence", _check_booking, lambda it: f"a ride {it['state'].replace('_', ' ')}"),
    SURPLUS: NoticeKind("evidence", _check_surplus, lambda it: f"a window of surplus energy {it['state']}"),
    CLOSURE: NoticeKind("notice", _check_closure, lambda it: f"a closure: {it['state']}"),
    SPEED: NoticeKind(
        "evidence",
        _check_speed,
        lambda it: f"{it['mean_speed_mps'] * 3.6:.0f} km/h in cell {it['cell']}",
    ),
}
"""By contract."""


def _is_said(entry: Entry, field: str) -> bool:
    return bool((entry.value[field] or "").strip())


def need(entry: Entry, is_so: bool, field: str, expected: str) -> None:
    """``Invalid`` unless *is_so*, which names the field and never what it holds."""
    if not is_so:
        raise Invalid(f"{entry.topic}: taken only with a usable {field}", field=field, expected=expected)
