"""Figures of the gateway (``connectors.gateway.figures.Figures``): the log is followed, a board kept for seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date, tzinfo
from functools import partial
from typing import Any

from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.figures.board import board_of
from streams.figures.known import Facts
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

SITUATION, ALERT, ACCESS = "core.situation", "core.alert", "core.access"
KEPT_MS = 5_000
"""For so long the figures of a span are given again as they are."""
KEPT_MAX = 20


class LogFigures:
    """Follows the topics of one city by *following*. *zone*: the city's, in which its days begin."""

    def __init__(self, city: str, following: Following, *, wire: Wire, zone: tzinfo) -> None:
        self.zone = zone
        self._facts = Facts()
        self._lock = threading.Lock()
        self._kept: dict[tuple[date, date], tuple[int, dict[str, Any]]] = {}
        read = partial(RowReader, wire, f"{city}.gateway.figures")
        topics: dict[str, tuple[Callable[[], None], Callable[[Mapping[str, Any]], None]]] = {
            SITUATION: (self._facts.lives.clear, self._facts.put_situation),
            ALERT: (self._facts.alerts.clear, self._facts.put_alert),
            ACCESS: (self._facts.uses.clear, self._facts.put_access),
        }
        self._followers = [
            Follower(
                f"figures of {contract}",
                topic_name(city, contract),
                following,
                begin=self._locked(begin),
                take=self._taking(read(), put),
            )
            for contract, (begin, put) in topics.items()
        ]

    @property
    def trouble(self) -> str | None:
        return next((one.trouble for one in self._followers if one.trouble is not None), None)

    def told(self, first: date, last: date, *, now_ms: int) -> Mapping[str, Any]:
        """The board of the local days *first* to *last*, at most ``KEPT_MS`` old; ``as_of``: the time of it, in ms."""
        kept = self._kept.get((first, last))
        if kept is not None and 0 <= now_ms - kept[0] < KEPT_MS:
            return kept[1]
        with self._lock:
            facts = self._facts.copy()
        found = board_of(facts, first=first, last=last, zone=self.zone, now_ms=now_ms)
        with self._lock:
            self._kept = {span: one for span, one in self._kept.items() if 0 <= now_ms - one[0] < KEPT_MS}
            if len(self._kept) < KEPT_MAX:
                self._kept[first, last] = (now_ms, {**found, "as_of": now_ms})
        return {**found, "as_of": now_ms}

    def _locked(self, begin: Callable[[], None]) -> Callable[[], None]:
        def locked() -> None:
            with self._lock:
                begin()

        return locked

    def _taking(
        self, reader: RowReader, put: Callable[[Mapping[str, Any]], None]
    ) -> Callable[[Sequence[Record], bool], None]:
        def take(records: Sequence[Record], _is_all: bool) -> None:
            rows = [row.value for row in reader.rows(records) if row.value is not None]
            with self._lock:
                for value in rows:
                    put(value)

        return take
