"""A city is one file: its name, time zone, law, extent, sources and the settings of its rules."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from connectors.base import Bounds, SourceContext
from connectors.discovery import agencies_of, load_source
from deploy.city.check import SECRET, of_rules, of_sources, surroundings
from deploy.city.findings import Found, fault_of, near, of_validation
from deploy.city.read import read_toml
from deploy.faults import UsageFault
from deploy.laws import law_named
from schemas.errors import BongsuError
from streams.match.core.config import MatchConfig
from streams.situations.config import RulesConfig, ShadowEntry
from streams.situations.rules.in_force import CheckedEntry, CityRules, rule_file
from streams.situations.terms import JOINT_INCIDENT
from streams.speed.minutes import SpeedConfig

CITIES = Path(__file__).parents[1] / "cities"
NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BoundsFile(Strict):
    """The extent in WGS-84 degrees. Records outside it are set aside."""

    south: float = Field(ge=-90, le=90)
    west: float = Field(ge=-180, le=180)
    north: float = Field(ge=-90, le=90)
    east: float = Field(ge=-180, le=180)

    @field_validator("north")
    @classmethod
    def _above(cls, north: float, so_far: ValidationInfo) -> float:
        south = so_far.data.get("south")
        if south is not None and north <= south:
            raise ValueError(f"must lie north of south = {south:g}")
        return north

    @field_validator("east")
    @classmethod
    def _right(cls, east: float, so_far: ValidationInfo) -> float:
        west = so_far.data.get("west")
        if west is not None and east <= west:
            raise ValueError(
                f"must lie east of west = {west:g}; an extent across the 180th meridian is not supported"
            )
        return east


class SourceFile(BaseModel):
    """One ``[[source]]``: its name in this city, its type, and the settings of that type's own model."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    type: str
    every_s: float = Field(60, gt=0, description="seconds between two polls")
    reference: bool = Field(False, description="places, heard once before anything else is played")
    live: bool = Field(True, description="false: heard only when a recording of it is played")
    push: bool = Field(False, description="true: its agency pushes it to the gateway, nobody asks for it")
    speaks_for: tuple[Annotated[str, Field(pattern=r"\S")], ...] = Field(
        (), description="the agencies for which it speaks: records that name another are refused"
    )
    bounds: BoundsFile | None = Field(
        None, description="what this source alone is held against: where it is of another place than the city"
    )

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class GatewayFile(Strict):
    """``[gateway]``: the address to which agencies push, and its limits."""

    host: str = Field("127.0.0.1", description="where it listens; a proxy with TLS stands before it")
    port: int | None = Field(None, ge=1, le=65535, description="none: a free one, kept in the home folder")
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="addresses or networks of proxies before it: X-Forwarded-For is heeded from these only",
    )
    body_bytes_max: int = Field(4 << 20, ge=1_024, le=64 << 20, description="a longer body is refused")
    spool_bytes_max: int = Field(1 << 30, ge=1 << 20, description="what may wait on disk while Kafka is away")

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        for one in named:
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(
                    f"{one!r} is no address or network such as 10.0.0.7 or 10.0.0.0/24"
                ) from error
        return named

    def is_proxy(self, address: str) -> bool:
        """Whether *address* is one of ``trusted_proxies``."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in ip_network(one) for one in self.trusted_proxies)

    @property
    def is_in_the_open(self) -> bool:
        """Whether keys may cross a network as plain text: it listens beyond loopback, and no proxy is named."""
        is_local = self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"
        return not is_local and not self.trusted_proxies


class CityFile(Strict):
    name: str
    title: str = ""
    timezone: str
    law: str
    bounds: BoundsFile
    source: tuple[SourceFile, ...] = ()
    rule: tuple[dict[str, Any], ...] = ()
    subscription: Any = Field(None, description="not built yet: refused")
    match: MatchConfig | None = Field(
        None,
        description="the fast topics are held against the watches; absent: only by 'bongsu run CITY --stage match'",
    )
    speed: SpeedConfig | None = Field(
        None,
        description="positions of vehicles are told as speeds; absent: only by 'bongsu run CITY --stage speed'",
    )
    gateway: GatewayFile = Field(default_factory=lambda: GatewayFile.model_validate({}))

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError("lower-case letters, digits and '-', as it begins every topic's name")
        return name

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (
            ZoneInfoNotFoundError,
            ValueError,
            OSError,
        ) as error:  # OSError: a folder of zones, such as Asia
            alike = near(name, available_timezones()).removeprefix("write ") if name else ""
            known = alike if alike in available_timezones() else "Asia/Seoul"
            raise ValueError(f"an IANA time zone such as {known}") from error
        return name


@dataclass(frozen=True, slots=True)
class City:
    """A city's file, read and checked."""

    file: CityFile
    path: Path
    rules: RulesConfig

    @property
    def name(self) -> str:
        return self.file.name

    def context(self, source: str) -> SourceContext:
        """The context of *source*. Its extent is the source's own where the city's file gives one."""
        box = next((one.bounds for one in self.file.source if one.name == source), None) or self.file.bounds
        bounds = Bounds(box.south, box.west, box.north, box.east)
        speaks_for = next((one.speaks_for for one in self.file.source if one.name == source), ())
        return SourceContext(self.name, source, ZoneInfo(self.file.timezone), bounds, speaks_for)

    def agencies_of(self, source: str) -> frozenset[str]:
        """The agencies for which *source* speaks; empty where it speaks for none, as for cameras and sensors."""
        file = self.source_file(source)
        return frozenset(agencies_of(file.type, self.context(source), file.settings) or ())

    def source_file(self, name: str) -> SourceFile:
        for source in self.file.source:
            if source.name == name:
                return source
        known = ", ".join(source.name for source in self.file.source) or "none"
        raise UsageFault(f"city {self.name} has no source '{name}'", hint=f"it has: {known}")

    def load(self, name: str) -> Any:
        """Build the source *name*, with its ``${SECRET}`` settings filled in from the environment."""
        file = self.source_file(name)
        return load_source(file.type, self.context(name), with_secrets(file.settings, f"source '{name}'"))


def shipped_cities() -> list[str]:
    return sorted(path.stem for path in CITIES.glob("*.toml"))


def load_city(name_or_path: str) -> City:
    """The city of that name in ``deploy/cities``, or of that file. ``UsageFault`` says the line and what to write."""
    path = Path(name_or_path) if name_or_path.endswith(".toml") else CITIES / f"{name_or_path}.toml"
    if not path.is_file():
        known = ", ".join(shipped_cities())
        raise UsageFault(
            f"no city '{name_or_path}'", hint=f"write one of: {known}; or the path of a city file (.toml)"
        )
    text, raw = read_toml(path, "see deploy/cities/demo.toml for the form")
    return _checked(path, text, raw)


def check_surroundings(city: City) -> list[str]:
    """The files and secrets that sources which are only played lack here. ``UsageFault`` names those of live sources."""
    text, raw = read_toml(city.path, "")
    found, notes = surroundings(raw, os.environ)
    if found:
        raise fault_of(city.path, text, found)
    return notes


def with_rules_of(city: City, path: Path) -> City:
    """*city* with the rules of the file *path*: another city file, or one with only ``[[rule]]``."""
    if not path.is_file():
        raise UsageFault(
            f"no file '{path}'", hint="write the path of a city file, or of one with [[rule]] only"
        )
    text, raw = read_toml(path, "write [[rule]] entries")
    if not isinstance(raw.get("rule"), list):
        raise UsageFault(f"{path}: no [[rule]] in it", hint='write [[rule]] and name = "joint-incident"')
    rules, found = _rules(raw, city.file.law, {"city": city.name, "timezone": city.file.timezone})
    if rules is None or found:
        raise fault_of(path, text, found)
    return City(city.file.model_copy(update={"rule": tuple(raw["rule"])}), path, rules)


def _checked(path: Path, text: str, raw: dict[str, Any]) -> City:
    found: list[Found] = []
    file = None
    try:
        file = CityFile.model_validate(raw)
    except ValidationError as error:
        found += of_validation(error, raw, CityFile)
    if "subscription" in raw:
        found.append(
            Found(("subscription", 0), "subscriptions are not built yet", "take [[subscription]] out")
        )
    found += of_sources(raw, SourceFile.model_fields)
    rules, more = _rules(raw, raw.get("law"), {"city": raw.get("name"), "timezone": raw.get("timezone")})
    if found or more or file is None or rules is None:
        raise fault_of(path, text, [*found, *more])
    city = City(file, path, rules)
    if unbound := _unbound(city):
        raise fault_of(path, text, unbound)
    return city


def _unbound(city: City) -> list[Found]:
    """The pushed sources whose records could name any agency."""
    return [
        Found(
            ("source", number, "name"),
            f"source '{one.name}' is pushed, and nothing says for which agencies",
            'write speaks_for = ["…"], the agencies that its records may name',
        )
        for number, one in enumerate(city.file.source)
        if one.push and agencies_of(one.type, city.context(one.name), one.settings) is None
    ]


def _rules(
    raw: Mapping[str, Any], law: Any, base: Mapping[str, Any]
) -> tuple[RulesConfig | None, list[Found]]:
    """The rules of a file, and all faults in them. ``None`` for the rules where there is a fault, or where the law or the
    city's own table has one that is reported already."""
    found = of_rules(raw)
    try:
        profile = law_named(law) if isinstance(law, str) else None
    except BongsuError as error:
        found.append(Found(("law",), error.what, error.hint))
        return None, found
    if profile is None or not all(isinstance(one, str) for one in base.values()):
        return None, found
    told = {one.where[:3] for one in found}
    rules = [
        (n, one)
        for n, one in enumerate(raw.get("rule", ()))
        if isinstance(one, dict) and ("rule", n, "name") not in told
    ]
    config, more = _in_force({**base, "law": profile}, rules)
    found += [one for one in more if one.where[:3] not in told]
    return (None if found else config), found


ENTRY = ("name", "shadow")
"""The keys of a ``[[rule]]`` beside its settings."""


def _in_force(
    base: dict[str, Any], rules: Sequence[tuple[int, dict[str, Any]]]
) -> tuple[RulesConfig | None, list[Found]]:
    """The rules in force and the shadow rules of *rules*, on top of the law's and city's values in *base*."""
    found: list[Found] = []
    tried = [(n, one) for n, one in rules if one.get("shadow", False)]
    joint = next(
        ((n, one) for n, one in rules if one["name"] == JOINT_INCIDENT and not one.get("shadow", False)), None
    )
    place, said = joint or (0, {})
    config = None
    try:
        config = CityRules.model_validate({**base, **_numbers(said)})
    except ValidationError as error:
        found += _of_numbers(error, said, place, RulesConfig)
    entries: list[CheckedEntry] = []
    for number, rule in rules:
        if rule["name"] == JOINT_INCIDENT or rule.get("shadow", False):
            continue
        model = rule_file(rule["name"]).Numbers
        try:
            model.model_validate(_numbers(rule))
            entries.append(CheckedEntry(name=rule["name"], numbers=_numbers(rule)))
        except ValidationError as error:
            found += _of_numbers(error, rule, number, model)
    if config is None:
        return None, found
    shadows: list[ShadowEntry] = []
    for number, rule in tried:
        try:
            shadow = ShadowEntry(name=rule["name"], numbers=_numbers(rule))
            CityRules.model_validate({**config.canonical(), "others": entries, "shadows": [shadow]})
            shadows.append(shadow)
        except ValidationError as error:
            found += _of_numbers(error, rule, number, rule_file(rule["name"]).Numbers)
    if found:
        return None, found
    return CityRules.model_validate({**config.canonical(), "others": entries, "shadows": shadows}), found


def _numbers(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key not in ENTRY}


def _of_numbers(
    error: ValidationError, rule: Mapping[str, Any], number: int, model: type[BaseModel]
) -> list[Found]:
    """The faults of one ``[[rule]]``. A fault in a value of the law is reported for the law's file."""
    found = of_validation(error, rule, model, ("rule", number), also=ENTRY)
    return [
        Found(
            ("law",),
            one.what.replace(f"rule.{number}.law", "the law's profile", 1),
            "mend its file in deploy/laws",
        )
        if one.where[2:3] == ("law",) and "law" not in rule
        else one
        for one in found
    ]


def with_secrets(settings: dict[str, Any], whose: str) -> dict[str, Any]:
    """*settings* with each ``${NAME}`` in a text replaced by the environment's NAME."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return SECRET.sub(_from_environment, value)
        if isinstance(value, list):
            return [fill(one) for one in value]
        if isinstance(value, dict):
            return {key: fill(one) for key, one in value.items()}
        return value

    def _from_environment(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise UsageFault(f"{whose} needs the secret {name}", hint=f"set the environment variable {name}")
        return os.environ[name]

    return {key: fill(value) for key, value in settings.items()}
