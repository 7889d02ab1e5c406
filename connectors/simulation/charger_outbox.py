"""Calls that wait to be sent by a charger, as OCPP says. Pure: the moment is a parameter.

- One call is outstanding at a time; the next one waits for its answer, or until the answer is overdue.
- Messages of a session are kept while there is no connection, and delivered in the order in which they arose. One that is
  not answered is sent again without end; one that is refused (CALLERROR) is sent ``attempts_max`` times, the n-th wait
  n times as long.
- All others are sent while there is a connection, once, and are lost without one.
- A message of a session of 1.6 goes out with the number that came, never with -1 or 0; without one it is given up.
- A full queue loses readings, the oldest first; the beginning and end of a session are never lost.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.formats.ocpp_calls import CALL
from connectors.simulation.charger_plan import ChargerPlan, ChargingSession
from connectors.simulation.charger_words import Words

ORDINARY_MAX = 32
"""Messages outside of sessions that wait; the oldest go first."""
WAITS_MAX = 6
"""Times by which the wait after an attempt is longer, at most."""


@dataclass(slots=True)
class Draft:
    """A call before it is sent. *number*: of a reading, by which it is entered as lost; ``None`` of what is never lost."""

    words: Words
    session: ChargingSession | None = None
    number: int | None = None
    attempts: int = 0

    @property
    def action(self) -> str:
        return self.words[0]


@dataclass(frozen=True, slots=True)
class Sent:
    """The call that is outstanding."""

    unique_id: str
    draft: Draft
    at_ms: int


class Outbox:
    """The queues of one charger. *prefix*: of the ids of its calls."""

    def __init__(self, plan: ChargerPlan, prefix: str) -> None:
        self._plan, self._prefix = plan, prefix
        self._kept: deque[Draft] = deque()  # at most plan.queue_max readings, beside beginnings and ends
        self._ordinary: deque[Draft] = deque(maxlen=ORDINARY_MAX)
        self._not_before_ms = 0
        self._count = 0
        self.sent: Sent | None = None

    def __len__(self) -> int:
        """The messages of sessions that are not yet answered."""
        return len(self._kept)

    def keep(self, draft: Draft) -> None:
        """Queue a message of a session."""
        if len(self._kept) >= self._plan.queue_max:
            self._lose_a_reading()
        self._kept.append(draft)

    def tell(self, words: Words) -> None:
        """Send *words* soon, or never."""
        self._ordinary.append(Draft(words))

    def tell_first(self, words: Words) -> None:
        self._ordinary.appendleft(Draft(words))

    def next_frame(self, now_ms: int, *, only: str | None = None) -> bytes | None:
        """The call to send now; ``None`` while another is outstanding or nothing is due.

        *only*: the one action that may go.
        """
        if self.sent is not None:
            if now_ms < self._overdue_ms(self.sent):
                return None
            self._not_answered(now_ms)
        draft = self._next(now_ms, only)
        if draft is None:
            return None
        action, payload = draft.words
        if draft.session is not None and action in ("MeterValues", "StopTransaction"):
            payload = {**payload, "transactionId": int(draft.session.transaction_id or 0)}
        self._count += 1
        self.sent = Sent(f"{self._prefix}-{self._count}", draft, now_ms)
        return json.dumps(
            [CALL, self.sent.unique_id, action, payload], separators=(",", ":"), default=_number
        ).encode()

    def next_ms(self, *, only: str | None = None) -> int | None:
        """When there may be something to send; ``None`` when an answer or a new message must come first."""
        if self.sent is not None:
            return self._overdue_ms(self.sent)
        if self._ordinary:
            return 0
        return self._not_before_ms if self._kept and only is None else None

    def answered(self, unique_id: str) -> Draft | None:
        """Take the call *unique_id* as done; ``None`` where it is not outstanding."""
        if self.sent is None or self.sent.unique_id != unique_id:
            return None
        draft, self.sent = self.sent.draft, None
        if draft.session is not None:
            self._kept.popleft()
        return draft

    def refused(self, unique_id: str, now_ms: int) -> Draft | None:
        """Take a CALLERROR: a message of a session waits and is sent again, or is given up; another is done."""
        sent = self.sent
        if sent is None or sent.unique_id != unique_id:
            return None
        self.sent, draft = None, sent.draft
        if draft.session is not None:
            draft.attempts += 1
            if draft.attempts >= self._plan.attempts_max:
                self._kept.popleft()
                draft.session.given_up += 1
            else:
                self._not_before_ms = now_ms + self._wait_ms(draft.attempts)
        return draft

    def again(self) -> None:
        """Forget that the outstanding call was sent: it is sent anew at once."""
        self.sent = None

    def disconnected(self) -> None:
        """Keep the messages of sessions, the outstanding one too; lose all others."""
        self.sent, self._not_before_ms = None, 0
        self._ordinary.clear()

    def _next(self, now_ms: int, only: str | None) -> Draft | None:
        if only is not None:
            first = self._ordinary[0] if self._ordinary else None
            return self._ordinary.popleft() if first is not None and first.action == only else None
        if self._ordinary:
            return self._ordinary.popleft()
        while self._kept and self._has_no_number(self._kept[0]):
            lost = self._kept.popleft()
            if lost.session is not None:
                lost.session.given_up += 1
        return self._kept[0] if self._kept and now_ms >= self._not_before_ms else None

    def _has_no_number(self, draft: Draft) -> bool:
        needs_one = draft.action in ("MeterValues", "StopTransaction")
        return needs_one and draft.session is not None and draft.session.transaction_id is None

    def _not_answered(self, now_ms: int) -> None:
        self.sent = None
        self._not_before_ms = now_ms

    def _overdue_ms(self, sent: Sent) -> int:
        return sent.at_ms + round(self._plan.answer_s * 1_000)

    def _wait_ms(self, attempts: int) -> int:
        return round(self._plan.retry_s * 1_000) * min(attempts, WAITS_MAX)

    def _lose_a_reading(self) -> None:
        outstanding = None if self.sent is None else self.sent.draft
        for place, draft in enumerate(self._kept):
            if draft.number is not None and draft is not outstanding:
                del self._kept[place]
                if draft.session is not None:
                    draft.session.readings -= 1
                    draft.session.lose(draft.number)
                return


def _number(value: Any) -> float:
    """A register of 2.0.1 as a number: of at most 15 digits, so that it is written as it is."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value)} in a call")
