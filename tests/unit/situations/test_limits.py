"""The numbers of situations and watches of a city are bounded; they are dropped in the stated order, and counted."""

from __future__ import annotations

from streams.situations.fold import CityState
from tests.unit.situations.a_city import City, a_city, a_tick, an_incident, members, place

MOST = 10
WATCH = {"purpose": "fire-safety", "labels": ["smoke"]}


def reported(count: int, *, limits: dict[str, int], **changed: object) -> City:
    """*count* happenings far from each other, one a minute; the first two are over."""
    city = a_city(limits=limits, **changed)
    for number in range(count):
        where, clock = place(number * 5_000), f"12:{number:02d}"
        city.take(an_incident(f"F{number}", where=where, happened=clock))
        if number < 2:
            city.take(an_incident(f"F{number}", where=where, happened=clock, status="closed", revision=2))
    return city


def held(city: City) -> set[str]:
    return {name for one in city.state.situations.values() for name in members_of(city, one.situation_id)}


def members_of(city: City, situation_id: str) -> set[str]:
    return members(city.newest()[situation_id])


def test_a_city_holds_as_many_as_it_may() -> None:
    city = reported(MOST, limits={"situations": MOST})
    assert (len(held(city)), city.state.gone) == (MOST, 0)


def test_with_one_more_the_longest_closed_is_forgotten_and_nothing_is_told_of_it() -> None:
    city = reported(MOST, limits={"situations": MOST})
    said = city.take(an_incident(f"F{MOST}", where=place(MOST * 5_000), happened="12:30"))
    assert "F0" not in held(city)
    assert (len(held(city)), city.state.gone) == (MOST, 1)
    assert {event.key for event in said if event.topic == "core.situation"} == {
        one["situation_id"] for one in city.live() if members(one) == {f"F{MOST}"}
    }
    assert [event.value for event in said if event.topic == "core.state"][-1] is None


def test_when_none_is_closed_the_longest_silent_is_told_closed_and_its_grants_end() -> None:
    city = reported(MOST + 2, limits={"situations": MOST})
    assert not {"F0", "F1"} & held(city)
    said = city.take(an_incident(f"F{MOST + 2}", where=place(-5_000), happened="12:30"))
    told = {
        event.value["status"]: event.value
        for event in said
        if event.topic == "core.situation" and event.value
    }
    assert members(told["closed"]) == {"F2"}
    assert told["closed"]["reason"] == "let go: the city holds 10 situations, and this was silent for longest"
    assert [
        event.value["message_type"] for event in said if event.topic == "core.alert" and event.value
    ].count("cancel") == 2, "its agency's and the operator's"
    assert (len(held(city)), city.state.gone) == (MOST, 3)


def test_what_was_let_go_and_is_heard_of_again_bears_another_id() -> None:
    city = reported(MOST + 3, limits={"situations": MOST})
    first = next(id_ for id_, one in city.newest().items() if members(one) == {"F2"})
    city.take(
        an_incident("F2", where=place(10_000), happened="12:02", heard="12:40", status="arrived", revision=2)
    )
    again = [one for one in city.state.situations.values() if one.anchor == "F2"]
    assert [one.situation_id == first for one in again] == [False]


def test_a_restart_knows_what_was_let_go() -> None:
    city = reported(MOST + 3, limits={"situations": MOST})
    rows = {one.key: one.value for one in [*city.said, city.state.clock_row()] if one.topic == "core.state"}
    again = CityState.from_records(city.config, rows.items())
    assert set(again.situations) == set(city.state.situations)
    assert (again.gone, again.gone_to) == (city.state.gone, city.state.gone_to)
    assert again.gone == 3


def test_as_many_are_looked_around_as_may_be_and_the_next_once_one_has_ended() -> None:
    city = reported(5, limits={"watches": 2}, watch=WATCH)
    assert (len(city.all("core.watch")), city.state.unwatched) == (6, 1), "two opened and ended, two are open"
    city.take(an_incident("F2", where=place(10_000), happened="12:02", status="closed", revision=2))
    city.take(an_incident("F4", where=place(20_000), happened="12:04", status="dispatched", revision=2))
    newest = {one["watch_id"]: one for one in city.all("core.watch")}
    assert sum(one["closes_at"] is None for one in newest.values()) == 2
    assert city.state.unwatched == 1


def test_a_flood_makes_room_for_a_hundredth_at_once() -> None:
    city = reported(0, limits={"situations": 200})
    for number in range(201):
        city.take(an_incident(f"F{number}", where=place(number * 2_000), happened="12:00"))
    assert (len(city.state.situations), city.state.gone) == (198, 3)
    city.take(a_tick("12:10"))
    assert len(city.state.situations) == 198
