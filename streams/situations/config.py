"""The numbers and words of the rules. All stand in the journal, so that a replay needs nothing else."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.kinds import spoken
from schemas.names import AgencyName
from streams.match.forms import FORMS
from streams.situations.languages import alert_words, kind_names
from streams.situations.rules import JOINT_INCIDENT, rule_file, rule_names

Severity = Literal["extreme", "severe", "moderate", "minor", "unknown"]
Urgency = Literal["immediate", "expected", "future", "past", "unknown"]
SEVERITIES = ("extreme", "severe", "moderate", "minor", "unknown")
"""Gravest first."""
DEFAULTS = Path(__file__).parent / "rules" / "joint_incident.toml"
STATUSES = ("open", "dispatched", "arrived", "closed")
PAIRS_REMEMBERED_MAX = 20_000
PLATE_TOPICS = frozenset(form.contract for form in FORMS if form.token)
LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


def is_a(kind: str, ancestor: str) -> bool:
    """Whether *kind* is *ancestor* or stands below it in the tree of kinds."""
    return kind == ancestor or kind.startswith(ancestor + ".")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Reach(Strict):
    """How near in place and time two reports of one happening are."""

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
    """How grave a kind is, in words of CAP."""

    kind: str
    severity: Severity
    urgency: Urgency


class Bounds(Strict):
    """What one situation may hold at most, so that it does not grow by chains."""

    incidents: int = Field(6, ge=2, le=50)
    partners: int = Field(
        8, ge=1, le=50, description="two reports may join if each is among so many closest of the other"
    )
    span_m: float = Field(600, gt=0, le=20_000)
    span_min: float = Field(90, gt=0, le=10_080)


class Limits(Strict):
    """What a city holds at once, so that no flood of reports takes it down. What goes beyond is counted."""

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
    """What units get that an agency has sent: the cameras around, and what to know on their way."""

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


EVIDENCE_MAX = 20


class Use(Strict):
    """What an agency's domain may look for, and on which ground."""

    purpose: str = Field(pattern=r"\S")
    legal_ground: str = Field(pattern=r"\S")


class Watched(Strict):
    """What is looked for around each open situation."""

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
        return topics


class Corroborates(Strict):
    """Labels of detections that say the same as a report of *kind*."""

    kind: str
    labels: tuple[str, ...] = Field(min_length=1)


class Law(Strict):
    """A country's profile (``deploy/laws``). *uses* goes by domain; a domain without a use gets no grant."""

    name: str = Field(min_length=1)
    language: str = Field("en", pattern=LANGUAGE)
    forget_after_days: float = Field(30, gt=0)
    grant_minutes_max: float = Field(480, gt=0)
    uses: dict[str, Use] = {}
    may: dict[str, tuple[str, ...]] = Field(
        {}, description="action → roles; one that stands not here, all may"
    )
    overrides: dict[str, str] = {}
    wanted_offences: tuple[str, ...] | None = Field(
        None, description="classes of offence for which a vehicle may be looked for; absent: any"
    )


class Headlines(Strict):
    """What an alert says in one language."""

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
    """A ``[[rule]]`` beside joint-incident, with all its numbers: what it did not say, its file's defaults said."""

    name: str
    numbers: dict[str, Any] = {}

    @model_validator(mode="after")
    def _sound(self) -> RuleEntry:
        if self.name == JOINT_INCIDENT or self.name not in rule_names():
            others = (name for name in rule_names() if name != JOINT_INCIDENT)
            raise ValueError(f"no rule '{self.name}' beside {JOINT_INCIDENT}: there are {', '.join(others)}")
        full = rule_file(self.name).Numbers.model_validate(self.numbers).model_dump(mode="json")
        object.__setattr__(self, "numbers", full)
        return self


class ShadowEntry(Strict):
    """A ``[[rule]]`` with ``shadow = true``: what it says stands in the place of the rule in force of that name."""

    name: str
    numbers: dict[str, Any] = {}


@cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))


class RulesConfig(Strict):
    """What ``[[rule]] name = "joint-incident"`` of a city's file may say, with the city and its law."""

    city: str
    law: Law
    radius_m: float = Field(default_factory=lambda: _defaults()["radius_m"], gt=0, le=5_000)
    window_s: float = Field(default_factory=lambda: _defaults()["window_s"], ge=0, le=86_400)
    matrix: tuple[Pair, ...] = Field(default_factory=lambda: _defaults()["matrix"], validate_default=True)
    bounds: Bounds = Bounds.model_validate({})
    limits: Limits = Limits.model_validate({})
    gravity: Annotated[tuple[Gravity, ...], Field(min_length=1)] = Field(
        default_factory=lambda: _defaults()["gravity"], validate_default=True
    )
    cameras: Cameras = Cameras.model_validate({})
    dispatch: Dispatch = Dispatch.model_validate({})
    watch: Watched | None = Field(None, description="absent: nothing is looked for")
    corroborate: tuple[Corroborates, ...] = Field(
        default_factory=lambda: _defaults()["corroborate"], validate_default=True
    )
    observed_from: int = Field(
        2, ge=2, le=20, description="so many independent sources (agencies, cameras) make it observed"
    )
    grant_minutes: float = Field(240, ge=1)
    grant_age_max_min: float = Field(60, gt=0)
    alert_radius_m: float = Field(500, gt=0)
    expire_after_min: float | None = Field(None, gt=0)
    forget_after_days: float = Field(30, gt=0)
    language: str | None = Field(None, pattern=LANGUAGE, description="as in streams/situations/languages")
    headlines: dict[str, Headlines] = Field(default_factory=alert_words, validate_default=True)
    attention: tuple[str, ...] | None = Field(
        None,
        description="kinds that demand an operator's attention; others stand in the list. Absent: every kind",
    )
    quiet: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (),
        description="agencies' words of kind other that demand no attention; any other of that kind does, whatever"
        " attention lists",
    )
    escalate_after_min: float | None = Field(
        None,
        gt=0,
        description="an alert that no operator acknowledged by then is told higher up. Absent: never",
    )
    escalate_to: str = Field("supervisor", pattern=r"\S", description="the audience higher up")
    filing: dict[Annotated[str, Field(pattern="^(fire|police|civil)$")], AgencyName] = Field(
        {}, description="domain → the agency that takes what operators file"
    )
    timezone: str = Field("UTC", description="the city's, for rules that know the hour of the day")
    others: tuple[RuleEntry, ...] = Field((), description="the rules in force beside this one")
    shadows: tuple[ShadowEntry, ...] = Field(
        (), description="a candidate's rules, whose answers nobody acts on"
    )
    names: dict[str, str] = Field({}, description="kind → name for people; empty: as schemas/kinds.toml says")

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, raw: Any) -> Any:
        """The law's language and the names in it, unless the city says otherwise."""
        if not isinstance(raw, dict) or not isinstance(raw.get("law"), dict | Law):
            return raw
        law = raw["law"]
        language = raw.get("language") or (
            law.language if isinstance(law, Law) else law.get("language", "en")
        )
        names = raw.get("names") or kind_names(str(language))
        return {**raw, "language": language, "names": names}

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("an IANA time zone such as Asia/Seoul") from error
        return name

    @model_validator(mode="after")
    def _sound(self) -> RulesConfig:
        if len({one.name for one in self.others}) < len(self.others):
            raise ValueError("a rule stands twice")
        self.candidate()  # says what is wrong with it
        if self.grant_minutes > self.law.grant_minutes_max:
            raise ValueError(
                f"grant_minutes {self.grant_minutes:g} is more than the law '{self.law.name}' allows"
                f" ({self.law.grant_minutes_max:g})"
            )
        if self.spoken not in self.headlines:
            raise ValueError(
                f"no headlines in language '{self.spoken}': there are {', '.join(self.headlines)}"
            )
        return self

    @property
    def spoken(self) -> str:
        return self.language or self.law.language

    @property
    def grant_ms(self) -> int:
        return round(self.grant_minutes * 60_000)

    @property
    def grant_age_max_ms(self) -> int:
        return round(self.grant_age_max_min * 60_000)

    @property
    def forget_after_ms(self) -> int:
        """The city's number, or the law's where that is less."""
        return round(min(self.forget_after_days, self.law.forget_after_days) * 86_400_000)

    @property
    def escalate_after_ms(self) -> int | None:
        return None if self.escalate_after_min is None else round(self.escalate_after_min * 60_000)

    @property
    def expire_after_ms(self) -> int | None:
        return None if self.expire_after_min is None else round(self.expire_after_min * 60_000)

    @property
    def radius_max_m(self) -> float:
        return max((pair.radius_m or self.radius_m for pair in self.matrix), default=self.radius_m)

    @property
    def window_max_s(self) -> float:
        return max(
            (self.window_s if pair.window_s is None else pair.window_s for pair in self.matrix),
            default=self.window_s,
        )

    # What was worked out once; not pydantic's private attributes, which are looked up by way of two failures.

    @cached_property
    def reaches_known(self) -> dict[tuple[str, str], Reach | None]:
        return {}

    @cached_property
    def gravities_known(self) -> dict[str, int]:
        return {}

    @cached_property
    def labels_known(self) -> dict[str, frozenset[str]]:
        return {}

    def reach(self, one: str, other: str) -> Reach | None:
        """How near two reports of these kinds must be to be of one happening; ``None``: never."""
        asked = (one, other)
        if asked not in self.reaches_known:
            if len(self.reaches_known) >= PAIRS_REMEMBERED_MAX:
                self.reaches_known.clear()
            self.reaches_known[asked] = self._reach(one, other)
        return self.reaches_known[asked]

    def _reach(self, one: str, other: str) -> Reach | None:
        for pair in self.matrix:
            if pair.holds(one, other):
                window_s = self.window_s if pair.window_s is None else pair.window_s
                return Reach(radius_m=pair.radius_m or self.radius_m, window_s=window_s)
        return None

    def gravity_of(self, kind: str) -> int:
        """The place of *kind* in the order of gravity: 0 is the gravest."""
        if kind not in self.gravities_known:
            if len(self.gravities_known) >= PAIRS_REMEMBERED_MAX:
                self.gravities_known.clear()
            above = [(len(line.kind), -n) for n, line in enumerate(self.gravity) if is_a(kind, line.kind)]
            self.gravities_known[kind] = -max(above)[1] if above else len(self.gravity) - 1
        return self.gravities_known[kind]

    def labels_of(self, kind: str) -> frozenset[str]:
        """The labels of detections that say what a report of *kind* does."""
        if kind not in self.labels_known:
            if len(self.labels_known) >= PAIRS_REMEMBERED_MAX:
                self.labels_known.clear()
            said = (one.labels for one in self.corroborate if is_a(kind, one.kind))
            self.labels_known[kind] = frozenset(label for labels in said for label in labels)
        return self.labels_known[kind]

    @property
    def evidence_max(self) -> int:
        """How much a situation of reports lists."""
        return self.watch.evidence_max if self.watch is not None else EVIDENCE_MAX

    def watched_labels(self, watched: Watched) -> list[str]:
        """What is looked for around a situation."""
        return list(dict.fromkeys((*watched.labels, *self.dispatch.block_labels)))

    def demands_attention(self, kind: str) -> bool:
        """Whether a situation of *kind* is an alert to the operator, or an entry in the list."""
        return self.attention is None or any(is_a(kind, one) for one in self.attention)

    def is_quiet(self, word: str) -> bool:
        """Whether *word*, of which nothing is known, is one that the city has named as nothing to look at."""
        return spoken(word) in self.quiet_words

    @cached_property
    def quiet_words(self) -> frozenset[str]:
        return frozenset(map(spoken, self.quiet))

    def candidate(self) -> RulesConfig | None:
        """These rules with those that run in shadow in force; ``None`` without any."""
        if not self.shadows:
            return None
        raw = self.canonical() | {"shadows": []}
        for one in self.shadows:
            if one.name == JOINT_INCIDENT:
                raw |= one.numbers
            else:
                kept = [entry for entry in raw["others"] if entry["name"] != one.name]
                raw["others"] = [*kept, {"name": one.name, "numbers": one.numbers}]
        return RulesConfig.model_validate(raw)

    def canonical(self) -> dict[str, Any]:
        """Everything, as JSON may carry it; ``model_validate`` of it gives the same numbers again."""
        return self.model_dump(mode="json")

    @cached_property
    def digest(self) -> str:
        return _digest_of(self.canonical())

    @cached_property
    def numbers(self) -> str:
        """What tells these numbers from others in an output: eight hex digits. Rules in shadow are not in force."""
        return _digest_of(self.canonical() | {"shadows": []})[:8]

    @cached_property
    def opening(self) -> str:
        """What tells apart the numbers by which cameras open: the law, and which are chosen."""
        its = self.canonical()
        return _digest_of({name: its[name] for name in ("law", "cameras", "dispatch")})


def _digest_of(canonical: dict[str, Any]) -> str:
    text = orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()
