"""Columbia's two normal months under its surge rule, without Kafka: none is raised, and a burst planted in them is.

The levels in the city's file are measured on the same log; ``measured`` says how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from deploy.city.city import load_city
from schemas.event import Event
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.rules.surge.config import Numbers
from streams.situations.terms import is_a
from tests.scenario.test_columbia_joins import FILE, log, situations

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
ZONE = ZoneInfo("America/Chicago")
WHOLE = range(20)
"""The local hours in which the log has the police's rows, too."""
COMMON = 500
"""A family of so many calls shows how each part of the day spreads."""
NOON_MS = int(datetime(2026, 4, 15, 17, tzinfo=UTC).timestamp() * 1000)
"""Noon of a Wednesday in the middle of the log."""
BURST = 20


@pytest.fixture(scope="module")
def path(data_dir: Path) -> Path:
    found = data_dir / FILE
    if not found.is_file():
        pytest.skip(f"no log at {found}")
    return found


def numbers() -> Numbers:
    (said,) = (one.numbers for one in load_city("columbia").rules.others if one.name == "surge")
    return Numbers.model_validate(said)


@cache
def calls(path: Path) -> dict[str, tuple[int, str]]:
    """Incident → (when it was first reported, the kind by its newest revision)."""
    found: dict[str, tuple[int, str]] = {}
    for event in log(path).events:
        value = event.value or {}
        at_ms = min(value["event_time"], found.get(event.key, (value["event_time"], ""))[0])
        found[event.key] = (at_ms, value["kind"])
    return found


def measured(path: Path, kinds: Sequence[str], by_hour: Sequence[float]) -> tuple[float, float]:
    """A family's mean an hour, and its spread: the variance of an hour's calls around that level over their mean, of the
    four hours of the day in which it is greatest. A family of few calls shows that of the whole day only."""
    found = calls(path).values()
    counted = Counter(at // HOUR_MS for at, kind in found if any(is_a(kind, one) for one in kinds))
    first, last = (pick(at for at, _ in found) // HOUR_MS for pick in (min, max))
    hours = [(one, datetime.fromtimestamp(one * 3600, ZONE).hour) for one in range(first + 1, last)]
    hours = [(one, local) for one, local in hours if local in WHOLE]
    per_hour = sum(counted[one] for one, _ in hours) / sum(by_hour[local] for _, local in hours)

    def spread(within: range) -> float:
        those = [(counted[one], per_hour * by_hour[local]) for one, local in hours if local in within]
        return sum((count - mean) ** 2 for count, mean in those) / sum(mean for _, mean in those)

    is_common = counted.total() >= COMMON
    parts = [range(start, start + 4) for start in range(17)] if is_common else [WHOLE]
    return per_hour, max(map(spread, parts))


def lived(events: Sequence[Event]) -> Iterator[Mapping[str, Any]]:
    """The surges' situations of *events*, told in order of time."""
    state = CityState.empty()
    step(state, Entry("rules", "columbia.rules", 0, 0, load_city("columbia").rules.canonical()))
    told = [
        Entry("incident", f"columbia.{event.topic}", 0, at, dict(event.value or {}))
        for at, event in enumerate(events)
    ]
    for entry in sorted(told, key=lambda entry: (entry.value["event_time"], entry.topic, entry.offset)):
        for event in step(state, entry):
            if event.topic == "core.situation" and event.value is not None and event.value["rule"] == "surge":
                yield event.value


def planted(path: Path, kind: str) -> list[Event]:
    """The log from midnight of a day to 14:00, with *BURST* reports of *kind* from noon on, one every two minutes."""
    day = [
        event
        for event in log(path).events
        if -12 * HOUR_MS <= (event.value or {})["event_time"] - NOON_MS <= 2 * HOUR_MS
    ]
    model = next(event for event in day if (event.value or {})["position"] is not None)
    for number in range(BURST):
        at_ms = NOON_MS + 2 * number * MINUTE_MS
        its_id = f"{number:032x}"
        said = {"incident_id": its_id, "event_id": its_id, "kind": kind, "revision": 1}
        times = {"event_time": at_ms, "received_time": at_ms, "agency_case_no": f"planted-{number}"}
        day.append(Event(model.topic, its_id, {**(model.value or {}), **said, **times}))
    return day


def test_two_normal_months_raise_no_surge(path: Path) -> None:
    assert [one["reason"] for one in situations(path, 0) if one["rule"] == "surge"] == []


@pytest.mark.parametrize("family", numbers().families)
def test_a_burst_planted_in_a_day_of_the_log_is_one_surge_within_the_half_hour(
    path: Path, family: str
) -> None:
    kind = numbers().families[family].kinds[0]
    found = list(lived(planted(path, kind)))
    assert {one["kind"] for one in found} == {kind}
    assert len({one["situation_id"] for one in found}) == 1
    assert NOON_MS < found[0]["event_time"] < NOON_MS + 30 * MINUTE_MS


@pytest.mark.parametrize("family", numbers().families)
def test_the_level_in_the_file_is_the_log_s(path: Path, family: str) -> None:
    said = numbers().families[family]
    per_hour, spread = measured(path, said.kinds, said.by_hour or numbers().by_hour)
    assert said.per_hour == pytest.approx(per_hour, abs=0.006)
    assert said.spread == pytest.approx(max(1.0, spread), abs=0.06)
