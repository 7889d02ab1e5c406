"""Ends of cases: what the law ends by now, what a person closes, and what a crash or another process left to be done.

The key goes first, then event and act. Who destroys a key ends its case, so of several processes one does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial

from schemas.errors import Fatal
from streams.cases.case_acts import DESTROYED
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import AUTHORISATION_REFUSED, KnownCase
from streams.cases.judge import UNRECORDED, Refused, judge, over_by_time
from streams.log import log
from streams.operators.case_attempts import CaseAttempts
from streams.operators.case_writer import CaseWriter, bare

PLATFORM = "platform"
"""The account of ends that nobody asked for: a time that passed, a request that was not filed."""
INTERRUPTED, KEY_DAMAGED = "interrupted", "key_damaged"
MAKES_GOOD_MS = 3_000
"""An end that another process begun and that is not in the log after this time is made good."""
RECORDED_WITHIN_MS = 60_000
"""A case whose opening is not on record after this time is ended: its act is in another topic, and may be read later."""


class CaseEnds:
    """The ends of the cases of one city. Its owner lets one thread in at a time."""

    def __init__(self, writer: CaseWriter, law: Callable[[], CaseLaw]) -> None:
        self._writer, self._law = writer, law
        # case → since when its end is missing; of one turn, so no more than cases
        self._left: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._without_key: set[str] = set()
        self._attempts = CaseAttempts()

    @property
    def stuck(self) -> Collection[str]:
        """The cases that the last turn could not end, or the end of which it could not tell."""
        return self._attempts.stuck

    def settle(self) -> list[str]:
        """End the cases that the law ends by now, and finish what a crash left out. Call it every second.

        Several processes may: who destroys a key ends its case, and the others leave it ``MAKES_GOOD_MS`` for that.
        """
        attempts, self._seen = self._attempts, {}
        attempts.begin()
        # every key goes before anything is told: without Kafka each telling waits
        found = [(one, self._over_now(one)) for one in attempts.in_turn(self._writer.table.open_cases())]
        late = self._late_keys_destroyed()
        owed = [one for one in self._known(self._writer.table.owed()) if self._is_to_make_good(one)]
        contested = [one for one in self._known(self._writer.table.contested()) if not one.case.is_closed]
        self._left = self._seen
        over = [(one, why) for one, why in found if why is not None]
        ended = [
            one.case.case_id
            for one, why in over
            if attempts.is_done(one.case.case_id, partial(self._tell_end, one, why, PLATFORM))
        ]
        for one in attempts.in_turn([*late, *owed]):
            attempts.is_done(one.case.case_id, partial(self._record_end, one))
        for one in attempts.in_turn(contested):
            attempts.is_done(one.case.case_id, partial(self._tell_again, one))
        attempts.end(self._seen.keys())
        return ended

    def _known(self, its_ids: Iterable[str]) -> list[KnownCase]:
        return [known for known in map(self._writer.table.get, its_ids) if known is not None]

    def _over_now(self, known: KnownCase) -> str | None:
        """Why the case is over, where it is this process that tells it: then its key is destroyed."""

        def over() -> str | None:
            why = self._reason_to_end(known)
            return why if why is not None and self._is_ours_to_end(known) else None

        return self._attempts.tried(known.case.case_id, over)

    def _late_keys_destroyed(self) -> list[KnownCase]:
        """Destroy the keys in this process' folder of cases that a process without them ended; returns these cases."""
        ended = self._writer.table.ended()

        def had_one(its_id: str) -> bool:
            return self._has_key(its_id) and self._writer.keys.destroy(its_id)

        new = ended - self._without_key
        late = [one for one in new if self._attempts.tried(one, partial(had_one, one))]
        self._without_key = ended.difference(
            self.stuck
        )  # a key that could not be destroyed has its turn again
        return self._known(late)

    def _is_to_make_good(self, known: KnownCase) -> bool:
        """Whether the end of a key is to be recorded: a crash left it out, or another process did not have it."""
        its_id = known.case.case_id
        return self._writer.keys.is_destroyed(its_id) and self._is_left(its_id)

    def _record_end(self, known: KnownCase) -> None:
        self._writer.act(DESTROYED, known.case.case_id, PLATFORM, reason=known.row["state_reason"])

    def _tell_again(self, known: KnownCase) -> None:
        key = self._writer.keys.key(known.case.case_id)
        if key is not None:
            self._writer.tell(self._writer.next(self._writer.opened(known, key)), key)
        self._writer.table.told_again(known.case.case_id)

    def _reason_to_end(self, known: KnownCase) -> str | None:
        """Why the case is over; ``None`` while it is not."""
        its_id, now_ms = known.case.case_id, self._writer.now_ms()
        try:
            key = self._writer.keys.key(its_id)
            known = self._writer.opened(known, key)
        except Fatal as error:  # its own end, and no other case's
            log.warning("a case ends with its damaged key", case=its_id, why=error.what)
            return KEY_DAMAGED
        if key is None:
            if self._writer.keys.is_destroyed(its_id):
                is_left = self._is_left(its_id)
                return (over_by_time(known.case, self._law(), now_ms) or INTERRUPTED) if is_left else None
            return over_by_time(known.case, self._law(), now_ms)  # the key is in a folder of another process
        verdict = judge(known.case, self._law(), now_ms)
        if not isinstance(verdict, Refused):
            return None
        is_fresh = now_ms < known.row["event_time"] + RECORDED_WITHIN_MS
        return None if verdict.reason == UNRECORDED and is_fresh else verdict.reason

    def _is_left(self, its_id: str) -> bool:
        """Whether the end of *its_id* has been missing for ``MAKES_GOOD_MS``: nobody is about to write it any more."""
        self._seen[its_id] = self._left.get(its_id, self._writer.now_ms())
        return self._writer.now_ms() - self._seen[its_id] >= MAKES_GOOD_MS

    def end(self, known: KnownCase, reason: str, account_id: str) -> bool:
        """End the case; false where another process just does."""
        if not self._is_ours_to_end(known):
            return False
        self._tell_end(known, reason, account_id)
        return True

    def _is_ours_to_end(self, known: KnownCase) -> bool:
        """Destroy the key; false where another process has just done so, and tells it. Where the key is in the folder of
        another process, that one destroys it when it has read the end."""
        its_id = known.case.case_id
        return not self._has_key(its_id) or self._writer.keys.destroy(its_id)

    def _tell_end(self, known: KnownCase, reason: str, account_id: str) -> None:
        state = "refused" if reason == AUTHORISATION_REFUSED else "closed"
        self._writer.tell({**bare(self._writer.next(known)), "state": state, "state_reason": reason}, None)
        if self._writer.keys.is_destroyed(known.case.case_id):
            self._writer.act(DESTROYED, known.case.case_id, account_id, reason=reason)

    def _has_key(self, its_id: str) -> bool:
        try:
            return self._writer.keys.key(its_id) is not None
        except Fatal:  # damaged, and there
            return True
