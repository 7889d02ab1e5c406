"""Closures as the log tells them, and operators' actions on them into it: the log decides, the answer is read back from it.

Two gateways may write at once. Each reads the log in its order, so both know the same first end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.gateway.closure_desk import ClosureAnswer, ClosureRow, ClosureWish, EndWish
from schemas.catalogue import topic_name
from schemas.errors import Invalid, Retriable
from schemas.event import Event, derived_id
from schemas.wire import Wire
from streams.closures.closure_effects import closed_among
from streams.closures.closure_rows import closure_event, ended
from streams.closures.closure_table import CONTRACT, OPEN, Closure, ClosureTable, check_closure, closure_of
from streams.dropped_rows import DroppedRows
from streams.log import log
from streams.operators.publisher import Publisher
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

GATEWAY = "gateway"
SETTLES_S = 0.5
"""The time for which an unknown closure is looked for: the log may reach this process later than the operator's screen."""
DECIDES_S = 5.0
"""The longest wait for our own record to come back from the log."""
OVER_ALREADY = "closure-over"


class LogClosures:
    """The closures of one city (``connectors.gateway.closure_desk.ClosureDesk``)."""

    def __init__(
        self,
        city: str,
        following: Following,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        publish: Callable[[Event], None] | None = None,
    ) -> None:
        self._city = city
        self._now_ms = now_ms
        self._reader = RowReader(wire, f"{city}.gateway.closures")
        self._table = ClosureTable()
        self._dropped = DroppedRows(f"{city}.gateway.closures", CONTRACT)
        self._rows: dict[str, ClosureRow] = {}  # as many as the table holds
        self._lock = threading.Lock()
        self._publish = publish or Publisher(city, "closures", bootstrap=bootstrap, wire=wire).publish
        self._follower = Follower(
            "closures", topic_name(city, CONTRACT), following, begin=self._begin, take=self._take
        )

    @property
    def trouble(self) -> str | None:
        return self._follower.trouble

    def closures(self) -> Iterator[ClosureRow]:
        """See ``connectors.gateway.closure_desk.ClosureDesk``."""
        with self._lock:
            return iter([self._rows[one.closure_id] for one in self._table])

    def closure(self, closure_id: str) -> ClosureRow | None:
        """See ``connectors.gateway.closure_desk.ClosureDesk``."""
        with self._lock:
            return self._rows.get(closure_id)

    def closed(self, places: Mapping[str, Mapping[str, Any] | None], now_ms: int) -> frozenset[str]:
        """See ``connectors.gateway.closure_desk.ClosedPlaces``."""
        with self._lock:
            in_force = self._table.in_force(now_ms)
        return frozenset(closed_among(places, in_force, now_ms))

    def changed_ms(self, now_ms: int) -> int:
        """See ``connectors.gateway.closure_desk.ClosedPlaces``."""
        with self._lock:
            known = [(self._rows[one.closure_id].changed_ms, one) for one in self._table]
        times = (
            time
            for told_ms, one in known
            for time in (told_ms, one.starts_at, one.ends_at)
            if time is not None and time <= now_ms
        )
        return max(times, default=0)

    def open(self, wish: ClosureWish) -> ClosureAnswer:
        """See ``connectors.gateway.closure_desk.ClosureDesk``."""
        self._check_log()
        now_ms = self._now_ms()
        wanted = opened(self._city, wish, now_ms=now_ms)
        known = self._known(wanted.closure_id)
        is_repeat = known is not None
        if known is None:
            _check(wanted, now_ms)
            self._publish(closure_event(self._city, GATEWAY, wanted, now_ms=now_ms))
            known = self._decided(wanted.closure_id, lambda _: True)
        if not _is_same(wish, known):
            raise Invalid(
                "this Idempotency-Key was used for another closure",
                field="Idempotency-Key",
                expected="a new one for each closure",
                code="key-used",
            )
        return ClosureAnswer(self._row(wanted.closure_id), is_repeat)

    def end(self, wish: EndWish) -> ClosureAnswer:
        """See ``connectors.gateway.closure_desk.ClosureDesk``."""
        self._check_log()
        known = self._found(wish.closure_id)
        was_over = known.is_over
        if not was_over:
            wanted = ended(known, wish.action_id, account_id=wish.account_id)
            self._publish(closure_event(self._city, GATEWAY, wanted, now_ms=self._now_ms()))
            known = self._decided(wish.closure_id, lambda one: one.is_over)
        is_ours = known.ended_by == wish.action_id
        return ClosureAnswer(
            self._row(wish.closure_id), was_over and is_ours, None if is_ours else OVER_ALREADY
        )

    def _row(self, closure_id: str) -> ClosureRow:
        if (row := self.closure(closure_id)) is None:  # the log is read anew just now
            raise Retriable("the log is being read again")
        return row

    def _check_log(self) -> None:
        if self._follower.trouble is not None:
            raise Retriable(self._follower.trouble)

    def _found(self, closure_id: str) -> Closure:
        known = self._follower.wait_until(lambda: self._known(closure_id), SETTLES_S)
        if known is None:
            raise Invalid(
                "no such closure",
                field="closure_id",
                expected="one that GET closures lists",
                code="no-closure",
            )
        return known

    def _decided(self, closure_id: str, is_so: Callable[[Closure], bool]) -> Closure:
        def found() -> Closure | None:
            known = self._known(closure_id)
            return known if known is not None and is_so(known) else None

        if (known := self._follower.wait_until(found, DECIDES_S)) is None:
            raise Retriable("the log did not answer in time")
        return known

    def _known(self, closure_id: str) -> Closure | None:
        with self._lock:
            return self._table.get(closure_id)

    def _begin(self) -> None:
        with self._lock:
            self._table, self._rows = ClosureTable(), {}
            self._dropped.begin()

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        rows = list(self._reader.rows(records))
        with self._lock:
            for row in rows:
                if row.value is None:
                    self._table.drop(row.key)
                else:
                    self._take_one(row.value, row.record)
            self._rows = {key: row for key, row in self._rows.items() if self._table.get(key) is not None}
            self._dropped.seen(self._table.dropped)

    def _take_one(self, value: Mapping[str, Any], record: Record) -> None:
        try:
            closure = closure_of(value)
        except Invalid as error:
            log.warning("closure ignored", closure=value["closure_id"], why=error.what)
            return
        if self._table.take(closure):
            row = ClosureRow(closure.closure_id, record.offset, record.timestamp_ms, value)
            self._rows[closure.closure_id] = row


def opened(city: str, wish: ClosureWish, *, now_ms: int) -> Closure:
    """The closure that *wish* opens. The same action opens the same one."""
    return Closure(
        closure_id=derived_id("closure", city, wish.action_id),
        geometry=wish.geometry,
        starts_at=now_ms if wish.starts_at is None else wish.starts_at,
        ends_at=wish.ends_at,
        reason=wish.reason,
        opened_by=wish.action_id,
        ended_by=None,
        account_id=wish.account_id,
        situation_id=wish.situation_id,
        revision=1,
        state=OPEN,
    )


def _check(closure: Closure, now_ms: int) -> None:
    """``Invalid`` for one that can never be in force."""
    check_closure(closure)
    if closure.ends_at is not None and closure.ends_at <= max(now_ms, closure.starts_at):
        raise Invalid(
            "the closure would be over before it begins",
            field="ends_at",
            expected="later than now and than starts_at",
            code="wrong-field",
        )


def _is_same(wish: ClosureWish, known: Closure) -> bool:
    said = (wish.geometry, wish.ends_at, wish.reason, wish.situation_id)
    starts_at = known.starts_at if wish.starts_at is None else wish.starts_at
    return said == (known.geometry, known.ends_at, known.reason, known.situation_id) and (
        starts_at == known.starts_at
    )
