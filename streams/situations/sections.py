"""The tables that joint-incident's ``[[rule]]`` may have in a city's file: ``[rule.bounds]``, ``[rule.cameras]`` …"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from streams.match.core.forms import FORMS
from streams.situations.terms import STATUSES, Severity, Strict, Urgency, is_a

DEFAULTS = Path(__file__).parent / "rules" / "joint_incident.toml"
PLATE_TOPICS = frozenset(form.contract for form in FORMS if form.token)
PERSON = "cctv.person"
EVIDENCE_MAX = 20


@cache
def defaults() -> dict[str, Any]:
    """The numbers of joint-incident with which every city begins."""
    return tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))


class Reach(Strict):
    """The greatest distance, in place and time, of two reports of one happening."""

    radius_m: float = Field(gt=0, le=5_000)
    window_s: float = Field(ge=0, le=86_400)


class Pair(Strict):
    """Two kinds that may be one happening; numbers of their own where they have any."""

    kinds: tuple[str, str]
    radius_m: float | None = Field(None, gt=0, le=5_000)
    window_s: float | None = Field(None, ge=0, le=86_400)

    def holds(self, one: str, other: str) -> bool:
        first, second = self.kinds
        return (is_a(one, first) and is_a(other, second)) or (is_a(one, second) and is_a(other, first))


class Gravity(Strict):
    """The gravity of a kind, in words of CAP."""

    kind: str
    severity: Severity
    urgency: Urgency


def _bound(name: str, **limits: Any) -> Any:
    return Field(default_factory=lambda: defaults()["bounds"][name], **limits)


class Bounds(Strict):
    """The most that one situation may hold, so that it does not grow by chains."""

    incidents: int = _bound("incidents", ge=2, le=50)
    partners: int = _bound(
        "partners",
        ge=1,
        le=50,
        description="two reports may join if each is among so many closest of the other",
    )
    span_m: float = _bound("span_m", gt=0, le=20_000)
    span_min: float = _bound("span_min", gt=0, le=10_080)


class Limits(Strict):
    """The most that a city holds at once, so that no flood of reports takes it down. Anything beyond is counted."""

    situations: int = Field(
        200_000,
        ge=10,
        description="held at once: beyond, the longest closed is forgotten early, then the live one that was longest "
        "silent is closed and let go",
    )
    sites: int = Field(100_000, ge=0, description="more are set aside")
    watches: int = Field(
        20_000,
        ge=0,
        description="situations looked around at once: those that open beyond are not, until one ends",
    )


class Cameras(Strict):
    """The nearest *count* within *radius_m*."""

    count: int = Field(5, ge=0, le=100)
    radius_m: float = Field(500, gt=0, le=20_000)


class Dispatch(Strict):
    """Settings of the bundle that sent units get: the cameras around, and what to know on their way."""

    radius_m: float = Field(500, gt=0, le=20_000, description="cameras and sites so near")
    cameras_max: int = Field(30, ge=0, le=100, description="the nearest")
    units_max: int = Field(
        20, ge=0, le=100, description="of a report: cameras are granted to the first so many"
    )
    block_kinds: tuple[str, ...] = Field(
        ("road-closed", "narrow-alley", "parked-up", "works"), description="sites that stand in the way"
    )
    hazard_kinds: tuple[str, ...] | None = Field(
        None, description="sites that are dangerous; absent: all that do not stand in the way"
    )
    block_labels: tuple[str, ...] = Field(
        (), description="labels of detections that stand in the way; the watch looks for them, too"
    )
    sites_max: int = Field(20, ge=0, le=100, description="dangers told, and blocks told: the nearest")
    notes_max: int = Field(10, ge=0, le=50, description="operators' notes told: the newest")
    approach_radius_m: float = Field(1_500, gt=0, le=20_000, description="traffic so near")
    retell_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="traffic is told again when it changes by about so much of its usual speed",
    )
    refresh_min: float = Field(2, ge=0.5, description="traffic and sites are looked at again so often …")
    refresh_for_min: float = Field(30, ge=0, description="… for so long")

    def is_hazard(self, kind: str) -> bool:
        return kind not in self.block_kinds and (self.hazard_kinds is None or kind in self.hazard_kinds)


class Watched(Strict):
    """Settings of the watch around each open situation."""

    purpose: str = Field(pattern=r"\S", description="what for, in the law's words")
    labels: tuple[str, ...] = Field(min_length=1, description="labels of detections")
    topics: tuple[str, ...] = ("cctv.detection",)
    radius_m: float = Field(500, gt=0, le=20_000)
    min_confidence: float | None = Field(None, ge=0, le=1)
    look_back_s: float = Field(300, ge=0, le=86_400, description="how long before it began, too")
    per_second_max: int = Field(2, ge=1, le=1_000, description="more of one second is only counted")
    evidence_max: int = Field(
        EVIDENCE_MAX, ge=0, le=200, description="so much a situation lists; more is only counted"
    )
    linger_s: float = Field(
        600, ge=0, le=86_400, description="how long after its end what was seen before may be told late"
    )

    @field_validator("topics")
    @classmethod
    def _without_plates(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        """A plate that nobody looks for leaves no trace; and no topics would be all."""
        if not topics or PLATE_TOPICS.intersection(topics):
            raise ValueError(
                f"must name topics, none of them {' or '.join(sorted(PLATE_TOPICS))}:"
                " only the list of wanted vehicles looks for plates"
            )
        if PERSON in topics:
            raise ValueError(f"must not name {PERSON}: only a missing person's case looks for people")
        return topics


class Corroborates(Strict):
    """Labels of detections that say the same as a report of *kind*."""

    kind: str
    labels: tuple[str, ...] = Field(min_length=1)


class Headlines(Strict):
    """The texts of alerts in one language."""

    alert: str
    update: str
    cancel: str
    merged: str
    left: str
    reopened: str = "{kind}: {status}"
    statuses: dict[Literal["open", "dispatched", "arrived", "closed"], str]

    @model_validator(mode="after")
    def _sound(self) -> Headlines:
        if len(self.statuses) < len(STATUSES):
            raise ValueError(f"statuses must name {', '.join(STATUSES)}")
        for template in (self.alert, self.update, self.cancel, self.merged, self.left, self.reopened):
            try:
                template.format(kind="", agencies="", status="")
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{template!r} may use {{kind}}, {{agencies}} and {{status}} only"
                ) from error
        return self


class RuleEntry(Strict):
    """A ``[[rule]]`` beside joint-incident. ``rules.in_force`` checks it against the rule's own file."""

    name: str
    numbers: dict[str, Any] = Field(default_factory=dict)


class ShadowEntry(Strict):
    """A ``[[rule]]`` with ``shadow = true``: what it says stands in the place of the rule in force of that name."""

    name: str
    numbers: dict[str, Any] = Field(default_factory=dict)
