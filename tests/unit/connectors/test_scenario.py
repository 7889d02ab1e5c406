"""The simulated city."""

from __future__ import annotations

import asyncio
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.base import Bounds, Heard, SourceContext
from connectors.simulation.scenario import City, Domain, scenario
from connectors.sources.simulated_calls import Config, SimulatedCalls

BOUNDS = Bounds(37.40, 126.70, 37.55, 126.90)
START = 1_750_000_000_000
CITY = City(seed=7, bounds=BOUNDS)


def ten_minutes(domain: Domain, city: City = CITY) -> list[tuple[int, dict[str, object]]]:
    return list(takewhile(lambda said: said[0] < START + 600_000, scenario(city, domain, START)))


def test_the_same_seed_and_time_give_the_same_city_and_another_seed_another() -> None:
    assert ten_minutes("fire") == ten_minutes("fire")
    assert ten_minutes("fire") != ten_minutes("fire", City(seed=8, bounds=BOUNDS))


def test_whoever_begins_later_hears_the_same_from_then_on() -> None:
    later = list(takewhile(lambda said: said[0] < START + 600_000, scenario(CITY, "fire", START + 300_000)))
    assert later == [said for said in ten_minutes("fire") if said[0] >= START + 300_000]


def test_time_never_goes_back_and_each_case_lives_from_call_to_end() -> None:
    for domain in ("fire", "police"):
        said = ten_minutes(domain)
        assert [at for at, _ in said] == sorted(at for at, _ in said)
        begun = {record["case_no"] for _, record in said if record["sequence"] == 1}
        steps = [record["sequence"] for _, record in said if record["case_no"] in begun]
        assert steps.count(4) > 50
        assert steps.count(1) >= steps.count(2) >= steps.count(3) >= steps.count(4)


def test_a_crash_is_heard_of_by_both_within_seconds_and_a_few_steps() -> None:
    crashes = {
        domain: [r for _, r in ten_minutes(domain) if r["sequence"] == 1 and "교통사고" in str(r["type"])]
        for domain in ("fire", "police")
    }
    pairs = [
        (fire, police)
        for fire in crashes["fire"]
        for police in crashes["police"]
        if abs(float(str(fire["lat"])) - float(str(police["lat"]))) < 0.0015
        and abs(float(str(fire["lon"])) - float(str(police["lon"]))) < 0.0015
    ]
    assert len(pairs) >= 0.9 * len(crashes["fire"]) > 30
    assert all(fire["case_no"] != police["case_no"] for fire, police in pairs)


def test_the_first_call_comes_within_seconds() -> None:
    first = min(next(r[0] for r in ten_minutes(d) if r[1]["sequence"] == 1) for d in ("fire", "police"))
    assert first - START < 15_000


def a_source(now: list[int]) -> SimulatedCalls:
    async def wait(seconds: float) -> None:
        now[0] += round(seconds * 1000)

    context = SourceContext("demo", "calls", ZoneInfo("Asia/Seoul"), BOUNDS)
    return SimulatedCalls(context, Config(domain="fire", seed=7), now_ms=lambda: now[0], wait=wait)


def test_listening_waits_for_each_record_and_never_says_two_at_once() -> None:
    now = [START]
    source = a_source(now)

    async def some() -> list[Heard]:
        speech = source.listen()
        heard = [await anext(speech) for _ in range(200)]
        await speech.aclose()  # type: ignore[attr-defined]  # a generator
        return heard

    heard = asyncio.run(some())
    times = [one.at_ms or 0 for one in heard]
    assert times == sorted(set(times))
    assert [orjson.loads(one.body) for one in heard] == [
        r for _, r in islice(scenario(CITY, "fire", START), 200)
    ]


def test_cases_that_began_before_we_first_listened_are_skipped_and_counted() -> None:
    source, place, skipped = a_source([START]), dict[str, Any](), 0
    seen: set[str] = set()
    for at_ms, record in ten_minutes("fire"):
        reading = source.read(Heard(orjson.dumps(record), at_ms), place)
        skipped += sum(reading.skipped.values())
        for event in reading.events:
            assert event.value and (event.value["revision"] == 1 or event.key in seen)
            seen.add(event.key)
        place = dict(reading.place)
    assert skipped > 0
    assert len(place["open"]) < 30
