"""Operators' actions into the log. Each is first checked against the current situations, by the rules' own check.

The situations stage checks again, as only it knows the order of all records. The check here gives an operator
an immediate refusal. If a situation changes between the two checks, the stage sets the action aside with its
reason.
"""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from connectors.gateway.desk import Done
from schemas.catalogue import topic_name
from schemas.errors import Fatal, Invalid, Retriable
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams.log import log
from streams.operators.publisher import Publisher
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.model import Situation
from streams.situations.operators.actions import ACTIONS, Action, action_of, check, is_done
from streams.situations.state.rows import check_row, situation_from

CONTRACT = "core.action"
SETTLES_S = 0.5
"""The time for which a refused check is repeated: the log may reach this process a moment later than the
operator's screen.
"""
RECENT_MAX = 10_000
"""The number of actions remembered here. Older ones are found in the situation itself, and by the stage."""


class LogDesk:
    """The desk of one city (``connectors.gateway.desk.Desk``). *rules* returns the settings and the law in force."""

    actions: Sequence[str] = ACTIONS

    def __init__(
        self,
        city: str,
        rules: Callable[[], RulesConfig],
        following: Following,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
    ) -> None:
        self._city = city
        self._rules = rules
        self._now_ms = now_ms
        self._reader = RowReader(wire, f"{city}.gateway.situations", check=check_row)
        # bounded by core.state: a situation that is forgotten there is removed by its tombstone
        self._bodies: dict[str, bytes] = {}
        self._recent: OrderedDict[str, tuple[Action, Done]] = OrderedDict()
        self._under_way: set[str] = set()
        self._publisher = Publisher(city, "actions", bootstrap=bootstrap, wire=wire)
        self._lock = threading.Lock()
        self._follower = Follower(
            "situations",
            topic_name(city, "core.state"),
            following,
            begin=self._bodies.clear,
            take=self._take,
        )

    def may(self, roles: Sequence[str]) -> Sequence[str]:
        """See ``connectors.gateway.desk.Desk``."""
        law = self._rules().law.may
        return [one for one in ACTIONS if one not in law or not set(roles).isdisjoint(law[one])]

    def act(self, action: Mapping[str, Any], roles: Sequence[str]) -> Done:
        """See ``connectors.gateway.desk.Desk``."""
        rules = self._rules()
        wanted = action_of(Entry("action", CONTRACT, 0, 0, {**action, "role": _role(action, roles, rules)}))
        known = self._recent.get(wanted.action_id)
        if known is not None:
            return _again(wanted, *known)
        if self._follower.trouble is not None:
            raise Retriable(self._follower.trouble)
        situation = self._find(wanted, rules)
        is_repeat = is_done(wanted, situation)
        done = Done(wanted.action_id, situation.situation_id, wanted.role, is_repeat)
        if not is_repeat:
            self._publish_once(wanted)
        with self._lock:
            self._recent[wanted.action_id] = (wanted, done)
            while len(self._recent) > RECENT_MAX:
                self._recent.popitem(last=False)
        return done

    def _find(self, action: Action, rules: RulesConfig) -> Situation:
        """Return the situation of *action*. A refusal is checked again until ``SETTLES_S``, as our copy may
        be behind.
        """
        until = monotonic() + SETTLES_S
        while True:
            situation = self._now_told_as(action.situation_id)
            try:
                if situation is None or not is_done(action, situation):
                    check(action, situation, self._now_told_as(action.other_situation_id), rules)
            except Invalid as error:
                left_s = until - monotonic()
                if left_s <= 0 or error.field == "role":
                    _log_refusal(action, error)
                    raise
                self._follower.wait_for_news(left_s)
                continue
            if situation is None:
                raise Fatal("an action on nothing passed its check")
            return situation

    def _publish_once(self, action: Action) -> None:
        with self._lock:
            if action.action_id in self._under_way:
                raise Retriable("the same action is under way")
            self._under_way.add(action.action_id)
        try:
            self._publish(action)
        finally:
            with self._lock:
                self._under_way.discard(action.action_id)

    def _publish(self, action: Action) -> None:
        self._publisher.publish(action_event(self._city, action, now_ms=self._now_ms()))

    # -- the situations as they stand ------------------------------------------------------------------------

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        for row in self._reader.rows(records):
            if row.value is None:
                self._bodies.pop(row.key, None)
            elif row.value["kind"] == "situation" and ":" not in row.key:
                self._bodies[row.key] = zlib.compress(row.value["body"], 1)

    def _now_told_as(self, situation_id: str | None) -> Situation | None:
        """Return the situation of that id, or the one that it was merged into."""
        body = self._bodies.get(situation_id or "")
        while body is not None:
            situation = situation_from(zlib.decompress(body))
            if situation.view.merged_into is None:
                return situation
            body = self._bodies.get(situation.view.merged_into)
        return None


def _role(action: Mapping[str, Any], roles: Sequence[str], rules: RulesConfig) -> str:
    """Return the lowest of *roles* that the law allows for the action; if none is, the highest, which the
    check then refuses.
    """
    if not roles:
        raise Fatal("an action of an account that may not act", hint="ask for its roles first")
    allowed = rules.law.may.get(str(action.get("action")))
    return next((role for role in roles if allowed is None or role in allowed), roles[-1])


def _log_refusal(action: Action, error: Invalid) -> None:
    who = {"account": action.account_id, "role": action.role}
    log.warning("action refused", action=action.action, why=error.what, **who)


def _again(wanted: Action, before: Action, done: Done) -> Done:
    """Return the response to an action that was already accepted."""
    if _gist(wanted) != _gist(before):
        raise Invalid(
            "this Idempotency-Key was used for another action",
            field="Idempotency-Key",
            expected="a new one for each action",
            code="key-used",
        )
    return Done(done.action_id, done.situation_id, done.role, is_repeat=True)


def _gist(action: Action) -> tuple[object, ...]:
    return (
        action.situation_id,
        action.action,
        action.other_situation_id,
        action.incident_ids,
        action.ground,
        action.to_domain,
    )


def action_event(city: str, action: Action, *, now_ms: int) -> Event:
    """Return *action* as an event of ``core.action``."""
    value = event_fields(
        city,
        "gateway",
        event_id=derived_id("action", city, action.action_id),
        event_time_ms=now_ms,
        received_ms=now_ms,
    ) | {
        "action_id": action.action_id,
        "situation_id": action.situation_id,
        "action": action.action,
        "account_id": action.account_id,
        "role": action.role,
        "reason": action.reason,
        "other_situation_id": action.other_situation_id,
        "incident_ids": list(action.incident_ids),
        "ground": action.ground,
        "to_domain": action.to_domain,
        "case_id": None,
        "candidate_id": None,
    }
    return Event(CONTRACT, action.situation_id, value)
