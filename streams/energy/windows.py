"""Windows of surplus energy, as ``energy.surplus`` tells them, and what they ask of a charger. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from schemas.errors import Invalid
from schemas.iso_time import LATEST_MS
from streams.energy.charger_areas import EVERYWHERE
from streams.energy.registers import Span

PLANNED, WITHDRAWN = "planned", "withdrawn"
LONGEST_MS = 7 * 86_400_000
WINDOWS_MAX = 10_000
WindowKey = tuple[str, str]
"""Area, window id."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window. *ends_ms* is when it was withdrawn, where that was earlier; *price* ``None``: the city's usual."""

    area: str
    window_id: str
    begins_ms: int
    ends_ms: int
    price: Decimal | None = None
    limit_w: int | None = None

    @property
    def key(self) -> WindowKey:
        return self.area, self.window_id

    @property
    def span(self) -> Span:
        return self.begins_ms, self.ends_ms

    def is_on(self, now_ms: int) -> bool:
        return self.begins_ms <= now_ms < self.ends_ms


def window_after(before: Window | None, row: Mapping[str, Any]) -> Window:
    """The window after *row*. What it earned until it was withdrawn stays; ``Invalid`` for one that cannot be."""
    if row["state"] not in (PLANNED, WITHDRAWN):
        raise Invalid("the state is unknown", field="state", expected=f"{PLANNED} or {WITHDRAWN}")
    begins, ends = row["begins_at"], row["ends_at"]
    if not begins < ends <= begins + LONGEST_MS:
        raise Invalid("the window cannot be", field="ends_at", expected="after begins_at, by 7 days at most")
    if not 0 <= begins < ends <= LATEST_MS:
        raise Invalid("the window lies too far away", field="begins_at", expected="1970 to 2200")
    if not row["window_id"].strip() or not row["area"].strip():
        raise Invalid("the window has no name", field="window_id", expected="a window_id and an area")
    price = None if row["price"] is None else amount_of(row["price"], "price")
    if row["kwh"] is not None:
        amount_of(row["kwh"], "kwh")
    window = Window(row["area"], row["window_id"], begins, ends, price, row["limit_w"])
    if row["state"] == PLANNED:
        return window
    window = before or window
    return replace(window, ends_ms=min(window.ends_ms, max(window.begins_ms, row["event_time"])))


def amount_of(text: str, field: str) -> Decimal:
    """A decimal, not below 0, of at most 24 digits before and 12 behind its point. ``Invalid`` for anything else."""
    whole, _, part = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (part.isdigit() or part == text[len(whole) :])):
        raise Invalid(
            f"{field} is no decimal", field=field, expected="digits, and a point where it has a fraction"
        )
    if len(whole) > 24 or len(part) > 12:
        raise Invalid(
            f"{field} has too many digits", field=field, expected="at most 24 before and 12 behind the point"
        )
    return Decimal(text)


class WindowTable:
    """The windows of a city. The last word in the log holds; beyond ``WINDOWS_MAX`` the one that ended first goes,
    and *dropped* counts it."""

    def __init__(self, windows_max: int = WINDOWS_MAX) -> None:
        self._max = windows_max
        self._windows: dict[WindowKey, Window] = {}
        self.dropped = 0
        self._order: list[Window] | None = None

    def __iter__(self) -> Iterator[Window]:
        """In the order of their begins."""
        if self._order is None:
            every = self._windows.values()
            self._order = sorted(every, key=lambda one: (one.begins_ms, one.area, one.window_id))
        return iter(self._order)

    def take(self, row: Mapping[str, Any]) -> Window:
        """Take the next row of the log, and return the window as it now is. ``Invalid`` for one that cannot be."""
        window = window_after(self._windows.get((row["area"], row["window_id"])), row)
        self._windows[window.key], self._order = window, None
        if len(self._windows) > self._max:
            self.dropped += 1
            del self._windows[min(self._windows, key=lambda key: (self._windows[key].ends_ms, key))]
        return window

    def of(self, areas: Collection[str]) -> list[Window]:
        """The windows that hold in one of *areas*, in the order of their begins."""
        return [one for one in self if one.area in areas]


def spans_of(window: Window, others: Iterable[Window]) -> list[Span]:
    """The time of *window* that none of *others*, which hold for the same charger, had before it: energy is rewarded once.

    Of two that overlap, the one that begins first has the time; of two that begin together, the first by name.
    """
    spans = [window.span]
    first = (window.begins_ms, window.area, window.window_id)
    for other in others:
        if (other.begins_ms, other.area, other.window_id) < first:
            spans = [part for span in spans for part in _without(span, other.span)]
    return [span for span in spans if span[0] < span[1]]


def _without(span: Span, other: Span) -> list[Span]:
    if other[0] >= other[1]:
        return [span]
    parts = [(span[0], min(span[1], other[0])), (max(span[0], other[1]), span[1])]
    return [part for part in parts if part[0] < part[1]]


def limits_now(
    windows: Iterable[Window], now_ms: int, charger_area: str | Collection[str]
) -> tuple[Window | None, Window | None]:
    """The window by whose ``limit_w`` a charger is held now, and the one that rewards what it gives.

    *charger_area*: one area, or all of a charger as ``areas_of`` gives them. A window of the whole city counts too.
    Of several limits the lowest holds, of these the one that ends first; ``None``: no window of now has one. It is
    the window that began first that rewards, as in ``spans_of``.
    """
    areas = {charger_area} if isinstance(charger_area, str) else set(charger_area)
    on = [one for one in windows if one.is_on(now_ms) and one.area in areas | {EVERYWHERE}]
    limits = [(one.limit_w, one.ends_ms, one.key) for one in on if one.limit_w is not None]
    held = min(limits, default=(0, 0, None))[2]
    first = min(on, key=lambda one: (one.begins_ms, one.area, one.window_id), default=None)
    return next((one for one in on if one.key == held), None), first
