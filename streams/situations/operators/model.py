"""Operators' actions and filings as they are kept with a situation: value objects."""

from __future__ import annotations

from msgspec import Struct


class ActionTaken(Struct, frozen=True, gc=False):
    """An operator's action on a situation; *reason* is in their words."""

    action_id: str
    action: str
    account_id: str
    at: int
    reason: str


class Handling(Struct, frozen=True, gc=False):
    """The effect of operators' actions on a situation. *hold* is "closed" or "open" where their decision outweighs the
    reports; *override* is a ground in law for cameras to serve another purpose than their own."""

    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    taken_by: str | None = None
    escalated_at: int | None = None
    is_confirmed: bool = False
    hold: str | None = None
    override: str | None = None
    actions: tuple[ActionTaken, ...] = ()


class Filing(Struct, frozen=True, gc=False):
    """A filing with the *agency* of *to_domain*: filed, accepted or withdrawn. *incident_id* is the report that
    answers it. *revision* is the last published one, *said* its status and a digest of the rest."""

    filing_id: str
    to_domain: str
    agency: str
    filed_at: int
    account_id: str
    role: str
    status: str = "filed"
    agency_case_no: str | None = None
    incident_id: str | None = None
    revision: int = 0
    said: str = ""

    @property
    def is_open(self) -> bool:
        return self.status == "filed"
