"""Looking back: past rows of ``cctv.person`` read once for several cases, beside the live flow.

Each case gets all that lies before the offsets up to which the live flow had come when it began; so it misses none and sees
none twice. Answers that were taken before a restart are taken again where they stood between the sightings.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from schemas.errors import Fatal
from streams.cases.judge import Allowed, seen_from_ms
from streams.runtime.inbox import Partition
from streams.runtime.read_back import since_time
from streams.sightings.bus_calls import KnownCalls
from streams.sightings.past_rows import PastReader, past_reader
from streams.sightings.pursuit import PersonAnswer, Pursuit
from streams.sightings.sighting_columns import EVENT, SightingColumns, SightingReader

EARLY_MS = 120_000
"""Rows written so long before are read, too: a camera's clock may be ahead of the broker's."""
CHUNK = 250_000
TRIPS = -1
HELD_MAX = 5_000_000
"""The most sightings held of a case until its old answers are taken again."""


@dataclass(slots=True)
class PastLook:
    """The past of one case. *answered*: answers taken before, each with the offsets at which it was taken: of sightings by
    partition, of calls of buses under ``TRIPS``. *calls*: those that are known when the look begins."""

    pursuit: Pursuit
    verdict: Allowed
    now_ms: int
    answered: Sequence[tuple[PersonAnswer, Mapping[int, int]]] = ()
    calls: KnownCalls | None = None
    error: Exception | None = None
    _held: list[SightingColumns] = field(default_factory=list)
    _count: int = 0

    def take(self, many: SightingColumns) -> None:
        """Take up a batch, or hold it where answers come between."""
        if self.error is None:
            try:
                self._take(many)
            except Exception as error:  # a case that fails must not stop the others: its owner ends it
                self.error = error

    def finish(self) -> None:
        """Take up what was held, with the answers between."""
        if self.error is None:
            try:
                self._finish()
            except Exception as error:  # as above
                self.error = error
        self._held.clear()

    def _take(self, many: SightingColumns) -> None:
        if self.answered:
            rows, _ = self.pursuit.view.allowed(many, self.verdict, self.now_ms)
            if len(rows):
                self._held.append(many.rows(rows))
            self._count += len(rows)
            if self._count > HELD_MAX:
                raise Fatal(
                    "a case has too many sightings to be taken up again",
                    hint="make its area or time smaller",
                )
            return
        self._count += self.pursuit.see(many, self.verdict, self.now_ms)
        if self._count > CHUNK:
            self.pursuit.take_up()
            self._count = 0

    def _finish(self) -> None:
        if self.answered:
            present = {key for many in self._held for key in many.numbers[:, EVENT].tolist()}
            self.pursuit.hold_lost(present)
        for answer, taken in self.answered:
            if self.calls is not None:
                self.pursuit.calls = self.calls.before(taken.get(TRIPS, 0))
            self._see_before(taken)
            self.pursuit.answer(answer)
        if self.calls is not None:
            self.pursuit.calls = self.calls.before(None)
        for many in self._held:
            self.pursuit.see(many, self.verdict, self.now_ms)

    def _see_before(self, taken: Mapping[int, int]) -> None:
        rest = []
        for many in self._held:
            ends = np.array([taken.get(one, 0) for one in many.partition.tolist()], np.int64)
            before = many.offset < ends
            self.pursuit.see(many.rows(np.flatnonzero(before)), self.verdict, self.now_ms)
            if not before.all():
                rest.append(many.rows(np.flatnonzero(~before)))
        self._held = rest


class LookingBack:
    """Reads the past for cases: at once where it is short, else in a thread, one after another."""

    def __init__(self, bootstrap: str, topic: str, sightings: SightingReader, *, at_once_max: int) -> None:
        self._bootstrap, self._topic, self._sightings = bootstrap, topic, sightings
        self._at_once_max = at_once_max
        self._past: PastReader | None = None
        self._waiting: list[tuple[list[PastLook], dict[Partition, int]]] = []
        self._thread: threading.Thread | None = None
        self._under_way: list[PastLook] = []
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self.seconds: list[float] = []

    def begin(self, looks: list[PastLook], ends: Mapping[int, int]) -> None:
        """Read for *looks* what lies before *ends*, partition → offset."""
        places = {(self._topic, number): end for number, end in ends.items()}
        begins = self._begins(looks, places)
        if (
            self._thread is None
            and sum(places[one] - begin for one, begin in begins.items()) <= self._at_once_max
        ):
            self._read(looks, begins, places)
            self._under_way += looks
        else:
            self._waiting.append((looks, places))

    def done(self) -> list[PastLook]:
        """The looks that are over since the last call. ``Retriable`` where Kafka could not be read."""
        if self._thread is not None:
            if self._thread.is_alive():
                return []
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        over, self._under_way = self._under_way, []
        if self._waiting:
            looks, places = self._waiting.pop(0)
            self._under_way = looks
            self._thread = threading.Thread(
                target=self._guarded, args=(looks, places), name="look-back", daemon=True
            )
            self._thread.start()
        return over

    def stop(self) -> None:
        """Give up what is under way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _guarded(self, looks: list[PastLook], places: dict[Partition, int]) -> None:
        try:
            self._read(looks, self._begins(looks, places), places)
        except Exception as error:  # raised again by the stage's own thread
            self._error = error

    def _begins(self, looks: Sequence[PastLook], ends: dict[Partition, int]) -> dict[Partition, int]:
        since_ms = min(seen_from_ms(one.pursuit.view.case, one.pursuit.view.law, one.now_ms) for one in looks)
        found = since_time(self._bootstrap, ends, {self._topic: max(0, since_ms - EARLY_MS)}) if ends else {}
        return {place: begin for place, begin in found.items() if begin < ends[place]}

    def _read(
        self, looks: Sequence[PastLook], begins: Mapping[Partition, int], ends: Mapping[Partition, int]
    ) -> None:
        began = monotonic()
        if self._past is None:
            self._past = past_reader(self._bootstrap, self._sightings)
        for many in self._past(begins, ends, self._stopping):
            for one in looks:
                one.take(many)
        for one in looks:
            one.finish()
        self.seconds.append(monotonic() - began)
