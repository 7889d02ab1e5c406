"""Amounts between readings, by hand: what rises, falls, rolls over, jumps; what lies in a window; what limits a charger."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.errors import Invalid
from streams.energy.charger_areas import areas_of
from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.registers import MeterLimits, Point, between, in_order
from streams.energy.reward_ledger import RewardLedger
from streams.energy.rewards import Reward
from streams.energy.sessions import begun, heard, in_spans, thinned, total
from streams.energy.totals import EnergyTotal, by_meter
from streams.energy.windows import Window, WindowTable, limits_now, spans_of, window_after
from tests.energy_month import a_window

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
NUMBERS = EnergyNumbers.model_validate({})
ROLLS = MeterLimits(Decimal(50_000), Decimal(1_000), Decimal(100_000))
WIDE = MeterLimits()


def amounts(limits: MeterLimits, *readings: tuple[int, str]) -> list[Any]:
    """Amounts, or the reasons why they are unknown, between readings at a minute."""
    points = [Point(minute * MINUTE_MS, Decimal(text)) for minute, text in readings]
    return [one.reason if one.wh is None else str(one.wh) for one in between(in_order(points), limits)]


CASES: dict[str, tuple[MeterLimits, list[tuple[int, str]], list[str]]] = {
    "a rise is energy, to the last digit": (WIDE, [(0, "0.1"), (5, "0.3"), (9, "100.3")], ["0.2", "100.0"]),
    "a long gap loses nothing but its times": (WIDE, [(0, "10"), (600, "50010")], ["50000"]),
    "a fall without a modulus is not guessed": (WIDE, [(0, "99990"), (5, "10")], ["fall"]),
    "with one it rolled over": (ROLLS, [(0, "99990"), (5, "10")], ["20"]),
    "unless the charger cannot give so much": (ROLLS, [(0, "80000"), (5, "10")], ["fall"]),
    "a rise that no charger can give is unknown": (ROLLS, [(0, "10"), (5, "50010")], ["jump"]),
    "a register beyond its modulus did not roll over": (ROLLS, [(0, "100000"), (5, "10")], ["fall"]),
}


@pytest.mark.parametrize("case", CASES)
def test_an_amount_between_two_readings(case: str) -> None:
    limits, readings, wanted = CASES[case]
    assert amounts(limits, *readings) == wanted


def row(minute: int, register: str | None, kind: str = "reading", **about: Any) -> dict[str, Any]:
    """A row of ``mobility.charge`` at a minute of the first day, from the charger JJ-1."""
    at = minute * MINUTE_MS
    usual: dict[str, Any] = {
        "event_id": f"{minute} {kind} {about}",
        "event_time": at,
        "received_time": at,
        "position": None,
        "charger_id": "JJ-1",
        "evse_id": None,
        "connector_id": 1,
        "transaction_id": "7",
        "kind": kind,
        "register_wh": register,
        "phases": [],
        "context": {"started": "Transaction.Begin", "ended": "Transaction.End"}.get(kind),
        "seq_no": None,
        "is_clock_wrong": False,
        **dict.fromkeys(("interval_wh", "export_register_wh", "export_interval_wh")),
    }
    return usual | about


def session(*rows: dict[str, Any]) -> Any:
    made = begun(rows[0])
    for one in rows[1:]:
        made = heard(made, one)
    return made


def in_window(made: Any, begin: int, end: int) -> tuple[str, str | None]:
    least, most = in_spans(made, WIDE, [(begin * MINUTE_MS, end * MINUTE_MS)])
    return str(least), None if most is None else str(most)


PLAIN = (row(0, "0", "started"), row(20, "100"), row(40, "300"), row(60, "600", "ended"))


def test_what_lies_within_a_window_is_certain_and_what_crosses_its_edges_is_not() -> None:
    made = session(*PLAIN)
    assert in_window(made, 20, 60) == ("500", "500")
    assert in_window(made, 10, 50) == ("200", "600")
    assert in_window(made, 22, 38) == ("0", "200")
    assert in_window(made, 60, 90) == ("0", "0")


def test_two_windows_side_by_side_share_no_watt_hour() -> None:
    made = session(*PLAIN, row(20, "100"))
    assert in_window(made, 0, 20) == ("100", "100")
    assert in_window(made, 20, 60) == ("500", "500")


def test_an_unknown_amount_in_a_window_leaves_no_most_and_one_outside_costs_it_nothing() -> None:
    made = session(row(0, "5000", "started"), row(20, "5100"), row(40, "10"), row(60, "40", "ended"))
    assert in_window(made, 0, 60) == ("130", None)
    assert in_window(made, 40, 60) == ("30", "30")
    amount = total(made, WIDE)
    assert (str(amount.wh), [(one.reason, one.begins_ms, one.ends_ms) for one in amount.unknown]) == (
        "130",
        [("fall", 20 * MINUTE_MS, 40 * MINUTE_MS)],
    )


def test_registers_of_phases_and_of_the_total_are_never_subtracted_from_each_other() -> None:
    three: dict[str, Any] = {"phases": ["L1", "L2", "L3"]}
    made = session(
        row(0, "0", "started"), row(20, "9100", **three), row(40, "9300", **three), row(60, "600", "ended")
    )
    amount = total(made, WIDE)
    assert (str(amount.wh), amount.unknown) == ("600", ())
    assert in_window(made, 20, 40) == ("200", "200")
    assert in_window(made, 10, 40) == ("200", "600")


def test_an_interval_is_added_only_where_no_register_is_told() -> None:
    both = session(row(0, "0", "started"), row(20, "100", interval_wh="100"), row(40, "150", "ended"))
    assert str(total(both, WIDE).wh) == "150"
    alone = session(
        row(0, None, "started", seq_no=0),
        row(20, None, interval_wh="100", seq_no=1),
        row(40, None, "ended", interval_wh="50", seq_no=3),
    )
    amount = total(alone, WIDE)
    assert (str(amount.wh), [one.reason for one in amount.unknown]) == ("150", ["missing"])


def test_a_clock_that_cannot_be_right_loses_no_energy_only_its_times() -> None:
    made = session(row(0, "0", "started"), row(30, "100", is_clock_wrong=True), row(60, "600", "ended"))
    assert str(total(made, WIDE).wh) == "600"
    assert in_window(made, 0, 45) == ("0", "600")


def test_energy_given_back_within_the_window_is_taken_off() -> None:
    made = session(
        row(0, "0", "started", export_register_wh="0"),
        row(30, "500", export_register_wh="200"),
        row(60, "600", "ended", export_register_wh="200"),
    )
    assert in_window(made, 0, 60) == ("400", "400")


def test_a_session_without_its_begin_or_end_names_them() -> None:
    amount = total(session(row(20, "100"), row(40, "300")), WIDE)
    assert (str(amount.wh), [one.reason for one in amount.unknown]) == ("200", ["no_start", "no_end"])


def test_a_begin_repeated_in_the_message_of_the_end_is_no_fall() -> None:
    made = session(
        row(0, "100", "started", seq_no=0),
        row(20, "200", seq_no=1),
        row(0, "100", context="Transaction.Begin", seq_no=2),
        row(40, "300", "ended", seq_no=2),
    )
    assert (str(total(made, WIDE).wh), total(made, WIDE).unknown) == ("200", ())


def test_readings_that_are_thinned_keep_the_energy_and_each_fall() -> None:
    points = tuple(Point(at, Decimal(10 * at if at < 51 else at)) for at in range(101))
    fewer = thinned(points, 50)
    assert len(fewer) < 60
    assert [one.reason for one in between(fewer, WIDE) if one.wh is None] == ["fall"]
    assert sum(one.wh or 0 for one in between(fewer, WIDE)) == 500 + 49


def test_a_meter_counts_what_is_taken_outside_of_sessions_too() -> None:
    rows = [*PLAIN, row(70, "610", transaction_id=None), row(80, "620", "started", transaction_id="8")]
    assert by_meter(rows, NUMBERS) == {("JJ-1", None, 1): EnergyTotal(Decimal(620), 0)}


# -- windows and rewards ---------------------------------------------------------------------------------------


def told(ledger: RewardLedger, *rows: dict[str, Any]) -> list[Reward]:
    return [one.reward for said in rows for one in ledger.take_charge(said)]


def surplus(begin: int, end: int, **about: Any) -> dict[str, Any]:
    return a_window(0, begins_at=begin * MINUTE_MS, ends_at=end * MINUTE_MS, event_time=0, **about)


def test_fifty_won_a_kilowatt_hour_and_a_late_reading_revises() -> None:
    ledger = RewardLedger(NUMBERS)
    assert ledger.take_surplus(surplus(10, 60)) == []
    (first,) = told(ledger, PLAIN[0], PLAIN[2], PLAIN[3])
    assert (first.kwh, first.kwh_max, first.reward, first.session_kwh) == ("0.3", "0.6", "15", "0.6")
    (second,) = told(ledger, PLAIN[1])
    assert (second.kwh, second.kwh_max, second.reward) == ("0.5", "0.6", "25")
    assert second.reward_id == first.reward_id
    assert told(ledger, *PLAIN) == []


def test_a_window_that_is_withdrawn_keeps_what_it_earned_and_one_withdrawn_before_earns_nothing() -> None:
    ledger = RewardLedger(NUMBERS)
    ledger.take_surplus(surplus(0, 60))
    assert [one.kwh for one in told(ledger, *PLAIN)] == ["0.6"]
    cut = ledger.take_surplus(surplus(0, 60, state="withdrawn") | {"event_time": 40 * MINUTE_MS})
    assert [(one.reward.kwh, one.reward.reward, one.revision) for one in cut] == [("0.3", "15", 2)]
    gone = ledger.take_surplus(surplus(0, 60, state="withdrawn") | {"event_time": -1})
    assert [(one.reward.kwh, one.reward.kwh_max, one.revision) for one in gone] == [("0", "0", 3)]


def test_windows_that_overlap_reward_no_watt_hour_twice() -> None:
    ledger = RewardLedger(NUMBERS)
    ledger.take_surplus(surplus(0, 40))
    ledger.take_surplus(surplus(20, 60, window_id="second"))
    last = {one.window_id: one for one in told(ledger, *PLAIN)}
    assert {name: (one.kwh, one.is_over) for name, one in last.items()} == {
        "day 0": ("0.3", True),
        "second": ("0.3", True),
    }


def test_a_session_that_goes_on_is_rewarded_behind_the_window_or_when_it_is_settled() -> None:
    ledger = RewardLedger(NUMBERS)
    ledger.take_surplus(surplus(0, 30))
    assert told(ledger, *PLAIN[:2]) == []
    assert ledger.pass_time(30 * MINUTE_MS + HOUR_MS - 1) == []
    (settled,) = ledger.pass_time(30 * MINUTE_MS + HOUR_MS)
    assert (settled.reward.kwh, settled.reward.kwh_max, settled.reward.is_over) == ("0.1", None, False)
    (behind,) = told(ledger, PLAIN[2])
    assert (behind.kwh, behind.kwh_max) == ("0.1", "0.3")


def test_long_after_a_window_nothing_revises_its_rewards() -> None:
    ledger = RewardLedger(NUMBERS)
    ledger.take_surplus(surplus(0, 60))
    assert len(told(ledger, PLAIN[0], *PLAIN[2:])) == 1
    ledger.pass_time(60 * MINUTE_MS + 50 * HOUR_MS)
    assert told(ledger, PLAIN[1]) == []


WRONG: dict[str, dict[str, Any]] = {
    "ends_at": {"ends_at": 0},
    "state": {"state": "maybe"},
    "price": {"price": "1e3"},
    "kwh": {"kwh": "-1"},
    "window_id": {"window_id": " "},
}


@pytest.mark.parametrize("field", WRONG)
def test_a_window_that_cannot_be_is_refused(field: str) -> None:
    with pytest.raises(Invalid) as caught:
        window_after(None, surplus(10, 60) | WRONG[field])
    assert caught.value.field == field


def test_the_windows_are_bounded_the_one_that_ended_first_goes_and_is_counted() -> None:
    windows = WindowTable(2)
    for number in (2, 0, 1):
        windows.take(surplus(number * 60, number * 60 + 30, window_id=f"w-{number}"))
    assert [one.window_id for one in windows] == ["w-1", "w-2"]
    assert windows.dropped == 1


def test_spans_of_a_window_are_what_earlier_ones_left() -> None:
    first, second = Window("*", "a", 10, 20), Window("*", "b", 5, 30)
    assert spans_of(first, [first, second]) == []
    assert spans_of(second, [first, second]) == [(5, 30)]
    assert spans_of(Window("*", "c", 15, 40), [first, second]) == [(30, 40)]


def test_the_lowest_limit_and_the_price_of_the_first_window_hold_for_a_charger() -> None:
    windows = WindowTable()
    for said in (surplus(0, 60, limit_w=7000), surplus(30, 90, window_id="b", limit_w=3500, price="70")):
        windows.take(said)
    windows.take(surplus(0, 90, window_id="west", area="west", limit_w=1))

    def told(at_min: int, areas: str | set[str]) -> tuple[int | None, Decimal | None]:
        held, paid = limits_now(windows, at_min * MINUTE_MS, areas)
        return None if held is None else held.limit_w, None if paid is None else paid.price

    assert told(10, "east") == (7000, Decimal(50))
    assert told(40, {"east", "*"}) == (3500, Decimal(50))
    assert told(60, "east") == (3500, Decimal(70))
    assert told(90, "east") == (None, None)
    assert told(10, "west") == (1, Decimal(50))


def test_a_charger_is_in_an_area_by_its_id_or_its_place() -> None:
    square = [[126.5, 33.4], [126.6, 33.4], [126.6, 33.5], [126.5, 33.5]]
    areas = {"east": {"chargers": ["JJ-0*"]}, "west": {"polygon": square}}
    numbers = EnergyNumbers.model_validate({"areas": areas})
    assert areas_of(numbers, "JJ-01", None) == {"east", "*"}
    assert areas_of(numbers, "JJ-11", {"lon": 126.55, "lat": 33.45}) == {"west", "*"}
    assert areas_of(numbers, "JJ-11", {"lon": 126.65, "lat": 33.45}) == {"*"}
