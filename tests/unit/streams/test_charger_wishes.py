"""Orders to chargers: of windows and closures as values, valid by the official schemas, and each given once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from connectors.formats.ocpp_calls import Call, Version, call_frame
from connectors.subjects.charger_list import ListedCharger
from streams.chargers.closed_chargers import ChargersByPlace, ClosedChargers
from streams.chargers.wishes import (
    AVAILABILITY,
    PROFILE,
    REWARD,
    Asked,
    Circumstances,
    PowerWindow,
    RewardWindow,
    after_order,
    asked_from,
    orders_between,
    wishes_for,
    with_closures,
)
from tests.closed_places import a_closure

TEN_MS, HOUR_MS = 1_772_964_000_000, 3_600_000
HERE = ListedCharger("C-1", "greego", (33.5, 126.5))
NOON = PowerWindow(TEN_MS, TEN_MS + HOUR_MS, 50_000)
SQUARE = {"type": "Polygon", "coordinates": [[[126.4, 33.4], [126.6, 33.4], [126.6, 33.6], [126.4, 33.6]]]}
CHARGERS = {
    one.charger_id: one
    for one in (HERE, ListedCharger("C-2", "x", (33.7, 126.5)), ListedCharger("C-3", "x", None))
}
(AREA,) = ChargersByPlace(CHARGERS).closed_by([a_closure(SQUARE, starts_at=TEN_MS)])


def asked_at(at_ms: int, *windows: PowerWindow, closures: tuple[ClosedChargers, ...] = ()) -> Asked:
    return wishes_for(HERE, Circumstances(windows, closures), at_ms=at_ms, interval_s=300).asked


def test_the_lowest_limit_of_the_windows_in_force_counts() -> None:
    low = PowerWindow(TEN_MS, TEN_MS + 2 * HOUR_MS, 7_000, frozenset({"C-1"}))
    others = PowerWindow(TEN_MS, TEN_MS + HOUR_MS, 1_000, frozenset({"C-2"}))
    assert asked_at(TEN_MS, NOON, low, others).window == (TEN_MS, TEN_MS + 2 * HOUR_MS, 7_000)
    assert asked_at(TEN_MS - 1, NOON).window is None
    assert asked_at(TEN_MS + HOUR_MS, NOON).window is None


def test_a_charger_in_a_closed_area_takes_no_sessions_and_one_outside_does() -> None:
    closed = Circumstances(closures=[AREA])
    inside = wishes_for(HERE, closed, at_ms=TEN_MS, interval_s=60)
    assert (inside.terms.takes_sessions, inside.terms.interval_s, inside.asked.is_open) == (False, 60, False)
    for other in ("C-2", "C-3"):
        assert wishes_for(CHARGERS[other], closed, at_ms=TEN_MS, interval_s=60).terms.takes_sessions
    assert wishes_for(HERE, closed, at_ms=TEN_MS - 1, interval_s=60).terms.takes_sessions


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_orders_are_valid_and_given_once(version: Version) -> None:
    wanted = asked_at(TEN_MS, NOON, closures=(AREA,))
    orders = orders_between(Asked(), wanted, version, at_ms=TEN_MS)
    assert [one.key for one in orders] == [PROFILE, AVAILABILITY]
    asked = Asked()
    for one in orders:
        assert call_frame(Call(version, "a", one.action, one.payload))
        asked = after_order(asked, wanted, one.key)
    assert asked == wanted == asked_from(wanted.kept())
    assert orders_between(asked, wanted, version, at_ms=TEN_MS) == []
    back = orders_between(asked, Asked(), version, at_ms=TEN_MS)
    assert [one.action for one in back] == ["ClearChargingProfile", "ChangeAvailability"]
    for one in back:
        assert call_frame(Call(version, "a", one.action, one.payload))
    ended = orders_between(asked, Asked(None, is_open=False), version, at_ms=TEN_MS + HOUR_MS)
    assert ended == [], "its profile has ended with the window"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_reward_is_told_once_and_taken_back_where_it_ends_early(version: Version) -> None:
    late = RewardWindow(TEN_MS + 1, TEN_MS + HOUR_MS, "70", frozenset({"C-1"}))
    first, other = replace(late, begin_ms=TEN_MS, reward="50"), replace(late, chargers=frozenset({"C-2"}))
    rewards = Circumstances(rewards=[late, first, other])
    wanted = wishes_for(HERE, rewards, at_ms=TEN_MS + 1, interval_s=60).asked
    (order,) = orders_between(Asked(), wanted, version, at_ms=TEN_MS)
    assert call_frame(Call(version, "a", order.action, order.payload))
    assert (order.key, json.loads(order.payload["data"])) == (
        REWARD,
        {
            "reward_per_kwh": "50",
            "begins_at": "2026-03-08T10:00:00Z",
            "ends_at": "2026-03-08T11:00:00Z",
        },
    )
    asked = after_order(Asked(), wanted, REWARD)
    assert asked == wanted == asked_from(asked.kept())
    assert orders_between(asked, wanted, version, at_ms=TEN_MS) == []
    assert orders_between(asked, Asked(), version, at_ms=TEN_MS + HOUR_MS) == []
    (back,) = orders_between(asked, Asked(), version, at_ms=TEN_MS + 60_000)
    assert json.loads(back.payload["data"])["ends_at"] == "2026-03-08T10:01:00Z"


def test_an_order_that_is_not_valid_is_not_sent() -> None:
    with pytest.raises(ValueError, match="SetChargingProfile"):
        call_frame(Call("1.6", "a", "SetChargingProfile", {"connectorId": 0}))


def test_nothing_is_known_until_windows_and_closures_are_both_read() -> None:
    power = Circumstances([PowerWindow(0, 10, 7_000)])
    assert with_closures(None, ()) is None
    assert with_closures(power, None) is None
    assert with_closures(power, ()) == power
