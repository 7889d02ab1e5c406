"""Windows of surplus as the log tells them last, and operators' windows into it (``connectors.gateway.surplus_desk``)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from connectors.gateway.surplus_desk import WITHDRAWN, SurplusRow, SurplusWish
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Invalid, Retriable
from schemas.event import Event, derived_id, event_fields
from schemas.json_form import to_json_value
from schemas.wire import Wire
from streams.energy.charger_areas import EVERYWHERE
from streams.energy.windows import WINDOWS_MAX, window_after
from streams.operators.publisher import Publisher
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

SURPLUS, GATEWAY = "energy.surplus", "gateway"
COMMANDS_MAX = 20_000
"""The newest requests of operators by which a repeat is known."""
SAID = ("area", "window_id", "state", "kwh", "price", "limit_w")
TOLD_S = 5.0
"""The longest wait for our own record to come back from the log."""

Told = tuple[SurplusRow, Mapping[str, Any]]


class LogSurplus:
    """The windows of one city. *areas*: those of the grid that its file names."""

    def __init__(
        self,
        city: str,
        following: Following,
        *,
        areas: Collection[str],
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        publish: Callable[[Event], None] | None = None,
    ) -> None:
        self._city, self._now_ms = city, now_ms
        self._areas = frozenset({EVERYWHERE, *areas})
        self._windows: OrderedDict[tuple[str, str], Told] = OrderedDict()
        self._commands: OrderedDict[str, Told] = OrderedDict()
        self._lock = threading.Lock()
        self._reader = RowReader(wire, f"{city}.gateway.surplus")
        self._publish = publish or Publisher(city, "surplus", bootstrap=bootstrap, wire=wire).publish
        self._follower = Follower(
            "windows of surplus", topic_name(city, SURPLUS), following, begin=self._begin, take=self._take
        )

    @property
    def trouble(self) -> str | None:
        return self._follower.trouble

    def windows(self) -> Iterator[SurplusRow]:
        """See ``connectors.gateway.surplus_desk.SurplusDesk``."""
        with self._lock:
            found = [row for row, _ in self._windows.values()]
        return reversed(found)

    def announce(self, wish: SurplusWish) -> tuple[SurplusRow, bool]:
        """See ``connectors.gateway.surplus_desk.SurplusDesk``."""
        if self._follower.trouble is not None:
            raise Retriable(self._follower.trouble)
        with self._lock:
            known = self._commands.get(wish.command_id)
            before = self._windows.get((wish.area, wish.window_id))
        if known is not None:
            return _same(wish, known), True
        if wish.area not in self._areas:
            raise Invalid(
                "no such area", field="area", expected="*, or one of [energy.areas] in the city's file"
            )
        event = surplus_event(self._city, wish, None if before is None else before[1], now_ms=self._now_ms())
        self._publish(event)
        known = self._follower.wait_until(lambda: self._known(wish.command_id), TOLD_S)
        if known is None:
            raise Retriable("the log did not answer in time")
        return known[0], False

    def _known(self, command_id: str) -> Told | None:
        with self._lock:
            return self._commands.get(command_id)

    def _begin(self) -> None:
        with self._lock:
            self._windows.clear()
            self._commands.clear()

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        with self._lock:
            for row in self._reader.rows(records):
                if row.value is None:
                    continue
                try:
                    window_after(None, row.value)
                except Invalid as error:  # the stage of energy sets it aside
                    self._reader.refuse(row.record, error)
                    continue
                self._put(row.record, row.value)

    def _put(self, record: Record, value: Mapping[str, Any]) -> None:
        key = (value["area"], value["window_id"])
        shown = SurplusRow(*key, record.offset, record.timestamp_ms, value["state"], partial(_json, value))
        self._windows[key] = (shown, value)
        self._windows.move_to_end(key)
        if len(self._windows) > WINDOWS_MAX:
            self._windows.popitem(last=False)
        if value["source"] == GATEWAY and value["command_id"] is not None:
            self._commands.setdefault(value["command_id"], (shown, value))
            if len(self._commands) > COMMANDS_MAX:
                self._commands.popitem(last=False)


def surplus_event(city: str, wish: SurplusWish, before: Mapping[str, Any] | None, *, now_ms: int) -> Event:
    """Return *wish* as an event of ``energy.surplus``. *before*: the window as it was told last. ``Invalid`` where it cannot
    be."""
    said: dict[str, Any] = {name: getattr(wish, name) for name in (*SAID, "begins_at", "ends_at")}
    if wish.state == WITHDRAWN:
        said = {**_to_withdraw(before), "state": WITHDRAWN}
    said |= {"announced_by": wish.account_id, "command_id": wish.command_id}
    value = event_fields(
        city,
        GATEWAY,
        event_id=derived_id("surplus", city, wish.command_id),
        event_time_ms=now_ms,
        received_ms=now_ms,
    )
    value |= said
    window_after(None, {**value, "state": "planned"})
    if said["ends_at"] <= now_ms:
        raise Invalid("the window is over", field="ends_at", expected="a time to come", code="window-over")
    return Event(SURPLUS, wish.area, value)


def _to_withdraw(before: Mapping[str, Any] | None) -> dict[str, Any]:
    if before is None:
        raise Invalid("no such window", field="window_id", expected="one that is planned", code="no-window")
    if before["state"] == WITHDRAWN:
        raise Invalid(
            "it is withdrawn already",
            field="window_id",
            expected="one that is planned",
            code="window-withdrawn",
        )
    return {name: before[name] for name in (*SAID, "begins_at", "ends_at")}


def _same(wish: SurplusWish, known: Told) -> SurplusRow:
    """The window that *wish* told before. ``Invalid`` where its key was used for another."""
    names = ("area", "window_id", "state") if wish.state == WITHDRAWN else (*SAID, "begins_at", "ends_at")
    if any(getattr(wish, name) != known[1][name] for name in names):
        raise Invalid(
            "this Idempotency-Key was used for another window",
            field="Idempotency-Key",
            expected="a new one for each request",
            code="key-used",
        )
    return known[0]


def _json(value: Mapping[str, Any]) -> dict[str, Any]:
    return to_json_value(load_catalogue()[SURPLUS].newest, value)
