"""The check of what chargers told finds each thing that can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, SourceContext
from connectors.simulation.chargers import SimulatedCharger
from connectors.subjects.charging import on_call
from connectors.subjects.charging_replies import Terms
from connectors.subjects.charging_sessions import Charger, transaction_number
from tests.charger_calls import T0_MS, Desk, a_plan
from tests.charger_truth import differences, energy_wh

Events = list[dict[str, Any]]
CONTEXT = SourceContext("jeju", "chargers", ZoneInfo("Asia/Seoul"), Bounds(33.1, 126.1, 33.6, 127.0))
LISTED = Charger("CP-1", "simulated", b"sixteen bytes or more")


def told_by(version: str) -> tuple[Events, SimulatedCharger]:
    """Events of a charger that lost some readings, and the charger."""
    desk = Desk(SimulatedCharger(a_plan(version, lost_percent=10), begin_ms=T0_MS))
    desk.number_of = lambda call: transaction_number(LISTED, call.payload)
    desk.charger.connected(T0_MS)
    desk.live(600)
    desk.charger.finish(desk.now_ms)
    desk.live(1)
    state: dict[str, Any] = {}
    events: Events = []
    for call in desk.heard:
        outcome = on_call(LISTED, call, state, context=CONTEXT, at_ms=desk.now_ms, terms=Terms())
        state = outcome.state
        events += [dict(one.value or {}) for one in outcome.events if one.topic == "mobility.charge"]
    return events, desk.charger


def first(events: Events, **wanted: Any) -> int:
    return next(
        n for n, one in enumerate(events) if all(one[name] == value for name, value in wanted.items())
    )


def without(events: Events, **wanted: Any) -> Events:
    place = first(events, **wanted)
    return [*events[:place], *events[place + 1 :]]


def again(events: Events, **wanted: Any) -> Events:
    return [*events, events[first(events, **wanted)]]


def with_other(events: Events, name: str, value: Any, **wanted: Any) -> Events:
    place = first(events, **wanted)
    return [*events[:place], events[place] | {name: value}, *events[place + 1 :]]


WRONG: dict[str, Callable[[Events], Events]] = {
    "an end is missing": lambda its: without(its, kind="ended"),
    "a start is told twice under its id": lambda its: again(its, kind="started"),
    "a start is told twice": lambda its: [*its, its[first(its, kind="started")] | {"event_id": "other"}],
    "a reading is missing": lambda its: without(its, context="Sample.Periodic"),
    "a reading is told twice": lambda its: [*its, its[first(its, kind="reading")] | {"event_id": "other"}],
    "a watt-hour more": lambda its: with_other(its, "register_wh", "99999999", kind="ended"),
    "a register that shrank": lambda its: with_other(its, "register_wh", "1", context="Sample.Periodic"),
    "a session that never was": lambda its: with_other(its, "transaction_id", "77", kind="ended"),
}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_what_was_told_as_it_was_has_no_difference(version: str) -> None:
    events, charger = told_by(version)
    assert differences(events, [charger]) == []
    assert energy_wh(events) == sum(one.energy_wh or 0 for one in charger.ledger) > 0


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("wrong", WRONG)
def test_each_wrong_thing_is_found(version: str, wrong: str) -> None:
    events, charger = told_by(version)
    assert differences(WRONG[wrong](events), [charger])


def test_a_gap_that_is_not_told_is_found() -> None:
    events, charger = told_by("2.0.1")
    place = next(n for n, one in enumerate(events) if one["missing_before"])
    events[place] |= {"missing_before": 0}
    assert differences(events, [charger])


def test_a_start_that_was_given_two_numbers_is_found() -> None:
    events, charger = told_by("1.6")
    charger.ledger[0].ids.add(5)
    assert differences(events, [charger])
