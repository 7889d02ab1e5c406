"""Output of the demo, of the records that it reads: a board, JSON lines, or the story."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.console import Console
from rich.live import Live

from deploy.city.city import City
from deploy.demo.board import Board
from deploy.demo.sources import RAW, read_in
from deploy.demo.story import Story, chapters_of
from deploy.platform import Platform
from deploy.record_form import shown_record
from deploy.telling import tell
from schemas.catalogue import contract_name
from schemas.errors import Fatal
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader, Unreadable


class Output:
    """One of the three, of one city; on a board that moves where the output is a terminal."""

    def __init__(
        self,
        platform: Platform,
        city: City,
        *,
        as_json: bool,
        as_story: bool,
        cameras: bool,
        begun: float,
        heard: Callable[[], Iterable[tuple[str, Mapping[str, Any], str]]] = tuple,
    ) -> None:
        """*begun*: when the demo began, of ``time.monotonic``. *heard*: what the gateway answered since the last call, by
        name, with the request."""
        zone = ZoneInfo(city.file.timezone)
        self._heard = heard
        self._platform, self._as_json, self._begun = platform, as_json, begun
        self._raw = frozenset(read_in(city.name))
        self._board = Board(
            f"{city.file.title or city.name} (simulated)",
            zone,
            shows_cameras=cameras,
            tells_feeds=not self._raw <= set(RAW),
        )
        self._story = Story(zone, chapters_of(city.name)) if as_story else None
        self._rows = RowReader(platform.wire, f"{city.name}.demo")
        self._console = Console()
        self._is_moving = self._console.is_terminal and not as_json and not as_story

    def all_of(self, records: Iterator[Record | None], check: Callable[[], None]) -> None:
        """Show *records* until they end, or the story is told; *check* raises when the city's worker has ended.

        ``Fatal`` where they end before the story is told.
        """
        live = Live(self._board.render(), console=self._console, refresh_per_second=4)
        try:
            with live if self._is_moving else ExitStack():
                for record in records:
                    if record is not None:
                        self._one(record)
                    else:
                        check()
                        self._answers()
                        if self._is_moving:
                            live.update(self._board.render())
                    if self._story is not None and self._story.is_told:
                        return
        except KeyboardInterrupt:
            tell("ending …", err=True)
            return
        if self._story is not None:
            waiting = self._story.waiting
            for chapter in waiting:
                tell(f"not seen: {chapter.about} ({chapter.contract})", err=True)
            raise Fatal(
                f"{len(waiting)} of the story's lines did not come in time",
                hint="on a slow machine: --minutes 10",
            )

    def _answers(self) -> None:
        """Take what the gateway answered, for the story alone."""
        for name, value, request in self._heard():
            line = self._story.take(name, value, request) if self._story is not None else None
            if line:
                tell(line)

    def _one(self, record: Record) -> None:
        contract = contract_name(record.topic)
        if self._as_json:
            if contract not in self._raw:
                tell(orjson.dumps(shown_record(record, self._platform)).decode())
            return
        row = self._rows.read(record)
        if isinstance(row, Unreadable) or row.value is None:
            return
        if self._story is not None:
            line = self._story.take(contract, row.value, f"{record.topic} {record.partition}:{record.offset}")
            if line:
                tell(line)
            return
        board = self._board
        is_first = board.opened == 0
        line = board.take(contract, row.value)
        if is_first and board.opened:
            board.title += f" · first situation {time.monotonic() - self._begun:.1f} s after the start"
        if line and not self._is_moving:
            tell(line)
