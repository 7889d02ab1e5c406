"""Totals of energy by session, charger, area, window and meter: the known watt-hours, and how many are unknown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from streams.energy.charger_areas import areas_of
from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.registers import EXACT, between, in_order, summed
from streams.energy.rewards import Reward
from streams.energy.sessions import IMPORT, Session, begun, heard, total

Key = TypeVar("Key", bound=Hashable)
MeterKey = tuple[str, int | None, int | None]
"""Charger, EVSE, connector."""


@dataclass(frozen=True, slots=True)
class EnergyTotal:
    """A sum. *unknown*: amounts that it does not have, as nothing is known of them."""

    wh: Decimal = Decimal(0)
    unknown: int = 0

    def __add__(self, other: EnergyTotal) -> EnergyTotal:
        return EnergyTotal(EXACT.add(self.wh, other.wh), self.unknown + other.unknown)


def of_session(session: Session, numbers: EnergyNumbers) -> EnergyTotal:
    amount = total(session, numbers.limits_of(session.charger_id))
    return EnergyTotal(amount.wh, len(amount.unknown))


def by_charger(sessions: Iterable[Session], numbers: EnergyNumbers) -> dict[str, EnergyTotal]:
    """The total of each charger's sessions."""
    return _grouped(sessions, numbers, lambda one: [one.charger_id])


def by_area(sessions: Iterable[Session], numbers: EnergyNumbers) -> dict[str, EnergyTotal]:
    """The total of each area's sessions; ``*`` is the whole city."""
    return _grouped(sessions, numbers, lambda one: areas_of(numbers, one.charger_id, one.position))


def by_window(rewards: Iterable[Reward]) -> dict[tuple[str, str], EnergyTotal]:
    """The certain energy of each window, by area and id, and how many amounts may lie in it beside."""
    totals: dict[tuple[str, str], EnergyTotal] = {}
    for one in rewards:
        wh = Decimal(one.kwh).scaleb(3, EXACT)
        part = EnergyTotal(wh, sum(is_in for *_, is_in in one.unknown))
        totals[(one.area, one.window_id)] = totals.get((one.area, one.window_id), EnergyTotal()) + part
    return totals


def by_meter(rows: Iterable[Mapping[str, Any]], numbers: EnergyNumbers) -> dict[MeterKey, EnergyTotal]:
    """The energy between the first and the last reading of each meter, within sessions or not; registers alone."""
    meters: dict[MeterKey, Session] = {}
    for said in rows:
        # each reading stands between others here, whatever session it begins or ends
        row = {**said, "transaction_id": "", "kind": "reading", "context": None, "seq_no": None}
        key = (row["charger_id"], row["evse_id"], row["connector_id"])
        meters[key] = heard(meters[key], row) if key in meters else begun(row)
    return {key: _of_meter(one, numbers) for key, one in meters.items()}


def _of_meter(meter: Session, numbers: EnergyNumbers) -> EnergyTotal:
    limits = numbers.limits_of(meter.charger_id)
    series = [between(in_order(points), limits) for key, points in meter.series.items() if key[0] == IMPORT]
    amounts = [[one.wh for one in segments] for segments in series]
    wh = max(amounts, key=lambda one: (summed(one), -one.count(None)), default=[])
    return EnergyTotal(summed(wh), wh.count(None))


def _grouped(
    sessions: Iterable[Session], numbers: EnergyNumbers, keys: Callable[[Session], Iterable[Key]]
) -> dict[Key, EnergyTotal]:
    totals: dict[Key, EnergyTotal] = {}
    for session in sessions:
        part = of_session(session, numbers)
        for key in keys(session):
            totals[key] = totals.get(key, EnergyTotal()) + part
    return totals
