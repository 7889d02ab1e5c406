"""The words of the situations: severities, statuses, kinds. Imports no other module of this package."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["extreme", "severe", "moderate", "minor", "unknown"]
Urgency = Literal["immediate", "expected", "future", "past", "unknown"]
SEVERITIES = ("extreme", "severe", "moderate", "minor", "unknown")
"""Gravest first."""
STATUSES = ("open", "dispatched", "arrived", "closed")
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
JOINT_INCIDENT = "joint-incident"
"""The rule that holds the reports: always in force, and its settings are the city's own."""


def is_a(kind: str, ancestor: str) -> bool:
    """Whether *kind* is *ancestor* or stands below it in the tree of kinds."""
    return kind == ancestor or kind.startswith(ancestor + ".")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
