"""The simulated Jeju: its feeds are read whole by the sources of its file, and what is planted in them comes out."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from connectors.base import Heard
from deploy.assembly.charger_settings import settings_of_chargers
from deploy.city.city import City, load_city
from deploy.cli.demo import seeded
from deploy.demo import island_chargers
from deploy.demo.devices import IslandDevices
from deploy.demo.field import ROUND_S, Said
from deploy.demo.happenings import Happenings
from deploy.demo.island import LATE_AFTER_S, SHUT_FROM_S, SHUT_UNTIL_S, a_round, hub_settings, setup, shorter
from deploy.demo.island_buses import TOLD, runs
from deploy.demo.island_chargers import CHARGERS, FAULT_FROM_S, FAULT_UNTIL_S, PAGE, SPEAKING, speaking
from deploy.demo.island_desk import ASSIGN, GBFS
from deploy.demo.island_desk import HUBS as BOARDS
from deploy.demo.island_fleet import BIKES, EMPTY_FROM_S, EMPTY_UNTIL_S, FULL_FROM_S, FULL_UNTIL_S
from deploy.demo.island_places import BY_ID, EMPTY, FAULTY, FULL, HUBS, ROUTES, SHUT
from deploy.demo.island_rides import DAY, VANS, rows
from deploy.demo.island_speaking import plans
from deploy.demo.story import Story
from deploy.demo.story_island import Sessions, island_chapters
from schemas.event import Event
from streams.bookings.table import BookingTable
from streams.geo import distance_m
from streams.hubs.boards import Boards
from streams.hubs.hub_numbers import HubNumbers

NOON = round(datetime(2026, 3, 8, 3, tzinfo=UTC).timestamp() * 1000)
SENT_S = 0.3
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return seeded(load_city("jeju"), 1, tmp_path_factory.mktemp("island"), IslandDevices(1, None))


def heard(city: City, messages: list[Said], start_ms: int, places: dict[str, Any]) -> Iterator[Event]:
    """The events of *messages* in their order; nothing may be set aside, or be noted."""
    sources: dict[str, Any] = {name: city.load(name) for name in {one.source for one in messages}}
    for one in messages:
        at_ms = start_ms + round((one.after_s + SENT_S) * 1_000)
        reading = sources[one.source].read(Heard(one.body, at_ms), places[one.source])
        assert not list(reading.aside), (one.source, [aside.reason for aside in reading.aside])
        assert not reading.noted, (one.source, reading.noted)
        yield from reading.events
        places[one.source] = dict(reading.place)


@pytest.fixture(scope="module")
def setup_events(city: City) -> tuple[list[Event], dict[str, Any]]:
    places: dict[str, Any] = defaultdict(dict)
    return list(heard(city, setup(1, NOON), NOON, places)), places


@pytest.fixture(scope="module")
def round_events(city: City, setup_events: tuple[list[Event], dict[str, Any]]) -> list[Event]:
    start_ms = NOON + 5_000
    return list(heard(city, a_round(1, 0, start_ms), start_ms, setup_events[1]))


def values(events: list[Event], topic: str, source: str | None = None) -> list[dict[str, Any]]:
    found = [dict(one.value) for one in events if one.topic == topic and one.value is not None]
    return [one for one in found if source in (None, one["source"])]


def seconds_of(found: list[dict[str, Any]]) -> set[int]:
    return {round((one["received_time"] - NOON - 5_000) / 1000 - SENT_S) for one in found}


def digest(messages: list[Said]) -> str:
    """Of messages of megabytes: a comparison of them would be written out where it fails."""
    return sha256(repr(messages).encode()).hexdigest()


def test_the_same_seed_says_the_same_bytes_and_another_does_not() -> None:
    first, again, other = (digest(setup(seed, NOON)) for seed in (3, 3, 4))
    assert first == again != other
    first, again, other = (digest(a_round(seed, 2, NOON)) for seed in (3, 3, 4))
    assert first == again != other


def test_every_message_of_a_round_is_sent_within_it() -> None:
    messages = a_round(1, 0, NOON)
    assert all(0 <= one.after_s < ROUND_S for one in messages)
    assert [one.after_s for one in messages] == sorted(one.after_s for one in messages)


def test_every_hub_and_charger_is_told_once(setup_events: tuple[list[Event], dict[str, Any]]) -> None:
    places = values(setup_events[0], "place.hub")
    by_source = Counter(one["source"] for one in places)
    assert by_source["hubs"] == len(HUBS) == 23
    assert by_source["chargers-ocpp"] == SPEAKING == 50
    told = values(setup_events[0], "mobility.hub", "chargers")
    assert sum(one["count"] for hub in told for one in hub["chargers"]) == CHARGERS - SPEAKING == 10_450
    assert len({one["hub_id"] for one in places}) == len(places)
    assert Counter(hub.region for hub in HUBS) == {"city": 8, "coast": 8, "upland": 7}


def test_a_page_of_chargers_is_no_longer_than_the_gateway_takes(city: City) -> None:
    pages = [*island_chargers.pages(1, NOON)]
    assert len(pages) > 1 and PAGE > 0
    assert max(map(len, pages)) < city.file.gateway.body_bytes_max / 2


def test_forty_trips_are_under_way_and_each_hub_of_a_line_is_reached(round_events: list[Event]) -> None:
    assert len(ROUTES) * TOLD == len(runs(NOON // 1000)) == 40
    first = [one for one in values(round_events, "mobility.trip") if one["relationship"] != "alert"][:40]
    assert len({one["trip_id"] for one in first}) == 40
    stops = hub_settings()["stops"]
    reached = {stops[stop["stop_id"]] for one in first for stop in one["delays"]}
    assert reached == {f"hub-{number:02}" for line in ROUTES.values() for number in line}


def test_one_hub_runs_empty_and_one_is_full_while_it_is_planned(round_events: list[Event]) -> None:
    hubs = values(round_events, "mobility.hub", "bikes")
    empty = [
        one for one in hubs if one["hub_id"] == EMPTY and not sum(it["count"] for it in one["available"])
    ]
    full = [one for one in hubs if one["docks"]["free"] == 0]
    assert {one["hub_id"] for one in full} == {FULL}
    assert seconds_of(empty) == set(range(45, EMPTY_UNTIL_S, 15)) and EMPTY_FROM_S <= 45
    assert seconds_of(full) == set(range(30, FULL_UNTIL_S, 15)) and FULL_FROM_S <= 30


def test_counts_and_single_vehicles_of_a_hub_agree(round_events: list[Event]) -> None:
    for system in ("bikes", "motors"):
        counted: Counter[tuple[int, str]] = Counter()
        seen: Counter[tuple[int, str]] = Counter()
        for one in values(round_events, "mobility.hub", system):
            counted[one["received_time"], one["hub_id"]] += sum(it["count"] for it in one["available"])
        for one in values(round_events, "mobility.position", system):
            seen[one["received_time"], one["hub_id"]] += not one["is_disabled"]
        assert +counted == +seen and len(counted) == 8 * (23 if system == "bikes" else 22)


def test_a_vehicle_has_another_id_after_its_ride_and_nobody_else_s(round_events: list[Event]) -> None:
    found = values(round_events, "mobility.position", "bikes")
    at: dict[int, list[str]] = defaultdict(list)
    for one in found:
        at[one["received_time"]].append(one["vehicle_id"])
    assert all(len(ids) == len(set(ids)) for ids in at.values())
    begin, end = (set(at[moment]) for moment in (min(at), max(at)))
    assert begin - end and end - begin, "some were ridden"
    assert len(begin & end) > len(begin) / 2, "most stood"


def test_a_kickboard_falls_one_is_ridden_and_two_batteries_end(round_events: list[Event]) -> None:
    kicks = values(round_events, "mobility.position", "kickboards")
    fallen = [one for one in kicks if one["tipped_over"]]
    assert {(one["label"], one["location_type"]) for one in fallen} == {("KICK-000", "sidewalk")}
    assert min(seconds_of(fallen)) == 45 and max(seconds_of(fallen)) < 105
    low = {one["label"] for one in kicks if one["battery_percent"] < 15}
    assert low == {"KICK-001"}
    assert any(one["state"] == "on_trip" for one in kicks)
    bikes = [one for one in values(round_events, "mobility.position", "bikes") if one["is_disabled"]]
    assert len({one["vehicle_id"] for one in bikes}) == 1 and bikes[-1]["battery_percent"] == 4


def test_one_charger_fails_and_works_again(round_events: list[Event]) -> None:
    at = {key for key, hub in hub_settings()["same_as"].items() if hub == FAULTY}
    found = [
        one
        for one in values(round_events, "mobility.hub", "chargers")
        if any(it["state"] == "out_of_order" for it in one["chargers"])
    ]
    assert {one["hub_id"] for one in found} <= at
    assert seconds_of(found) == set(range(60, FAULT_UNTIL_S, 15)) and FAULT_FROM_S <= 60


def test_the_waves_are_warned_of_and_the_warning_ends(round_events: list[Event]) -> None:
    told = values(round_events, "civil.incident")
    assert [(one["status"], one["agency"]) for one in told] == [("open", "kma"), ("closed", "kma")]
    assert [round((one["received_time"] - NOON - 5_000) / 1000) for one in told] == [
        SHUT_FROM_S,
        SHUT_UNTIL_S,
    ]
    notices = [one for one in values(round_events, "mobility.trip") if one["relationship"] == "alert"]
    assert {hub_settings()["stops"][one["stop_id"]] for it in notices for one in it["affected"]} == {SHUT[0]}


def test_one_ride_is_late_by_five_minutes_at_its_second(round_events: list[Event]) -> None:
    told = Happenings()
    late = [
        (round((one["received_time"] - NOON - 5_000) / 1000 - SENT_S), line)
        for event in round_events
        if (one := event.value) is not None
        for line in told.take(event.topic, one)
        if "five minutes late" in line
    ]
    ((second, line),) = late
    assert "drt-late" in line and 0 <= second - LATE_AFTER_S <= 5


def test_a_day_of_rides_is_whole_whichever_parts_are_asked_for() -> None:
    whole = rows(1, NOON, NOON + DAY_MS, DAY)
    hours = [
        row
        for hour in range(24)
        for row in rows(1, NOON + hour * 3_600_000, NOON + (hour + 1) * 3_600_000, DAY)
    ]
    assert whole == hours
    asked = [one for one in whole if one["state"] == "requested"]
    assert len(asked) == 480
    states = Counter(one["state"] for one in whole)
    assert 30 < states["cancelled"] < 100
    assert abs(states["picked_up"] + states["cancelled"] - 480) < 12


def test_no_van_serves_two_rides_at_once() -> None:
    busy: dict[str, str] = {}
    for row in rows(1, NOON, NOON + DAY_MS, DAY):
        van = row["vehicle_id"]
        if row["state"] == "assigned":
            assert van not in busy
            busy[van] = row["booking_id"]
        elif row["state"] in ("dropped", "cancelled") and busy.get(van) == row["booking_id"]:
            del busy[van]
    assert VANS == 12 and len(busy) < VANS


def test_every_ride_goes_through_its_states_in_the_order_of_the_log(round_events: list[Event]) -> None:
    table = BookingTable()
    told = values(round_events, "mobility.booking")
    for row in told:
        table.take(row)
    last = {row["booking_id"]: row["state"] for row in told}
    assert {one.booking_id: one.state for one in table} == last
    assert {"picked_up", "dropped", "cancelled", "assigned"} >= set(last.values()) - {"requested"}


def test_vans_drive_and_never_leap(round_events: list[Event]) -> None:
    at: dict[str, tuple[float, float]] = {}
    driven = 0.0
    for one in values(round_events, "mobility.position", "vans"):
        here = one["position"]["lat"], one["position"]["lon"]
        leg_m = distance_m(*at.setdefault(one["vehicle_id"], here), *here)
        assert leg_m < 10 * 25, "metres in ten seconds"
        driven += leg_m
        at[one["vehicle_id"]] = here
    assert len(at) == VANS and driven > VANS * 200


def test_boards_of_hubs_show_what_was_planted(
    setup_events: tuple[list[Event], dict[str, Any]], round_events: list[Event]
) -> None:
    boards = Boards(HubNumbers.model_validate({**hub_settings(), "tell_s": 3_600}))
    told: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    events = [*setup_events[0], *round_events]
    for event in events:
        assert event.value is not None
        now_ms = event.value["received_time"]
        for board in [*boards.take(event.topic, event.key, event.value), *boards.pass_time(now_ms)]:
            told[board.hub_id].append((board.at_ms, board.said))
    assert set(BY_ID) <= set(told)
    faults = [said["chargers"] for _, said in told[FAULTY] if said and said["chargers"]]
    assert max(one["faulty"] for one in faults) == 1
    assert any(said and said["docks"]["free"] == 0 for _, said in told[FULL] if said and said["docks"])
    last = told[EMPTY][-1][1]
    assert last["arrivals"] is not None and last["chargers"]["free"] + last["chargers"]["busy"] >= 6
    assert any(
        sum(one["available"] or 0 for one in said["vehicles"]["types"]) == 0
        for _, said in told[EMPTY]
        if said and said["vehicles"]
    )


def test_what_feeds_say_in_the_first_round_is_told_and_the_rest_waits_for_stages(
    setup_events: tuple[list[Event], dict[str, Any]], round_events: list[Event]
) -> None:
    story = Story(UTC, island_chapters())
    for event in [*setup_events[0], *round_events]:
        if event.value is not None:
            story.take(event.topic, event.value, "here")
    left = Counter(one.contract for one in story.waiting)
    assert left == {
        **{"core.situation": 7, "core.hub": 5, "core.closure": 2, BOARDS: 1, GBFS: 1, ASSIGN: 1},
        **{"mobility.charge": 1, "mobility.hub": 1, "source.place": 1, "energy.reward": 1},
    }


def test_the_demo_s_file_has_shorter_minutes_all_stops_and_chargers_and_a_secret_of_its_own(
    city: City,
) -> None:
    plain = load_city("jeju")
    assert plain.file.chargers is None and plain.file.hubs is not None and not plain.file.hubs.stops
    causes, theirs = (next(it for it in one.file.rule if it["name"] == "hub") for one in (plain, city))
    assert (causes["causes"]["empty"], causes["over_after_min"]) == (10, 10)
    assert (theirs["causes"]["empty"], theirs["causes"]["full"], theirs["over_after_min"]) == (
        0.25,
        0.25,
        0.5,
    )
    assert city.file.hubs is not None and len(city.file.hubs.stops) == 2 * len(HUBS)
    settings = settings_of_chargers(city, os.environ)
    assert sorted(settings.chargers) == [one.charger_id for one in speaking()]
    assert sum(bool(one.faults_s) for one in plans(1)) == 1
    with pytest.raises(ValueError, match="0 lines"):
        shorter(shorter(plain.path.read_text(encoding="utf-8")))


def test_a_session_is_told_by_its_registers_once_its_begin_was_heard() -> None:
    sessions = Sessions()
    begun = {"charger_id": "C", "transaction_id": "1", "kind": "started", "register_wh": "1000.5"}
    ended = {**begun, "kind": "ended", "register_wh": "3500.75"}
    assert not sessions.is_whole(ended) and not sessions.is_whole(begun)
    assert not sessions.is_whole({**ended, "register_wh": "1000.5"}), "nothing was charged"
    assert not sessions.is_whole({**ended, "transaction_id": "2"})
    assert sessions.is_whole(ended) and sessions.kwh(ended) == Decimal("2.50025")


def test_the_board_s_lines_come_when_something_changes_and_no_oftener(round_events: list[Event]) -> None:
    told = Happenings()
    lines = [
        line
        for event in round_events
        if event.value is not None
        for line in told.take(event.topic, event.value)
        if not line.startswith("ride drt-")
    ]
    counted = Counter(lines)
    assert counted[f"hub {EMPTY}: no vehicle is left"] == 1
    assert counted[f"hub {FULL}: no dock is free"] == 1
    assert counted["electric_scooter KICK-000 lies on its side, sidewalk"] == 1
    assert counted["electric_scooter KICK-000 is well again"] == 1
    assert sum(line.startswith("chargers ") for line in lines) == 2
    assert len(lines) < 20, lines
    assert BIKES not in "".join(lines)
