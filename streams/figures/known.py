"""The facts of the log that the figures rest on: what is kept of each situation, first video and alert. Pure and bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

LIVES_MAX = 200_000
USES_MAX = 200_000
ALERTS_MAX = 100_000
"""Alerts that are kept of one audience."""
AUDIENCES_MAX = 200
REACHED = ("dispatched", "arrived")
UNKNOWN = -1
"""The time of a status that a situation had when it was first heard of: the change came before."""

Value = Mapping[str, Any]


class Life(NamedTuple):
    """A situation with reports, as far as it is kept. Times in ms; *reached*: status → when it first had it."""

    opened_at: int
    kind: str
    agencies: int
    """The most agencies that were on it at once."""
    reporting: frozenset[str]
    reached: Mapping[str, int]
    is_merged: bool


class Alert(NamedTuple):
    """An event of ``core.alert``, as far as it is kept."""

    event_time: int
    alert_id: str
    kind: str
    demands_attention: bool
    is_cancel: bool


@dataclass(slots=True)
class Facts:
    """Taken in the order of the log, each topic's events in their own. *since*: the earliest time that they tell of."""

    lives: dict[str, Life] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    """Situation → the first use of a ticket: the first video."""
    alerts: dict[str, deque[Alert]] = field(default_factory=dict)
    """By audience."""
    since: int | None = None

    def put_situation(self, value: Value) -> None:
        """Take a revision. A situation without reports, such as an area, is no case of help."""
        its_id = value["situation_id"]
        before = self.lives.get(its_id)
        if not value["incidents"] and before is None:
            return
        opened_at, status = value["opened_at"], value["status"]
        reached = {} if before is None else before.reached
        if status in REACHED and status not in reached:
            reached = {**reached, status: UNKNOWN if before is None else value["event_time"]}
        agencies = value["agencies"]
        self.lives[its_id] = Life(
            opened_at if before is None else min(opened_at, before.opened_at),
            top_of(value["kind"]),
            max(len(agencies), 0 if before is None else before.agencies),
            frozenset(agencies) | (frozenset() if before is None else before.reporting),
            reached,
            value["merged_into"] is not None or (before is not None and before.is_merged),
        )
        self._begin(min(opened_at, value["event_time"]))
        _bound(self.lives, LIVES_MAX)

    def put_access(self, value: Value) -> None:
        """Take an act of access; only the first use of a ticket shows a picture."""
        its_id, at = value["situation_id"], value["at"]
        if value["act"] != "first_use" or its_id is None:
            return
        self.uses[its_id] = min(at, self.uses.get(its_id, at))
        _bound(self.uses, USES_MAX)

    def put_alert(self, value: Value) -> None:
        """Take an alert's event, but for a revision that neither demands attention nor begins or ends it."""
        self._begin(value["event_time"])
        if value["message_type"] == "update" and not value["demands_attention"]:
            return
        audience = value["audience"]
        if audience not in self.alerts and len(self.alerts) >= AUDIENCES_MAX:
            return
        self.alerts.setdefault(audience, deque(maxlen=ALERTS_MAX)).append(
            Alert(
                value["event_time"],
                value["alert_id"],
                top_of(value["kind"]),
                value["demands_attention"],
                value["message_type"] == "cancel",
            )
        )

    def copy(self) -> Facts:
        """The same facts, which do not change while figures are made of them."""
        alerts = {audience: found.copy() for audience, found in self.alerts.items()}
        return Facts(dict(self.lives), dict(self.uses), alerts, self.since)

    def _begin(self, at: int) -> None:
        self.since = at if self.since is None else min(self.since, at)


def top_of(kind: str) -> str:
    """The top level of a kind: ``crash`` of ``crash.pedestrian``."""
    return kind.partition(".")[0]


def _bound(rows: dict[str, Any], most: int) -> None:
    """Forget the row that was known first where there are more than *most*."""
    if len(rows) > most:
        del rows[next(iter(rows))]
