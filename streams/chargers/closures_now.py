"""Closures for the stage of chargers, as the log tells them: read in a thread, so that the stage never waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.subjects.charger_list import ListedCharger
from schemas.catalogue import topic_name
from schemas.errors import Invalid
from schemas.wire import Wire
from streams.chargers.closed_chargers import ChargersByPlace, ClosedChargers
from streams.closures.closure_table import CONTRACT, ClosureTable, closure_of
from streams.dropped_rows import DroppedRows
from streams.log import log
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader


class ClosuresNow:
    """Tells the closures that are not over, each with its chargers.

    Whether one is in force is for the clock of who asks. What was known stays while the log is read anew.
    """

    def __init__(
        self,
        city: str,
        chargers: Mapping[str, ListedCharger],
        following: Following,
        *,
        group: str,
        wire: Wire,
    ) -> None:
        self._chargers = ChargersByPlace(chargers)
        self._dropped = DroppedRows(group, CONTRACT)
        self._reader = RowReader(wire, group)
        self._table = ClosureTable()
        self._known: tuple[ClosedChargers, ...] | None = None
        Follower("closures", topic_name(city, CONTRACT), following, begin=self._begin, take=self._take)

    @property
    def known(self) -> tuple[ClosedChargers, ...] | None:
        """The closures that are not over; ``None`` until the log was read to its end once."""
        return self._known

    def _begin(self) -> None:
        self._table = ClosureTable()
        self._dropped.begin()

    def _take(self, records: Sequence[Record], is_all: bool) -> None:
        for row in self._reader.rows(records):
            try:
                if row.value is None:
                    self._table.drop(row.key)
                else:
                    self._table.take(closure_of(row.value))
            except Invalid as error:
                log.warning("closure ignored", closure=row.key, why=error.what)
        self._dropped.seen(self._table.dropped)
        if is_all:
            self._known = self._chargers.closed_by(one for one in self._table if not one.is_over)
