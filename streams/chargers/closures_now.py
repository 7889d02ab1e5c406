"""Closures for the stage of chargers, as the log tells them: read in a thread, so that the stage never waits."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.wire import Wire
from streams.closures.closure_table import CONTRACT, Closure, ClosureTable, closure_of
from streams.log import log
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader


class ClosuresNow:
    """Tells the closures that are not over.

    Whether one is in force is for the clock of who asks. What was known stays while the log is read anew.
    """

    def __init__(self, city: str, following: Following, *, group: str, wire: Wire) -> None:
        self._reader = RowReader(wire, group)
        self._table = ClosureTable()
        self._known: tuple[Closure, ...] | None = None
        Follower("closures", topic_name(city, CONTRACT), following, begin=self._begin, take=self._take)

    @property
    def known(self) -> tuple[Closure, ...] | None:
        """The closures that are not over; ``None`` until the log was read to its end once."""
        return self._known

    def _begin(self) -> None:
        self._table = ClosureTable()

    def _take(self, records: Sequence[Record], is_all: bool) -> None:
        for row in self._reader.rows(records):
            try:
                if row.value is None:
                    self._table.drop(row.key)
                else:
                    self._table.take(closure_of(row.value))
            except Invalid as error:
                log.warning("closure ignored", closure=row.key, why=error.what)
        if is_all:
            self._known = tuple(one for one in self._table if not one.is_over)
