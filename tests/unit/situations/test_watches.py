"""The watches around a situation, and their evidence."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.rows import RowCodec
from streams.match.core.watches import watch_of
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from tests.unit.situations.a_city import MINUTE, City, a_city, a_tick, an_incident, at, place

WATCH = {"purpose": "fire-safety", "labels": ["smoke"], "radius_m": 400, "evidence_max": 2, "linger_s": 60}


def watched(*entries: Entry, **changed: Any) -> City:
    return a_city(*entries, watch={**WATCH, **changed})


def evidence(city: City, number: int, *, of: str | None = None, kind: str = "seen") -> Entry:
    """Evidence of an observation near the city's situation, or near *of*."""
    value = {
        "situation_id": of or city.the_situation()["situation_id"],
        "kind": kind,
        "observation_id": f"o{number}",
        "topic": "demo.cctv.detection",
        "partition": 1,
        "offset": number,
        "distance_m": 12.5,
        "seconds": -3.0,
        "label": "smoke",
        "received_time": at("23:00"),
    }
    return Entry("evidence", "demo.core.evidence", 0, number, value)


def watches(said: list[Event]) -> list[dict[str, Any] | None]:
    return [None if one.value is None else dict(one.value) for one in said if one.topic == "core.watch"]


def test_a_city_that_does_not_say_so_looks_for_nothing() -> None:
    city = a_city(an_incident())
    assert watches(city.said) == []
    assert city.take(evidence(city, 1)) == []


def test_an_open_situation_is_looked_around_and_before_its_beginning() -> None:
    (watch,) = watches(watched(an_incident(heard="12:01")).said)
    assert watch is not None
    assert (watch["revision"], watch["closes_at"], watch["since"]) == (1, None, at("12:00"))
    assert watch["opens_at"] == at("12:00") - 5 * MINUTE
    RowCodec(load_catalogue()["core.watch"].newest).encode(watch)
    usable = watch_of(watch)
    assert (usable.radius_m, usable.labels, usable.purpose) == (400.0, frozenset({"smoke"}), "fire-safety")


def test_it_moves_with_its_place_and_no_more_often() -> None:
    city = watched(an_incident("F1"))
    city.take(an_incident("F1", status="dispatched", revision=2))
    city.take(an_incident("F1", status="dispatched", where=place(80), revision=3))
    told = [one for one in watches(city.said) if one is not None]
    assert [one["revision"] for one in told] == [1, 2]
    assert told[1]["centre"]["lat"] == place(80)["lat"]
    assert told[0]["watch_id"] == told[1]["watch_id"]


def test_an_unplaced_situation_has_no_watch_until_it_has_a_place() -> None:
    city = watched(an_incident("F1", unplaced=True))
    assert watches(city.said) == []
    city.take(an_incident("F1", revision=2))
    assert len(watches(city.said)) == 1


def test_the_step_that_ends_a_situation_closes_its_watch_and_a_later_one_takes_it_away() -> None:
    city = watched(an_incident("F1"))
    said = city.take(an_incident("F1", status="closed", heard="12:20", revision=2))
    (closed,) = watches(said)
    assert closed is not None
    assert closed["closes_at"] == at("12:20")
    assert watches(city.take(a_tick("12:20:59"))) == []
    assert watches(city.take(a_tick("12:21"))) == [None]
    assert watches(city.take(a_tick("13:00"))) == []


def test_a_situation_that_opens_again_is_looked_around_again() -> None:
    city = watched(an_incident("F1"))
    city.take(an_incident("F1", status="closed", heard="12:20", revision=2), a_tick("12:30"))
    (again,) = watches(city.take(an_incident("F1", heard="12:40", revision=3)))
    assert again is not None
    assert (again["revision"], again["closes_at"]) == (3, None)


def test_a_situation_that_is_merged_is_looked_around_no_more() -> None:
    city = watched(an_incident("F1", where=place(0)), an_incident("P1", kind="crash", where=place(350)))
    (one, other) = (watch for watch in watches(city.said) if watch is not None)
    city.take(an_incident("P1", kind="crash", where=place(50), revision=2))
    closed = [watch for watch in watches(city.said) if watch is not None and watch["closes_at"] is not None]
    assert [watch["watch_id"] for watch in closed] == [other["watch_id"]]
    assert closed[0]["watch_id"] != one["watch_id"]


def test_what_was_seen_is_listed_with_how_far_and_how_long_and_in_the_next_alert() -> None:
    city = watched(an_incident("F1"))
    said = city.take(evidence(city, 1))
    assert [one.topic for one in said] == ["core.situation", "core.state"]
    listed = {
        "event_id": "o1",
        "topic": "demo.cctv.detection",
        "partition": 1,
        "offset": 1,
        "distance_m": 12.5,
        "seconds": -3.0,
    }
    assert city.the_situation()["evidence"][-1] == {**listed, "position": None}
    assert city.the_situation()["reason"] == "seen nearby: smoke"
    city.take(an_incident("F1", status="dispatched", heard="12:05", revision=2))
    assert all(listed in alert["evidence"] for alert in city.all("core.alert")[-2:])
    assert {**listed, "position": None} in city.the_situation()["evidence"]


def test_a_situation_says_where_its_evidence_was_seen_as_far_as_that_is_known() -> None:
    city = watched(an_incident("F1"))
    seen = {"lat": 36.3502, "lon": 127.3801, "accuracy_m": 5.0}
    first = evidence(city, 1)
    city.take(replace(first, value={**first.value, "position": seen}), evidence(city, 2))
    one = city.the_situation()
    assert [it["position"] for it in one["evidence"]] == [one["incidents"][0]["position"], seen, None]
    RowCodec(load_catalogue()["core.situation"].newest).encode(one)


def test_a_situation_lists_so_much_and_each_once() -> None:
    city = watched(an_incident("F1"))
    city.take(*(evidence(city, number) for number in (1, 1, 2, 3)), evidence(city, 4, kind="left_out"))
    seen = [one["event_id"] for one in city.the_situation()["evidence"] if one["event_id"].startswith("o")]
    assert seen == ["o1", "o2"]
    assert city.the_situation()["revision"] == 3


def test_evidence_moves_no_clock_and_opens_no_closed_situation() -> None:
    city = watched(an_incident("F1"), an_incident("F1", status="closed", heard="12:20", revision=2))
    assert city.take(evidence(city, 1)) == []
    assert city.state.now_ms == at("12:20")
    assert city.take(evidence(city, 2, of="nobody's")) == []


def test_a_city_that_is_read_from_its_rows_goes_on_as_if_nothing_had_happened() -> None:
    city = watched(an_incident("F1"))
    city.take(evidence(city, 1))
    rows = {one.key: one.value for one in city.said if one.topic == "core.state"}
    rows["clock"] = city.state.clock_row().value
    other = CityState.from_records(city.config, rows.items())
    for entry in (
        evidence(city, 2),
        an_incident("F1", where=place(80), revision=2),
        an_incident("F1", status="closed", heard="12:20", revision=3),
        a_tick("12:22"),
    ):
        assert step(other, entry) == step(city.state, entry)
