"""Changes of a window of surplus: told where people are shown something else, and not without end."""

from __future__ import annotations

from typing import Any

from tests.scenario.a_scenario import scenarios_of
from tests.scenario.running import Running

WINDOW = {"event": "energy.surplus", "area": "east", "window_id": "w-1", "state": "planned"}


def window(at: str, begins: str = "day 2 12:00", ends: str = "day 2 15:00", **about: Any) -> dict[str, Any]:
    return {"at": at, **WINDOW, "begins_at": begins, "ends_at": ends, **about}


def told(*events: dict[str, Any]) -> list[tuple[str, str]]:
    """Each telling: why, and to whom is shown what."""
    made = {"says": "made here", "events": list(events), "city": {"rule": {"surplus": {"price": "50"}}}}
    (scenario,) = scenarios_of("surplus-made", made)
    said = [(one.topic, dict(one.value or {})) for one in Running(scenario).run()]
    heads = [row["headline"] for topic, row in said if topic == "core.alert" and row["audience"] == "public"]
    rows = [row["reason"] for topic, row in said if topic == "core.situation"]
    return list(zip(rows, heads, strict=True))


def test_a_change_that_people_would_not_see_is_not_told() -> None:
    found = told(
        window("10:00"),
        {"at": "19:00"},
        window("19:10", kwh="900"),
        window("19:20", begins="day 2 12:00:30"),
        window("19:30", price="50.0"),
        window("19:40", limit_w=3000),
    )
    assert [why for why, _ in found] == ["eve"]


def test_beyond_a_day_s_most_the_last_change_is_told_the_next_morning() -> None:
    changes = [window(f"19:{minute}", price=str(100 + minute)) for minute in range(10, 20)]
    found = told(
        window("10:00"),
        {"at": "19:00"},
        *changes,
        {"at": "23:59"},
        {"at": "day 2 07:59"},
        {"at": "day 2 08:00"},
    )
    assert [why for why, _ in found] == ["eve", "changed", "changed", "changed", "today"]
    assert "119" in found[-1][1], "with the last word"


def test_a_window_of_later_days_waits_for_the_morning_and_one_that_is_put_back_tells_nothing() -> None:
    later = {"begins": "day 4 12:00", "ends": "day 4 15:00"}
    changes = [window(f"day 3 19:{minute}", price=str(100 + minute), **later) for minute in range(10, 14)]
    back = window("day 3 19:30", price="112", **later)
    found = told(window("10:00", **later), {"at": "day 3 19:00"}, *changes, back, {"at": "day 4 07:59"})
    assert [why for why, _ in found] == ["eve", "changed", "changed", "changed"]
    assert "112" in found[-1][1]


def test_beyond_a_day_s_most_a_window_that_runs_tells_no_more_of_that_day() -> None:
    changes = [window(f"day 2 13:{minute}", price=str(100 + minute)) for minute in range(10, 20)]
    found = told(window("10:00"), {"at": "19:00"}, {"at": "day 2 08:00"}, *changes, {"at": "day 2 14:00"})
    assert [why for why, _ in found] == ["eve", "today", "changed", "changed", "changed"]
