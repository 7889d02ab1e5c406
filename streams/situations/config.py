"""The numbers and words of the rules. All stand in the journal, so that a replay needs nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import Field, field_validator, model_validator

from schemas.kinds import spoken
from schemas.names import AgencyName
from streams.situations.languages import alert_words, kind_names
from streams.situations.law import Law
from streams.situations.sections import (
    EVIDENCE_MAX,
    Bounds,
    Cameras,
    Corroborates,
    Dispatch,
    Gravity,
    Headlines,
    Limits,
    Pair,
    Reach,
    RuleEntry,
    ShadowEntry,
    Watched,
    defaults,
)
from streams.situations.terms import JOINT_INCIDENT, LANGUAGE, Strict, is_a

PAIRS_REMEMBERED_MAX = 20_000


class RulesConfig(Strict):
    """The settings that ``[[rule]] name = "joint-incident"`` of a city's file may give, with the city and its law.

    ``rules.in_force.CityRules`` checks the other rules, too: what a city's file or the journal says goes through that.
    """

    city: str
    law: Law
    radius_m: float = Field(default_factory=lambda: defaults()["radius_m"], gt=0, le=5_000)
    window_s: float = Field(default_factory=lambda: defaults()["window_s"], ge=0, le=86_400)
    matrix: tuple[Pair, ...] = Field(default_factory=lambda: defaults()["matrix"], validate_default=True)
    bounds: Bounds = Field(default_factory=Bounds)
    limits: Limits = Limits.model_validate({})
    gravity: Annotated[tuple[Gravity, ...], Field(min_length=1)] = Field(
        default_factory=lambda: defaults()["gravity"], validate_default=True
    )
    cameras: Cameras = Cameras.model_validate({})
    dispatch: Dispatch = Dispatch.model_validate({})
    watch: Watched | None = Field(None, description="absent: nothing is looked for")
    corroborate: tuple[Corroborates, ...] = Field(
        default_factory=lambda: defaults()["corroborate"], validate_default=True
    )
    observed_from: int = Field(
        default_factory=lambda: defaults()["observed_from"],
        ge=2,
        le=20,
        description="so many independent sources (agencies, cameras) make it observed",
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
    companies: tuple[AgencyName, ...] = Field(
        (),
        description="agencies that are companies with alarms of their own: each is told how its own alarm stands, and"
        " nothing else; none sees a camera",
    )
    timezone: str = Field("UTC", description="the city's, for rules that know the hour of the day")
    others: tuple[RuleEntry, ...] = Field((), description="the rules in force beside this one")
    shadows: tuple[ShadowEntry, ...] = Field(
        (), description="a candidate's rules, whose answers nobody acts on"
    )
    names: dict[str, str] = Field({}, description="kind → name for people; empty: as schemas/kinds.toml says")
    further_names: dict[str, dict[str, str]] = Field(
        {}, description="language → kind → name, of further languages in which alerts are told"
    )

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

    @cached_property
    def further(self) -> Mapping[str, Mapping[str, str]]:
        """Language → kind → name, of the languages beside the city's in which alerts are told, in order."""
        its = self.further_names
        return {code: its[code] for code in sorted(its) if code in self.headlines and code != self.spoken}

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
        """The distance within which two reports of these kinds may be of one happening; ``None``: never."""
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
        """The most evidence that a situation of reports lists."""
        return self.watch.evidence_max if self.watch is not None else EVIDENCE_MAX

    def watched_labels(self, watched: Watched) -> list[str]:
        """The labels looked for around a situation."""
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
        return self.model_validate(raw)

    def canonical(self) -> dict[str, Any]:
        """Everything, as JSON may carry it; ``model_validate`` of it gives the same numbers again.

        Companies and further names are left out where there are none: such a city keeps the version that its answers name,
        and a journal of before there were any is told as it was.
        """
        absent = {name for name in ("companies", "further_names") if not getattr(self, name)}
        return self.model_dump(mode="json", exclude=absent or None)

    @cached_property
    def digest(self) -> str:
        return _digest_of(self.canonical())

    @cached_property
    def numbers(self) -> str:
        """The eight hex digits by which an output names these numbers. Rules in shadow are not in force."""
        return _digest_of(self.canonical() | {"shadows": []})[:8]

    @cached_property
    def opening(self) -> str:
        """A digest of the numbers by which cameras open: the law, and which are chosen."""
        its = self.canonical()
        return _digest_of({name: its[name] for name in ("law", "cameras", "dispatch")})


def _digest_of(canonical: dict[str, Any]) -> str:
    text = orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()
