"""The reward of a session in a window. Pure.

What certainly lies within the window is rewarded; what may lie within it is told beside, as the most; what is unknown is
named. So a reading at the window's edge is worth something, and nothing is ever guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.event import derived_id
from streams.energy.registers import EXACT, MeterLimits, Segment, Span
from streams.energy.sessions import Session, in_spans, total
from streams.energy.windows import Window


@dataclass(frozen=True, slots=True)
class Reward:
    """A row of ``energy.reward`` but for its revision and times."""

    reward_id: str
    window_id: str
    area: str
    charger_id: str
    evse_id: int | None
    connector_id: int | None
    transaction_id: str
    is_over: bool
    kwh: str
    kwh_max: str | None
    price: str
    reward: str
    session_kwh: str | None
    unknown: tuple[tuple[str, int | None, int | None, bool], ...]
    gaps: int

    def fields(self) -> dict[str, Any]:
        """The fields of the contract."""
        names = ("reason", "begins_at", "ends_at", "is_in_window")
        said = {name: getattr(self, name) for name in self.__slots__}
        return {**said, "unknown": [dict(zip(names, one, strict=True)) for one in self.unknown]}


def reward_of_row(row: Mapping[str, Any]) -> Reward:
    """The reward that *row* of ``energy.reward`` tells."""
    unknown = tuple(
        (one["reason"], one["begins_at"], one["ends_at"], one["is_in_window"]) for one in row["unknown"]
    )
    return Reward(**{name: row[name] for name in Reward.__slots__ if name != "unknown"}, unknown=unknown)


def reward_id_of(session: Session, window: Window) -> str:
    """The same for all revisions: of the charger, its session, the window and its area."""
    return derived_id(
        "energy-reward", session.charger_id, session.transaction_id, window.area, window.window_id
    )


def reward_of(
    session: Session,
    window: Window,
    spans: Sequence[Span],
    limits: MeterLimits,
    *,
    usual_price: Decimal,
    is_over: bool,
) -> Reward:
    """The reward of *session* for the time *spans* of *window*."""
    least, most = in_spans(session, limits, spans)
    whole = total(session, limits)
    price = usual_price if window.price is None else window.price
    kwh = in_kwh(least)
    unknown = [_named(one, spans) for one in whole.unknown]
    return Reward(
        reward_id_of(session, window),
        window.window_id,
        window.area,
        session.charger_id,
        session.evse_id,
        session.connector_id,
        session.transaction_id,
        is_over,
        plain(kwh),
        None if most is None else plain(in_kwh(most)),
        plain(price),
        plain(EXACT.multiply(kwh, price)),
        plain(in_kwh(whole.wh)) if is_over else None,
        tuple(one for one in unknown if is_over or one[3]),
        session.gaps,
    )


def _named(one: Segment, spans: Sequence[Span]) -> tuple[str, int | None, int | None, bool]:
    return one.reason or "", one.begins_ms, one.ends_ms, any(one.touches(span) for span in spans)


def in_kwh(wh: Decimal) -> Decimal:
    return wh.scaleb(-3, EXACT)


def plain(value: Decimal) -> str:
    """*value* in digits, without an exponent and without noughts at the end of a fraction."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
