"""A month of charging, made from a seed, with an oracle that knows the true watt-hours and which amounts nobody can know.

The meters here are true: each charger takes energy at a known pace. What is told of them has all that goes wrong: registers
that are reset, exchanged or roll over, messages that are lost, come twice or late, phases apart, kWh or Wh, 1.6 or 2.0.1.
The oracle never sees the code's amounts: it counts the true meter's milliwatt-hours between the readings that were told.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

DAY_MS = 86_400_000
MARCH_MS = 1_772_323_200_000
"""2026-03-01 00:00 UTC."""
MODULUS_WH = 1_000_000
ROLLS, PLAIN, SUMMED, LAPSED = "ROLL", "PLAIN", "PHASE", "STEPS"
KINDS = (ROLLS, PLAIN, SUMMED, LAPSED)
"""Types of charger: with a register that rolls over; without; three phases apart; intervals alone."""
READ_MS = 300_000


Stretch = tuple[int | None, int | None, int | None, str]
"""From, until, mWh (``None``: nobody can know), reason."""


@dataclass(slots=True)
class Truth:
    """A session as it was. *steps*: (from, until, mWh) of the true meter. *series*: what each way of reading it can tell."""

    charger_id: str
    transaction_id: str
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    series: list[list[Stretch]] = field(default_factory=list)

    def true_mwh(self, begin_ms: int = 0, end_ms: int = 2**62) -> tuple[int, int]:
        """The energy of the steps wholly within a time, and of those that touch it."""
        within = sum(mwh for a, b, mwh in self.steps if begin_ms <= a and b <= end_ms)
        return within, sum(mwh for a, b, mwh in self.steps if a < end_ms and b > begin_ms)

    def known(self) -> tuple[int, list[str]]:
        """The part of the whole session that can be known, mWh, and the reasons of the amounts that cannot."""
        ways = [
            (sum(mwh or 0 for *_, mwh, _ in one), [why for *_, mwh, why in one if mwh is None])
            for one in self.series
        ]
        return max(ways, key=lambda one: (one[0], -len(one[1])))

    def bounds(self, begin_ms: int, end_ms: int) -> tuple[int, int | None]:
        """The least and the most within a time that can be known, mWh."""
        least, most = 0, None
        for one in self.series:
            inside = [
                s for s in one if None not in s[:2] and begin_ms <= (s[0] or 0) and (s[1] or 0) <= end_ms
            ]
            touched = [
                s for s in one if (s[0] is None or s[0] < end_ms) and (s[1] is None or s[1] > begin_ms)
            ]
            least = max(least, sum(s[2] or 0 for s in inside))
            if all(s[2] is not None for s in touched):
                high = sum(s[2] or 0 for s in touched)
                most = high if most is None else min(most, high)
        return least, most


@dataclass(slots=True)
class Month:
    rows: list[dict[str, Any]]
    windows: list[dict[str, Any]]
    sessions: list[Truth]


def wh(mwh: int) -> str:
    """Milliwatt-hours as a decimal of Wh, exactly."""
    text = f"{Decimal(mwh).scaleb(-3):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def month(seed: int, *, days: int = 30, chargers: int = 16) -> Month:
    """A month of *chargers*, a quarter of each kind."""
    made = random.Random(seed)
    rows: list[dict[str, Any]] = []
    sessions: list[Truth] = []
    for number in range(chargers):
        kind = KINDS[number % len(KINDS)]
        meter = Meter(f"{kind}-{number:03}", kind, made)
        for day in range(days):
            for begin_h in (2, 9, 16):
                at = MARCH_MS + day * DAY_MS + begin_h * 3_600_000 + made.randrange(3_600_000)
                truth, told = meter.session(at, f"{day}-{begin_h}")
                sessions.append(truth)
                rows += told
    rows += [dict(row) for row in made.sample(rows, len(rows) // 50)]  # told twice
    rows.sort(key=lambda row: (row["received_time"], row["event_id"]))
    return Month(rows, [a_window(day) for day in range(days)], sessions)


def a_window(day: int, **about: Any) -> dict[str, Any]:
    """The row of ``energy.surplus`` of a day, from 10:00 to 12:00 UTC, told the evening before."""
    at = MARCH_MS + day * DAY_MS - 14 * 3_600_000
    begins = MARCH_MS + day * DAY_MS + 10 * 3_600_000
    return {
        **_common(f"window {day}", at, at),
        "area": "*",
        "window_id": f"day {day}",
        "state": "planned",
        "begins_at": begins,
        "ends_at": begins + 2 * 3_600_000,
        "kwh": None,
        "price": "50",
        "limit_w": None,
        "announced_by": None,
        "command_id": None,
        **about,
    }


def _common(event_id: str, at_ms: int, received_ms: int) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "city": "jeju",
        "source": "month",
        "event_time": at_ms,
        "event_time_accuracy_s": None,
        "received_time": received_ms,
        "position": None,
    }


class Meter:
    """A charger's meter. It counts mWh in whole numbers from the day when it was made."""

    def __init__(self, charger_id: str, kind: str, made: random.Random) -> None:
        self.charger_id, self.kind, self.made = charger_id, kind, made
        self.shown = made.randrange(200_000, 900_000) * 1000 + made.randrange(1000)
        self.is_201 = kind == LAPSED or made.random() < 0.5

    def session(self, begin_ms: int, name: str) -> tuple[Truth, list[dict[str, Any]]]:
        """A session of at most two hours and a half, and what is told of it."""
        made = self.made
        truth = Truth(self.charger_id, name)
        count = made.randrange(4, 30)
        trouble = made.choices(("none", "lost", "reset", "exchanged", "offline"), (60, 15, 8, 7, 10))[0]
        at_fault = made.randrange(1, count + 1)
        lost = {one for one in range(1, count) if trouble == "lost" and made.random() < 0.3}
        swaps: set[int] = set()
        values, used = [self.shown], [0]
        for number in range(1, count + 1):
            step = made.randrange(1, 3_000_000)
            truth.steps.append((begin_ms + (number - 1) * READ_MS, begin_ms + number * READ_MS, step))
            if number == at_fault and self._is_swapped(trouble):
                swaps.add(number)
            self.shown += step
            if self.kind == ROLLS:
                self.shown %= MODULUS_WH * 1000
            values.append(self.shown)
            used.append(step)
        truth.series = self._series(begin_ms, used, swaps, lost)
        return truth, list(self._rows(begin_ms, name, count, lost, values, used, trouble == "offline"))

    def _is_swapped(self, trouble: str) -> bool:
        """Reset it, or put another meter in its place, where the register then shows that it cannot be the same."""
        if trouble not in ("reset", "exchanged") or self.kind == LAPSED:
            return False
        if trouble == "exchanged" and self.kind != ROLLS:
            self.shown += 5_000_000_000  # another meter, made long ago
            return True
        if not 100_000_000 <= self.shown < 900_000_000:
            return False
        self.shown = 0
        return True

    def _series(self, begin: int, used: list[int], swaps: set[int], lost: set[int]) -> list[list[Stretch]]:
        """All that can be known: each stretch between two readings that were told, but for those with a swap."""
        last = len(used) - 1
        told = [number for number in range(last + 1) if number not in lost]
        at = [begin + number * READ_MS for number in range(last + 1)]
        if self.kind == LAPSED:
            found: list[Stretch] = []
            for a, b in pairwise(told):
                found.append((at[a], at[b], used[b], ""))
                found += [(at[a], at[b], None, "missing")] if b - a > 1 else []
            return [found]

        def between(a: int, b: int) -> Stretch:
            is_swapped = any(a < number <= b for number in swaps)
            return at[a], at[b], None if is_swapped else sum(used[a + 1 : b + 1]), "swap"

        if self.kind != SUMMED or self.is_201:
            return [[between(a, b) for a, b in pairwise(told)]]
        inner = told[1:-1]
        if not inner:
            return [[between(0, last)]]
        # 1.6: the register at the ends is the total, those between are sums of phases
        edges: list[Stretch] = [
            (at[0], at[inner[0]], None, "no_start"),
            (at[inner[-1]], at[last], None, "no_end"),
        ]
        return (
            [[between(0, last)], [edges[0], *(between(a, b) for a, b in pairwise(inner)), edges[1]]]
            if inner
            else [[between(0, last)]]
        )

    def _rows(
        self,
        begin: int,
        name: str,
        count: int,
        lost: set[int],
        values: list[int],
        used: list[int],
        is_offline: bool,
    ) -> Iterator[dict[str, Any]]:
        for number in range(count + 1):
            if number in lost:
                continue
            at = begin + number * READ_MS
            received = begin + count * READ_MS + 60_000 + number if is_offline else at + 500
            kind = "started" if number == 0 else "ended" if number == count else "reading"
            if number and self.made.random() < 0.03:
                received += 2 * READ_MS  # late, behind later ones
            said: dict[str, Any] = {"register_wh": wh(values[number]), "phases": [], "interval_wh": None}
            if self.kind == SUMMED and (self.is_201 or 0 < number < count):
                said["phases"] = ["L1", "L2", "L3"]
            if self.kind == LAPSED:
                said = {
                    "register_wh": None,
                    "phases": [],
                    "interval_wh": wh(used[number]) if number else None,
                }
            yield {
                **_common(f"{self.charger_id} {name} {number}", at, received),
                "charger_id": self.charger_id,
                "evse_id": 1 if self.is_201 else None,
                "connector_id": 1,
                "transaction_id": name,
                "kind": kind,
                **said,
                "export_register_wh": None,
                "export_interval_wh": None,
                "unit": self.made.choice(("Wh", "kWh")),
                "is_signed": self.is_201,
                "power_w": None,
                "state_of_charge_percent": None,
                "context": {"started": "Transaction.Begin", "ended": "Transaction.End"}.get(
                    kind, "Sample.Periodic"
                ),
                "seq_no": number if self.is_201 else None,
                "missing_before": None,
                "trigger": None,
                "charging_state": None,
                "ended_reason": None,
                "is_offline": is_offline if self.is_201 else None,
                "is_clock_wrong": False,
            }
