"""A simulated month of charging: the ledger against an oracle that knows the true watt-hours, to the last digit."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.registers import FALL, JUMP
from streams.energy.reward_ledger import RewardLedger
from streams.energy.rewards import Reward
from streams.energy.sessions import total
from streams.energy.totals import EnergyTotal, by_area, by_charger, by_window
from tests.energy_month import DAY_MS, MARCH_MS, MODULUS_WH, Month, Truth, month

ROLLING = {"chargers": ["ROLL-*"], "modulus_wh": MODULUS_WH, "power_max_w": "50000"}
NUMBERS = EnergyNumbers.model_validate({"charger_types": [ROLLING], "sessions_max": 100_000, "forget_h": 720})


def told_of(
    made: Month, *, rows: list[dict[str, Any]] | None = None
) -> tuple[RewardLedger, dict[str, Reward]]:
    """The ledger after *made*, and the last revision of each reward. A revision is never the same as that before."""
    ledger, last, revisions = RewardLedger(NUMBERS), dict[str, Reward](), dict[str, int]()
    every = sorted(
        [*(made.rows if rows is None else rows), *made.windows], key=lambda row: row["received_time"]
    )
    for row in every:
        told = ledger.take_surplus(row) if "window_id" in row else ledger.take_charge(row)
        told += ledger.pass_time(row["received_time"])
        for one in told:
            assert one.revision == revisions.get(one.reward.reward_id, 0) + 1
            assert one.reward != last.get(one.reward.reward_id)
            revisions[one.reward.reward_id], last[one.reward.reward_id] = one.revision, one.reward
    return ledger, last


def mwh(kwh: str) -> int:
    whole = Decimal(kwh) * 10**6
    assert whole == int(whole)
    return int(whole)


def reason_of(word: str) -> str:
    return "swap" if word in (FALL, JUMP) else word


def check(seed: int, days: int, chargers: int) -> Month:
    made = month(seed, days=days, chargers=chargers)
    ledger, last = told_of(made)
    wanted, unknown = 0, 0
    for truth in made.sessions:
        session = ledger.sessions[truth.charger_id, truth.transaction_id]
        amount = total(session, NUMBERS.limits_of(truth.charger_id))
        known, reasons = truth.known()
        assert (int(amount.wh * 1000), [reason_of(one.reason or "") for one in amount.unknown]) == (
            known,
            reasons,
        ), truth
        if not reasons:
            assert known == truth.true_mwh()[0]
        wanted, unknown = wanted + known, unknown + len(reasons)
    assert by_area(ledger.sessions.values(), NUMBERS)["*"] == EnergyTotal(Decimal(wanted) / 1000, unknown)
    chargers_sum = by_charger(ledger.sessions.values(), NUMBERS).values()
    assert sum((one.wh for one in chargers_sum), Decimal(0)) * 1000 == wanted
    check_windows(made, last)
    return made


def check_windows(made: Month, last: dict[str, Reward]) -> None:
    found = {(one.window_id, one.charger_id, one.transaction_id): one for one in last.values()}
    assert len(found) == len(last)
    sums: dict[str, int] = {}
    for window in made.windows:
        begins, ends = window["begins_at"], window["ends_at"]
        for truth in made.sessions:
            least, most = truth.bounds(begins, ends)
            certain, touched = truth.true_mwh(begins, ends)
            assert least <= touched and (most is None or most >= certain)  # the oracle itself
            one = found.pop((window["window_id"], truth.charger_id, truth.transaction_id), None)
            if one is None:
                assert most == 0, truth
                continue
            assert (mwh(one.kwh), one.kwh_max and mwh(one.kwh_max)) == (least, most), (truth, window)
            assert Decimal(one.reward) == Decimal(one.kwh) * 50
            sums[window["window_id"]] = sums.get(window["window_id"], 0) + least
    assert not found
    totals = by_window(last.values())
    assert {name: int(one.wh * 1000) for (_, name), one in totals.items()} == sums


def test_three_days_are_counted_to_the_watt_hour_and_what_nobody_can_know_is_named() -> None:
    made = check(seed=7, days=3, chargers=12)
    reasons = {reason for truth in made.sessions for reason in truth.known()[1]}
    assert reasons >= {"swap", "missing"}


@pytest.mark.long
def test_a_month_is_counted_to_the_watt_hour() -> None:
    check(seed=11, days=30, chargers=40)


def test_the_order_of_hearing_changes_no_reward() -> None:
    made = month(3, days=2, chargers=8)
    rows = [dict(row) for row in made.rows]
    _, last = told_of(made)
    mixed = random.Random(1)
    for row in rows:
        row["received_time"] += mixed.randrange(3_600_000)
    _, again = told_of(made, rows=rows)
    assert again == last


def test_the_oracle_and_the_ledger_can_differ() -> None:
    """A watt-hour put into one register is found."""
    made = month(7, days=1, chargers=4)
    plain = [row for row in made.rows if row["charger_id"].startswith("PLAIN") and row["kind"] == "ended"]
    for one in made.rows:
        if one["event_id"] == plain[0]["event_id"]:
            one["register_wh"] = str(Decimal(one["register_wh"]) + 1)
    key = (plain[0]["charger_id"], plain[0]["transaction_id"])
    ledger, _ = told_of(made)
    truth = next(one for one in made.sessions if (one.charger_id, one.transaction_id) == key)
    amount = total(ledger.sessions[key], NUMBERS.limits_of(truth.charger_id))
    assert amount.wh * 1000 != truth.known()[0]


def test_register_rolls_over_in_the_month() -> None:
    made = month(11, days=20, chargers=4)
    sums = sum(Truth.true_mwh(one)[0] for one in made.sessions if one.charger_id.startswith("ROLL"))
    assert sums > MODULUS_WH * 1000
    assert MARCH_MS % DAY_MS == 0
