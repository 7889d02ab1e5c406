"""Calls that are heard late: the delays that are learnt, and what is counted on before it is heard."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.fold import CityState
from streams.situations.rules.in_force import CityRules
from streams.situations.rules.surge.delays import BINS, MINUTE_MS, NONE, Delays, spans_of, with_more
from streams.situations.rules.surge.level import sure_to_come
from tests.unit.situations.a_city import City, a_tick, an_incident, place, rules
from tests.unit.situations.test_surge import surges, surging, told

DAY = 24 * 60


def clock(minute: int) -> str:
    return f"+{minute // DAY} {minute % DAY // 60:02d}:{minute % 60:02d}"


def polled(times: list[tuple[int, int]], *, every: int = 15, first: int = 0) -> list[Entry]:
    """Calls (minute, delay) as a list that is read *every* so many minutes names them."""
    heard = sorted((-(-(at + late) // every) * every, at, n) for n, (at, late) in enumerate(times, first))
    return [
        an_incident(f"F{n}", kind="alarm", happened=clock(at), heard=clock(then), where=place(n % 900 * 700))
        for then, at, n in heard
    ]


def a_late_day(late: int = 20) -> list[tuple[int, int]]:
    """A call each half an hour until the next day's 06:00, on the list so many minutes later."""
    return [(at, late) for at in range(3, 30 * 60, 30)]


def raised(city: City) -> int:
    return len({one["situation_id"] for one in surges(city)})


def test_a_delay_lies_between_two_lists_of_its_source() -> None:
    city = City(surging())
    city.take(*polled([(1, 0), (20, 2), (20, 30)]))
    calls = sorted(city.state.index.incidents.values(), key=lambda one: one.first_heard_at)
    minutes = [(low // MINUTE_MS, high // MINUTE_MS) for low, high in spans_of(calls, calls)]
    assert minutes == [(14, 14), (0, 10), (10, 40)]  # heard at 15, 30 and 60


def test_the_weight_of_each_delay_is_one_and_fades() -> None:
    spans = [(0, 0), (10_000, 10_000), (0, 900_000), (3_000_000, 4_000_000), (10**8, 10**8), (10**7, 10**8)]
    assert sum(with_more(NONE, spans, 1)) == pytest.approx(len(spans))
    assert with_more((1.0,) * BINS, [], 0.5) == (0.5,) * BINS


def test_before_anything_is_learnt_calls_are_taken_to_be_heard_at_once() -> None:
    assert Delays().share_heard(0) == 1
    assert Delays().share_heard(-1) == 0


def test_a_family_has_its_own_delays_once_it_has_calls_of_its_own() -> None:
    soon, late = ([(minute * MINUTE_MS,) * 2] for minute in (3, 50))
    city = with_more(NONE, soon * 1_000, 1)
    few, many = (Delays(with_more(NONE, late * count, 1), city).share_heard(30) for count in (2, 500))
    assert few > 0.9
    assert many < 0.1


def test_what_is_heard_at_once_counts_as_heard() -> None:
    at_once = with_more(NONE, [(0, 10_000)] * 500, 1)
    assert Delays(at_once, at_once).share_heard(2.5) == pytest.approx(1)


@pytest.mark.parametrize(
    ("count", "usual", "heard", "more"),
    [(30, 3, 1.0, 0), (3, 0.2, 0.5, 0), (10, 3.1, 0.67, 2), (0, 0, 0.5, 0)],
)
def test_so_many_more_calls_are_counted_on(count: int, usual: float, heard: float, more: int) -> None:
    assert sure_to_come(count, usual, heard) == more


def test_more_are_counted_on_the_less_is_heard_and_never_fewer_the_more_called() -> None:
    by_share = [sure_to_come(20, 3, share / 20) for share in range(10, 21)]
    by_count = [sure_to_come(count, 3, 0.6) for count in range(40)]
    assert by_share == sorted(by_share, reverse=True) and by_share[0] > by_share[-1] == 0
    assert by_count == sorted(by_count)


BURST = [(30 * 60 + n, 20) for n in range(0, 38, 3)]


def as_before(**numbers: Any) -> CityRules:
    """The numbers as a journal of before has them."""
    said = surging(**numbers).canonical()
    del said["others"][0]["numbers"]["lag_min"]
    return CityRules.model_validate(said)


def test_a_surge_in_a_list_that_lags_is_told_before_all_its_calls_are_heard() -> None:
    calls = [(30 * 60 + 1 + n // 4, 28) for n in range(10)] + [(30 * 60 + 35 + n, 28) for n in range(4)]

    def when(config: RulesConfig) -> int:
        city = City(config)
        city.take(*polled([*a_late_day(28), *calls]))
        return int(min(one["event_time"] for one in surges(city)))

    assert when(as_before()) - when(surging(lag_min=0)) == 15 * MINUTE_MS


def test_a_rise_that_comes_to_light_later_is_told() -> None:
    """Half the calls of one hour are heard an hour later than usual: no window that ended now ever held enough."""
    calls = [(30 * 60 + n * 4, 15 + 60 * (n % 2)) for n in range(14)]
    for config, count in ((surging(), 1), (as_before(), 0)):
        city = City(config)
        city.take(*polled([*a_late_day(), *calls]))
        assert raised(city) == count


@pytest.mark.parametrize("guard_h", [0, 3])
def test_a_surge_that_is_over_is_not_told_again_by_the_calls_of_before(guard_h: float) -> None:
    city = City(surging(over_after_min=10, lag_min=180, guard_h=guard_h))
    city.take(*polled([*a_late_day(), *BURST]), *(a_tick(clock(32 * 60 + n)) for n in range(0, 100, 5)))
    city.take(*polled([(34 * 60, 0)], first=500))
    assert surges(city)[-1]["status"] == "closed"
    assert raised(city) == 1


@pytest.mark.parametrize("seed", range(4))
def test_usual_days_of_a_list_that_lags_have_no_surge(seed: int) -> None:
    chance = Random(seed)
    times, at = [], 0.0
    while at < 4 * DAY:
        at += chance.expovariate(2 / 60)
        times.append((int(at), int(chance.choice((4, 8, 14, 20, 30, 70)))))
    city = City(surging())
    city.take(*polled(times))
    assert raised(city) == 0


def test_numbers_of_before_keep_their_name_and_count_calls_as_heard() -> None:
    before = as_before()
    assert "lag_min" not in before.canonical()["others"][0]["numbers"]
    assert CityRules.model_validate(before.canonical()).numbers == before.numbers != surging().numbers
    city = City(before)
    city.take(*polled(a_late_day()))
    assert "delays" not in city.state.memories["surge:alarm"].body


def test_a_restart_changes_nothing_of_what_was_learnt() -> None:
    life = polled([*a_late_day(), *BURST])
    whole = City(surging())
    whole.take(*life)
    for cut in (30, 63, len(life) - 5):
        before, after = City(surging()), City(surging())
        before.take(*life[:cut])
        rows = {event.key: event.value for event in before.said if event.topic == "core.state"}
        clock_row = before.state.clock_row()
        rows[clock_row.key] = clock_row.value
        after.said.clear()
        after.state = CityState.from_records(surging(), reversed(rows.items()))
        after.take(*life[cut:])
        assert [(e.topic, e.key, e.value) for e in [*before.said, *after.said]] == [
            (e.topic, e.key, e.value) for e in whole.said
        ]


def test_a_surge_carries_headings_but_no_report_whose_own_words_demand_more() -> None:
    said = surging().canonical()["others"][0]["numbers"]
    said["families"]["alarm"]["carries"] = ["fire"]
    city = City(surging(**said))
    city.take(an_incident("F500", kind="medical"), *polled([(12 * 60 + 10, 0)] * 12, every=1))
    city.take(an_incident("F600", kind="fire", happened="12:12", where=place(50_000)))
    (surge,) = {one["situation_id"] for one in surges(city)}
    assert city.live()[-1]["listed_under"] == surge
    alerts = len(told(city))
    city.take(an_incident("F600", kind="fire.building", happened="12:12", where=place(50_000), revision=2))
    assert ("joint-incident", "alert") in told(city)[alerts:]


def test_a_surge_of_medical_calls_does_not_hide_one_that_threatens_a_life() -> None:
    """The city's attention names a kind beneath the family's own: its word demands more."""
    said = surging().canonical()["others"][0]["numbers"]
    said["families"] = {"medical": {"kinds": ["medical"], "per_hour": 2, "by_hour": [1] * 24}}
    others = [{"name": "surge", "numbers": said}]
    city = City(rules(others=others, law={"name": "nowhere"}, attention=["medical.life-threat"]))
    ill = [an_incident(f"F{n}", kind="medical", happened="12:10", where=place(n * 700)) for n in range(14)]
    city.take(*ill)
    alerts = len(told(city))
    city.take(an_incident("F600", kind="medical.breathing", happened="12:12", where=place(50_000)))
    assert city.live()[-1]["listed_under"] is not None
    city.take(an_incident("F601", kind="medical.life-threat", happened="12:12", where=place(60_000)))
    assert ("joint-incident", "alert") in told(city)[alerts:]
