"""The rule of zones: who is told of a breach, once; what ends it; and what it asks the match to look for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.rows import RowCodec
from streams.geo import distance_m
from streams.situations.entry import Entry
from streams.situations.fold import CityState
from streams.situations.rules.zone.areas import areas_of, grown, holds, outside_of, view_in
from tests.unit.situations.a_city import City, a_camera, a_tick, an_action, at, place, rules

SQUARE_M = 1_000.0
GROUND = {"ground_m": [140.0, 150.0], "geoid_m": [-30.0, -29.0]}


def square(half_m: float = SQUARE_M, north_m: float = 0, east_m: float = 0) -> list[list[float]]:
    corners = [(-half_m, -half_m), (-half_m, half_m), (half_m, half_m), (half_m, -half_m), (-half_m, -half_m)]
    places = [place(north_m + north, east_m + east) for north, east in corners]
    return [[one["lon"], one["lat"]] for one in places][::-1]


def a_zone(name: str = "park", *, clock: str = "11:00", source: str = "zones", **changed: Any) -> Entry:
    value = {
        "event_id": f"zone {name} {clock}",
        "source": source,
        "event_time": at(clock),
        "received_time": at(clock),
        "position": None,
        "zone_id": name,
        "name": f"The {name}",
        "kind": "park",
        "operator": None,
        "geometry": orjson.dumps({"type": "Polygon", "coordinates": [square()]}).decode(),
        "rules": None,
        "starts_at": None,
        "ends_at": None,
        "parent_id": None,
        "sense": "exclusion",
        "floor_m": None,
        "floor_reference": None,
        "ceiling_m": None,
        "ceiling_reference": None,
        "hours": [],
        "allowed_ids": [],
        "allowed_classes": [],
        "applies_to": [],
        "priority": 0,
        "simplified_error_m": None,
        **changed,
    }
    return Entry("place", "demo.place.zone", 0, 0, value)


class Zones(City):
    """A city with the rule of zones; it remembers the watches as the match would."""

    @property
    def watches(self) -> dict[str, dict[str, Any]]:
        known: dict[str, dict[str, Any]] = {}
        for event in self.said:
            if event.topic == "core.watch":
                if event.value is None:
                    known.pop(event.key, None)
                else:
                    known[event.key] = dict(event.value)
        return known

    def watch(self, number: int = 0) -> dict[str, Any]:
        return list(self.watches.values())[number]

    def sees(
        self,
        kind: str,
        subject: str = "d1",
        clock: str = "12:00",
        *,
        topic: str = "drone.position",
        label: str = "drone",
        where: Mapping[str, Any] | None = None,
        certainty: str = "certain",
        seen_by: str | None = None,
        watch: int = 0,
        heard: str | None = None,
    ) -> None:
        self.take(a_tick(heard or clock))
        value = {
            "event_id": f"{kind} {subject} {clock} {watch}",
            "event_time": at(clock),
            "received_time": at(clock),
            "position": dict(where or place()),
            "watch_id": self.watch(watch)["watch_id"],
            "situation_id": None,
            "kind": kind,
            "observation_id": f"o {subject} {clock}",
            "topic": f"demo.{topic}",
            "partition": 0,
            "offset": 1,
            "distance_m": None,
            "seconds": 0.0,
            "subject": subject,
            "label": label,
            "confidence": None,
            "count": 1,
            "purpose": "crime-prevention",
            "seen_by": seen_by,
            "image_ref": None,
            "certainty": certainty,
        }
        self.take(Entry("evidence", "demo.core.evidence", 0, 0, value))


def zones(*entries: Entry, **numbers: Any) -> Zones:
    city = Zones(rules(others=[{"name": "zone", "numbers": {**GROUND, **numbers}}]))
    city.take(a_tick("11:00"), *entries)
    return city


def alerts(city: City, audience: str = "operator") -> list[tuple[str, str]]:
    return [
        (one["message_type"], one["headline"])
        for one in city.all("core.alert")
        if one["audience"] == audience
    ]


# -- a breach and its ends ------------------------------------------------------------------------------------


def test_a_breach_is_one_situation_and_its_leaving_ends_it() -> None:
    city = zones(a_zone())
    city.sees("entered", clock="12:00")
    city.sees("inside", clock="12:00:10")
    situation = city.the_situation()
    assert (situation["kind"], situation["status"], situation["certainty"]) == (
        "intrusion.drone",
        "open",
        "observed",
    )
    city.sees("left", clock="12:00:20")
    situation = city.the_situation()
    assert (situation["status"], situation["reason"]) == ("closed", "left the zone")
    assert [one for one, _ in alerts(city)] == ["alert", "cancel"]
    assert not [name for name in city.state.memories if "thing" in name]


def test_what_has_stood_inside_for_an_hour_is_no_new_breach() -> None:
    city = zones(a_zone(), silent_s=90)
    city.sees("entered", clock="12:00")
    for minute in range(1, 60):
        city.sees("inside", clock=f"12:{minute:02d}")
    city.sees("entered", clock="12:59:30")  # a match that lost its memory
    assert len(city.newest()) == 1
    assert [one for one, _ in alerts(city)] == ["alert"]


def test_what_goes_silent_inside_is_lost_and_has_not_left() -> None:
    city = zones(a_zone(), silent_s=60)
    city.sees("entered", clock="12:00")
    city.take(a_tick("12:01:09"))  # it may have been seen until 10 s after it was told
    assert city.the_situation()["status"] == "open"
    city.take(a_tick("12:01:10"))
    situation = city.the_situation()
    assert situation["status"] == "closed" and situation["reason"].startswith("lost")
    assert alerts(city)[-1] == (
        "cancel",
        "드론 구역 침입: The park에서 더 이상 보이지 않음, 나가는 것은 확인되지 않음",
    )
    city.sees("inside", clock="12:05")
    assert len(city.newest()) == 2, "seen again, it is told again"


def test_an_older_evidence_changes_nothing() -> None:
    city = zones(a_zone())
    city.sees("entered", clock="12:00:10")
    city.sees("left", clock="12:00:05", heard="12:00:10")
    assert city.the_situation()["status"] == "open"


def test_possible_is_told_as_possible_and_rises() -> None:
    city = zones(a_zone(ceiling_m=120.0, ceiling_reference="above_sea"))
    city.sees("entered", certainty="possible")
    situation = city.the_situation()
    assert (situation["certainty"], situation["severity"]) == ("possible", "moderate")
    city.sees("entered", clock="12:00:05")
    situation = city.the_situation()
    assert (situation["certainty"], situation["severity"]) == ("observed", "severe")
    city.sees("entered", clock="12:00:09", certainty="possible")
    assert city.the_situation()["certainty"] == "observed", "what was certain stays so for this stay"


def test_two_zones_are_one_situation_until_it_has_left_both() -> None:
    city = zones(a_zone("park"), a_zone("border", priority=3))
    assert len(city.watches) == 2
    city.sees("entered", watch=0)
    city.sees("entered", watch=1, clock="12:00:01")
    assert "The border" in alerts(city)[-1][1]
    city.sees("left", watch=1, clock="12:00:05")
    assert city.the_situation()["status"] == "open"
    city.sees("left", watch=0, clock="12:00:06")
    assert city.the_situation()["status"] == "closed"
    assert len(city.newest()) == 1


def test_it_is_told_again_where_it_has_moved_and_not_before() -> None:
    city = zones(a_zone(), move_m=100)
    city.sees("entered", where=place(0))
    city.sees("inside", clock="12:00:10", where=place(90))
    assert city.the_situation()["revision"] == 1
    city.sees("inside", clock="12:00:20", where=place(110))
    situation = city.the_situation()
    assert situation["revision"] == 2
    assert situation["position"]["lat"] == place(110)["lat"]


def test_what_an_operator_closes_stays_closed_for_this_stay() -> None:
    city = zones(a_zone(), silent_s=600)
    city.sees("entered", clock="12:00")
    city.take(an_action("close", city.the_situation()["situation_id"], "12:01"))
    city.sees("inside", clock="12:02", where=place(500))
    assert len(city.newest()) == 1 and city.the_situation()["status"] == "closed"
    city.sees("left", clock="12:03")
    city.sees("entered", clock="12:04")
    assert len(city.newest()) == 2


# -- who it is about ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "subject", "breaches"),
    [
        ({"applies_to": ["drone"]}, "d1", 1),
        ({"applies_to": ["drone"], "allowed_ids": ["d1"]}, "d1", 0),
        ({"applies_to": ["drone"], "allowed_classes": ["own_drone"]}, "patrol", 0),
        ({"applies_to": ["drone"], "allowed_classes": ["own_drone"]}, "visitor", 1),
        ({"applies_to": ["unknown_drone"]}, "visitor", 0),
        ({"applies_to": ["unknown_drone"]}, "d1", 1),
        ({"applies_to": ["boat"]}, "d1", 0),
        ({}, "d1", 1),
    ],
)
def test_allowed_ids_and_classes(said: Mapping[str, Any], subject: str, breaches: int) -> None:
    city = zones(a_zone(**said), drones={"patrol": "own", "visitor": "registered"})
    city.sees("entered", subject)
    assert len(city.newest()) == breaches


def test_agencies_are_told_and_see_the_cameras_around() -> None:
    city = zones(a_camera("c1", where=place(30)), a_zone(), forward_to={"112": "police"})
    city.sees("entered")
    assert [one["granted_to"] for one in city.grants_in_force()] == ["112"]
    assert [one for one, _ in alerts(city, "112")] == ["alert"]
    city.sees("left", clock="12:00:20")
    assert not city.grants_in_force()


def test_people_count_by_their_camera_only_where_the_zone_holds_all_it_sees() -> None:
    answers = {}
    for north_m in (0.0, 970.0, 1_030.0, 1_200.0):
        city = zones(a_camera("c1", where=place(north_m)), a_zone(applies_to=["person"]), view_m=60)
        seen = next(n for n, one in enumerate(city.watches.values()) if one["topics"] == ["cctv.detection"])
        city.sees(
            "entered",
            "t1",
            topic="cctv.detection",
            label="person",
            where=place(north_m),
            seen_by="c1",
            watch=seen,
        )
        answers[north_m] = [one["certainty"] for one in city.live()]
    assert answers == {0.0: ["observed"], 970.0: ["possible"], 1_030.0: ["possible"], 1_200.0: []}


def test_a_detection_with_a_place_of_its_own_counts_by_that() -> None:
    for north_m, found in ((990.0, 1), (1_010.0, 0)):
        city = zones(a_camera("c1", where=place(900)), a_zone(applies_to=["person"]), view_m=60)
        seen = next(n for n, one in enumerate(city.watches.values()) if one["topics"] == ["cctv.detection"])
        where = place(north_m)
        city.sees(
            "entered", "t1", topic="cctv.detection", label="person", where=where, seen_by="c1", watch=seen
        )
        assert len(city.newest()) == found


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"ceiling_m": 120.0, "ceiling_reference": "above_ground"}, "observed"),
        ({"floor_m": 10.0, "floor_reference": "above_ground"}, None),
        ({"floor_m": 145.0, "floor_reference": "above_sea"}, "possible"),
        ({"ceiling_m": 139.0, "ceiling_reference": "above_sea"}, None),
    ],
)
def test_what_has_no_height_of_its_own_is_on_the_ground(limits: Mapping[str, Any], found: str | None) -> None:
    city = zones(a_zone(applies_to=["scooter"], **limits))
    city.sees("entered", topic="mobility.position", label="scooter", certainty="possible")
    assert [one["certainty"] for one in city.live()] == ([] if found is None else [found])


# -- what the match is asked for ------------------------------------------------------------------------------


def test_the_watch_says_limits_hours_holes_and_seeds_and_fits_its_contract() -> None:
    codec = RowCodec(load_catalogue()["core.watch"].newest)
    geometry = {"type": "MultiPolygon", "coordinates": [[square(), square(100)], [square(50, 5_000)]]}
    hours = [{"days": ["saturday"], "from": "22:00", "until": "05:00"}]
    city = zones(
        a_zone(
            geometry=orjson.dumps(geometry).decode(),
            hours=hours,
            ceiling_m=100.0,
            ceiling_reference="above_wgs84",
            floor_m=10.0,
            floor_reference="above_ground",
        ),
        seed_after_s=5,
    )
    watch = city.watch()
    codec.encode(watch)
    assert [len(one["holes"]) for one in watch["areas"]] == [1, 0]
    assert watch["ceiling"] == {"low_m": 129.0, "high_m": 130.0, "reference": "above_sea"}
    assert watch["floor"] == {"low_m": 10.0, "high_m": 10.0, "reference": "above_ground"}
    assert (watch["event"], watch["shape"], watch["kind"]) == ("crossed", "polygon", "fence")
    # 1 June 2024 is a Saturday
    night = {"opens_at": at("22:00"), "closes_at": at("+1 05:00")}
    assert night in watch["windows"]
    city.sees("entered", clock="12:00")
    assert city.watch()["inside"] == []
    city.take(a_tick("12:00:05"))
    assert city.watch()["inside"] == [
        {"topic": "drone.position", "seen_by": None, "subject": "d1", "since": at("12:00")}
    ]
    assert city.watch()["revision"] == 2
    city.sees("left", clock="12:00:20")
    city.take(a_tick("12:00:25"))
    assert city.watch()["inside"] == []
    city.take(a_tick("+1 12:00:30"))
    assert {"opens_at": at("+7 22:00"), "closes_at": at("+8 05:00")} in city.watch()["windows"]


def test_an_inclusion_is_watched_from_outside() -> None:
    city = zones(a_zone("cage", sense="inclusion", ceiling_m=120.0, ceiling_reference="above_ground"))
    outside, over = city.watch(0), city.watch(1)
    assert outside["floor"] is None and over["floor"]["low_m"] == 120.0 and over["ceiling"] is None
    city.sees("entered", watch=0)
    assert "밖" in alerts(city)[-1][1]
    city.sees("left", clock="12:00:10", watch=0)
    assert city.the_situation()["status"] == "closed"


def test_a_zone_that_only_describes_is_not_watched() -> None:
    assert not zones(a_zone(sense="none")).watches
    line = {"type": "LineString", "coordinates": square()}
    assert not zones(a_zone(geometry=orjson.dumps(line).decode())).watches


def test_a_zone_that_ends_takes_its_breaches_and_its_watch_with_it() -> None:
    city = zones(a_zone(ends_at=at("12:30")))
    city.sees("entered", clock="12:29:50")
    city.take(a_tick("12:30"))
    assert not city.watches
    assert city.the_situation()["reason"] == "the zone's time is over"
    assert not city.state.memories


def test_a_zone_said_again_is_told_again_only_where_it_changed() -> None:
    city = zones(a_zone())
    city.take(a_zone(clock="11:10"))
    assert city.watch()["revision"] == 1
    city.sees("entered", clock="12:00")
    city.take(a_tick("12:00:05"))
    moved = orjson.dumps({"type": "Polygon", "coordinates": [square(2_000)]}).decode()
    city.take(a_zone(clock="12:10", geometry=moved))
    assert city.watch()["revision"] == 3
    assert [one["subject"] for one in city.watch()["inside"]] == ["d1"], "who is inside stays inside"
    city.take(a_zone(clock="11:30", geometry=a_zone().value["geometry"]))
    assert city.watch()["revision"] == 3, "an older word says nothing"


def test_another_source_may_not_change_a_zone() -> None:
    city = zones(a_zone())
    with pytest.raises(Invalid):
        city.take(a_zone(clock="11:10", source="somebody"))


@pytest.mark.parametrize("hours", [[{"days": ["today"], "from": "22:00", "until": "05:00"}]])
def test_hours_that_are_none_are_invalid(hours: Sequence[Mapping[str, Any]]) -> None:
    with pytest.raises(Invalid):
        zones(a_zone(hours=hours))


# -- limits and restarts --------------------------------------------------------------------------------------


def test_a_crowd_is_one_situation_from_the_hundredth_on() -> None:
    city = zones(a_zone(), zone_things_max=10)
    for number in range(25):
        city.sees("entered", f"d{number}", f"12:00:{number:02d}")
    assert len(city.newest()) == 10
    for number in range(25):
        city.sees("left", f"d{number}", f"12:01:{number:02d}")
    assert {one["status"] for one in city.live()} == {"closed"}


def test_the_thing_silent_for_longest_makes_room() -> None:
    city = zones(a_zone(), things_max=5, silent_s=600)
    for number in range(8):
        city.sees("entered", f"d{number}", f"12:00:{number:02d}")
    is_open = [one["status"] == "open" for one in city.live()]
    assert is_open == [False] * 3 + [True] * 5
    assert city.live()[0]["reason"].startswith("let go")


def test_what_was_let_go_does_not_stay_in_the_watch_of_its_zone() -> None:
    city = zones(a_zone(), things_max=5, silent_s=600, seed_after_s=5)
    for number in range(20):
        city.sees("entered", f"d{number}", f"12:00:{number:02d}")
    city.take(a_tick("12:00:30"))
    assert len(city.watch()["inside"]) == 5
    watching = next(one for name, one in city.state.memories.items() if "watching" in name)
    assert len(watching.body["inside"]) <= 6, "at most the one that was let go last"


def test_reasons_are_forgotten_with_the_verdict() -> None:
    city = zones(a_zone(), silent_s=600)
    city.sees("entered", "d1")
    city.take(a_verdict("implausible", "12:00:10", "jump"), a_verdict("unknown", "12:00:20"))
    city.take(a_verdict("implausible", "12:00:30", "frozen"))
    assert city.the_situation()["reason"] == "it contradicts itself: frozen"


def test_a_restart_goes_on_where_it_was() -> None:
    city = zones(a_zone(), silent_s=60)
    city.sees("entered", clock="12:00")
    rows = {event.key: event.value for event in city.said if event.topic == "core.state"}
    kept = {key: value for key, value in rows.items() if value is not None}
    again = Zones(city.config, state=CityState.from_records(city.config, kept.items()))
    again.said = list(city.said)
    again.sees("entered", clock="12:00:30")
    assert len(again.newest()) == 1
    again.take(a_tick("12:01:40"))
    assert again.the_situation()["reason"].startswith("lost")


# -- outlines -------------------------------------------------------------------------------------------------


def test_the_outside_of_a_zone_and_the_zone_leave_nothing_between() -> None:
    geometry = {"type": "Polygon", "coordinates": [square(), square(200)]}
    areas = areas_of(orjson.dumps(geometry).decode())
    outside = outside_of(areas)
    for north_m in range(-1_950, 2_000, 100):
        for east_m in range(-1_950, 2_000, 100):
            at_place = place(north_m, east_m)
            is_in = max(abs(north_m), abs(east_m)) < 1_000 and not max(abs(north_m), abs(east_m)) < 200
            assert holds(areas, at_place["lat"], at_place["lon"]) is is_in
            assert holds(outside, at_place["lat"], at_place["lon"]) is not is_in


def test_a_grown_zone_reaches_as_far_as_a_camera_sees() -> None:
    areas = areas_of(orjson.dumps({"type": "Polygon", "coordinates": [square()]}).decode())
    wide = grown(areas, 60)
    for bearing in range(0, 360, 5):
        far = 1_000 / max(abs(math.cos(math.radians(bearing))), abs(math.sin(math.radians(bearing))))
        for beyond, is_in in ((55, True), (90, False)):
            away = far + beyond
            spot = place(away * math.cos(math.radians(bearing)), away * math.sin(math.radians(bearing)))
            if beyond == 55 or bearing % 90 == 0:
                assert holds(wide, spot["lat"], spot["lon"]) is is_in, bearing
    middle = place(0)
    assert view_in(areas, middle["lat"], middle["lon"], 999) == "certain"
    assert view_in(areas, middle["lat"], middle["lon"], 1_005) == "possible"
    assert distance_m(middle["lat"], middle["lon"], place(1_000)["lat"], middle["lon"]) == pytest.approx(
        1_000, 1e-4
    )


# -- verdicts -------------------------------------------------------------------------------------------------


def a_verdict(
    verdict: str, clock: str = "12:00", *reasons: str, drone: str = "d1", north_m: float = 0
) -> Entry:
    value = {
        "event_id": f"verdict {drone} {clock}",
        "source": "drones",
        "event_time": at(clock),
        "received_time": at(clock),
        "position": place(north_m),
        "drone_id": drone,
        "verdict": verdict,
        "reasons": list(reasons),
        "transmitter": None,
        "known_as": "unknown",
        "speed_mps": None,
        "height_m": None,
        "operator_position": None,
        "first_seen": at(clock),
        "last_seen": at(clock),
        "nearest_own": None,
        "nearest_own_m": None,
    }
    return Entry("evidence", "demo.drone.verdict", 0, 0, value)


def test_a_drone_that_contradicts_itself_is_a_situation_until_it_no_longer_does() -> None:
    city = zones(forward_to={"112": "police"})
    for verdict in ("own", "registered", "unknown", "stale"):
        city.take(a_verdict(verdict))
    assert not city.newest()
    city.take(a_tick("12:00"), a_verdict("implausible", "12:00", "jump"))
    situation = city.the_situation()
    assert (situation["kind"], situation["agencies"]) == ("check.drone", ["112"])
    assert situation["reason"] == "it contradicts itself: jump"
    assert alerts(city, "112") == [("alert", "모순된 드론 신호: 위치가 건너뜀")]
    city.take(a_verdict("implausible", "12:00:30", "jump"))
    assert city.the_situation()["revision"] == 1
    city.take(a_verdict("implausible", "12:01", "jump", "two_places"))
    assert city.the_situation()["reason"] == "it contradicts itself: jump, two places"
    city.take(a_tick("12:01:30"), a_verdict("unknown", "12:01:30"))
    assert city.the_situation()["status"] == "closed"
    assert not [name for name in city.state.memories if "thing" in name]


def test_an_implausible_drone_in_a_zone_is_one_situation() -> None:
    city = zones(a_zone(), silent_s=600)
    city.sees("entered", "d1")
    city.take(a_verdict("implausible", "12:00:10", "two_places"))
    assert len(city.newest()) == 1
    assert city.the_situation()["reason"] == "it contradicts itself: two places"
    city.sees("left", "d1", clock="12:00:20")
    assert city.the_situation()["status"] == "open", "it still contradicts itself"
    city.take(a_tick("12:02:10"))
    assert city.the_situation()["status"] == "closed"
