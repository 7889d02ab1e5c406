"""A snapshot at any moment of any life of a city is the state of that moment, to the byte."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.situations.entry import Entry
from streams.situations.fold import CityState
from streams.situations.state.snapshot_lines import lines_of, state_of
from tests.property.city_life import OperatedCity, a_life
from tests.property.test_joining import numbers

NUMBERS = {"forget_after_days": 0.05}


@settings(max_examples=30)
@given(a_life(*numbers(**NUMBERS)), st.integers(0, 60))
def test_a_snapshot_and_the_rest_of_the_journal_are_the_whole_journal(life: list[Entry], cut: int) -> None:
    config = numbers(**NUMBERS)[0]
    whole, before, after = OperatedCity(config), OperatedCity(config), OperatedCity(config)
    whole.take(*life)
    before.take(*life[:cut])
    kept = b"".join(lines_of(before.state))
    after.said.clear()
    after.state = state_of(kept)
    assert b"".join(lines_of(after.state)) == kept
    after.take(*life[cut:])
    said = [(one.topic, one.key, one.value) for one in [*before.said, *after.said]]
    assert said == [(one.topic, one.key, one.value) for one in whole.said]
    assert b"".join(lines_of(after.state)) == b"".join(lines_of(whole.state))


@settings(max_examples=30)
@given(a_life(*numbers(**NUMBERS)))
def test_the_rows_of_a_restart_and_a_snapshot_are_one_state(life: list[Entry]) -> None:
    city = OperatedCity(numbers(**NUMBERS)[0])
    city.take(*life)
    city.state.kept_at = 77
    rows = [*(event for event in city.said if event.topic == "core.state"), city.state.clock_row()]
    restarted = CityState.from_records(city.state.rules, {row.key: row.value for row in rows}.items())
    assert restarted.kept_at == 77
    assert b"".join(lines_of(restarted)) == b"".join(lines_of(city.state))
