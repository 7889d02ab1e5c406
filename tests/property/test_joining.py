"""Situations are a function of the set of reports, and no history of a city breaks an invariant."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.laws import law_named
from schemas.event import Event
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.state.city import CityState
from streams.situations.state.rows import body_of
from tests.property.city_life import OperatedCity, a_life, cases, picture, some_cameras, wrongs
from tests.unit.situations.a_city import a_camera, a_city, an_incident, place, rules

CRASHES = {"kinds": ["crash"], "per_hour": 0.1, "floor": 2}
SURGE = [{"name": "surge", "numbers": {"families": {"crash": CRASHES}, "raise_at": 1.5, "guard_h": 0}}]
"""A surge's threshold, so low that a few crashes are a surge."""
FILING = {"fire": "119", "police": "112"}
CLAIMS = [{"name": "unconfirmed", "numbers": {}}]
NO_FILING_IN_LAW = {**law_named("kr"), "may": {"file": ["nobody"]}}
NUMBERS = {"grant_minutes": 45, "expire_after_min": 180, "escalate_after_min": 20}
WATCH = {"purpose": "fire-safety", "labels": ["smoke"]}
TODAYS = {**NUMBERS, "others": SURGE + CLAIMS, "filing": FILING, "watch": WATCH}
CHANGED: tuple[dict[str, Any], ...] = (
    {},
    {"filing": {}},
    {"others": SURGE},
    {"law": NO_FILING_IN_LAW, "watch": None},
)
"""Settings of a city's file, or of its law, that change at some time."""


def numbers(**more: Any) -> list[RulesConfig]:
    """Today's settings, and others."""
    return [rules(**{**TODAYS, **more, **changed}) for changed in CHANGED]


@settings(max_examples=120)
@given(cases(), some_cameras(), st.integers(0, 2**32))
def test_any_order_and_any_repeats_give_the_same_situations(
    reports: list[Entry], cameras: list[Entry], seed: int
) -> None:
    chance = random.Random(seed)
    straight = a_city(*cameras, *reports)
    shuffled = [*reports, *chance.sample(reports, len(reports) // 2)]
    chance.shuffle(shuffled)
    assert picture(a_city(*cameras, *shuffled)) == picture(straight)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("FP"), st.integers(0, 9)), min_size=20, max_size=40),
    st.integers(0, 2**32),
)
def test_a_crowd_in_any_order_gives_the_same_situations(crowd: list[tuple[str, int]], seed: int) -> None:
    """More reports at one spot than count as partners of one."""
    reports = [
        an_incident(f"{who}{n}", kind="crash", where=place(step), happened=f"12:{n % 15:02d}")
        for n, (who, step) in enumerate(crowd)
    ]
    moved = [
        an_incident(f"{who}{n}", kind="crash", where=place(900), happened=f"12:{n % 15:02d}", revision=2)
        for n, (who, step) in enumerate(crowd)
        if step == 0
    ]
    straight = a_city(*reports, *moved)
    shuffled = [*reports, *moved]
    random.Random(seed).shuffle(shuffled)
    city = a_city(*shuffled)
    assert picture(city) == picture(straight)
    assert wrongs(city) == []


@settings(max_examples=150)
@given(a_life(*numbers()))
def test_no_life_of_a_city_breaks_a_promise(life: list[Entry]) -> None:
    city = OperatedCity(numbers()[0])
    city.take(*life)
    assert wrongs(city) == []


@settings(max_examples=80)
@given(a_life(*numbers(forget_after_days=0.05)), st.integers(0, 60))
def test_a_restart_in_the_middle_changes_not_a_byte(life: list[Entry], cut: int) -> None:
    config = numbers(forget_after_days=0.05)[0]
    whole, before = OperatedCity(config), OperatedCity(config)
    whole.take(*life)
    before.take(*life[:cut])
    rows = {event.key: event.value for event in before.said if event.topic == "core.state"}
    clock = before.state.clock_row()
    rows[clock.key] = clock.value
    after, now = OperatedCity(config), before.state.rules
    after.said.clear()
    after.state = CityState.from_records(now, reversed(rows.items()))
    assert after.state.rules_digest == now.digest
    after.take(*life[cut:])
    said = [*before.said, *after.said]
    assert [(e.topic, e.key, e.value) for e in said] == [(e.topic, e.key, e.value) for e in whole.said]
    assert body_of(after.state.clock_row().value["body"].decode()) == body_of(  # type: ignore[index]  # a row
        whole.state.clock_row().value["body"].decode()  # type: ignore[index]  # a row
    )


def test_the_checker_sees_each_sort_of_wrong() -> None:
    """Wrongs: a circle of merging, a report in two situations, a repeated revision, a grant and a filing that do not end."""
    city = a_city(a_camera(), an_incident("F1"), an_incident("P1", kind="crash", where=place(900)))
    assert wrongs(city) == []
    first, second = (event for event in city.said if event.topic == "core.situation")

    def with_said(*events: Event) -> list[str]:
        spoilt = a_city()
        spoilt.said = [*city.said, *events]
        spoilt.state = city.state
        return wrongs(spoilt)

    def changed(event: Event, **fields: object) -> Event:
        return Event(event.topic, event.key, {**(event.value or {}), "revision": 2, **fields})

    assert any("revision" in one or "[1, 1]" in one for one in with_said(first))
    both = changed(second, incidents=[*second.value["incidents"], *first.value["incidents"]])  # type: ignore[index]  # not None
    assert any("2 live" in one for one in with_said(both))
    circle = (changed(first, merged_into=second.key), changed(second, merged_into=first.key))
    assert any("circle" in one for one in with_said(*circle))
    assert any("outlives" in one for one in with_said(changed(first, status="closed")))
    filing = {
        "filing_id": "f",
        "revision": 1,
        "situation_id": first.key,
        "to_domain": "fire",
        "incident_id": None,
    }
    open_one = Event("core.filing", first.key, {**filing, "status": "filed"})
    assert with_said(open_one) == []
    assert any("filing f outlives" in one for one in with_said(open_one, changed(first, status="closed")))
    answered = Event("core.filing", first.key, {**filing, "status": "accepted"})
    assert any("by nobody" in one for one in with_said(answered))
    again = Event("core.filing", first.key, {**filing, "filing_id": "g", "status": "filed"})
    assert any("filed twice" in one for one in with_said(open_one, again))
    untold = changed(first, listed_under="a surge")
    assert with_said(untold) == [
        f"{one} of {first.key} is not as told" for one in ("revision", "listed_under")
    ]
    rowless = Event("core.state", first.key, None)
    assert with_said(rowless) == [f"{first.key} is not as its row"]
