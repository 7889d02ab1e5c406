"""A city is one file: its name, time zone, law, extent, sources and the numbers of its rules."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors.base import Bounds, SourceContext
from connectors.found import BadConfig, load_source, read_config
from deploy.faults import UsageFault
from deploy.laws import law_named
from deploy.toml_lines import line_of
from schemas.errors import BongsuError
from streams.match.config import MatchConfig
from streams.situations.config import RuleEntry, RulesConfig, ShadowEntry
from streams.situations.rules import JOINT_INCIDENT, rule_file, rule_names
from streams.speed.minutes import SpeedConfig

CITIES = Path(__file__).parent / "cities"
NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")
SECRET = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoundsFile(Strict):
    """WGS-84 degrees. What lies outside is set aside."""

    south: float = Field(ge=-90, le=90)
    west: float = Field(ge=-180, le=180)
    north: float = Field(ge=-90, le=90)
    east: float = Field(ge=-180, le=180)


class SourceFile(BaseModel):
    """One ``[[source]]``: its name in this city, its type, and whatever that type's own model asks for."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    type: str
    every_s: float = Field(60, gt=0, description="seconds between two polls")
    reference: bool = Field(False, description="places, heard once before anything else is played")
    live: bool = Field(True, description="false: heard only when a recording of it is played")
    push: bool = Field(False, description="true: its agency pushes it to the gateway, nobody asks for it")
    bounds: BoundsFile | None = Field(
        None, description="what this source alone is held against: where it is of another place than the city"
    )

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class GatewayFile(Strict):
    """``[gateway]``: where agencies push, and how much."""

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
        """Whether keys may come over a network as plain text: it listens beyond this machine, and no proxy is named."""
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
    subscription: tuple[dict[str, Any], ...] = ()
    match: MatchConfig | None = Field(
        None,
        description="the fast topics are held against the watches; absent: only by 'bongsu run --stage match'",
    )
    speed: SpeedConfig | None = Field(
        None,
        description="positions of vehicles are told as speeds; absent: only by 'bongsu run --stage speed'",
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
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("an IANA time zone such as Asia/Seoul") from error
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
        """What *source* may know of its city; its extent is the source's own where the city's file gives it one."""
        box = next((one.bounds for one in self.file.source if one.name == source), None) or self.file.bounds
        bounds = Bounds(box.south, box.west, box.north, box.east)
        return SourceContext(self.name, source, ZoneInfo(self.file.timezone), bounds)

    def source_file(self, name: str) -> SourceFile:
        for source in self.file.source:
            if source.name == name:
                return source
        known = ", ".join(source.name for source in self.file.source) or "none"
        raise UsageFault(f"city {self.name} has no source '{name}'", hint=f"it has: {known}")

    def load(self, name: str) -> Any:
        """The source *name*, ready to read; its ``${SECRET}`` settings filled in from the environment."""
        file = self.source_file(name)
        return load_source(file.type, self.context(name), with_secrets(file.settings, f"source '{name}'"))


def shipped_cities() -> list[str]:
    return sorted(path.stem for path in CITIES.glob("*.toml"))


def load_city(name_or_path: str) -> City:
    """The city of that name in ``deploy/cities``, or of that file. A wrong file says its line and what to write."""
    path = Path(name_or_path) if name_or_path.endswith(".toml") else CITIES / f"{name_or_path}.toml"
    if not path.is_file():
        known = ", ".join(shipped_cities())
        raise UsageFault(
            f"no city '{name_or_path}'", hint=f"write one of: {known}; or the path of a city file (.toml)"
        )
    text = path.read_text(encoding="utf-8")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(
            f"{path}, line {_line_told(error, text)}: not TOML: {error}",
            hint="see deploy/cities/demo.toml for the form",
        ) from error
    return _checked(path, text, raw)


def with_rules_of(city: City, path: Path) -> City:
    """*city* with the rules of the file *path*: another city file, or one that holds nothing but ``[[rule]]``."""
    if not path.is_file():
        raise UsageFault(
            f"no file '{path}'", hint="write the path of a city file, or of one with [[rule]] only"
        )
    text = path.read_text(encoding="utf-8")
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageFault(
            f"{path}, line {_line_told(error, text)}: not TOML: {error}", hint="write [[rule]] entries"
        ) from error
    if not isinstance(raw.get("rule"), list):
        raise UsageFault(f"{path}: no [[rule]] in it", hint='write [[rule]] and name = "joint-incident"')
    file = city.file.model_copy(update={"rule": tuple(raw["rule"])})
    return City(file, path, _rules(path, text, file))


def _line_told(error: tomllib.TOMLDecodeError, text: str) -> int:
    """tomllib says the line in its words, or that it was at the end."""
    told = re.search(r"at line (\d+)", str(error))
    return int(told[1]) if told else max(1, len(text.splitlines()))


def _checked(path: Path, text: str, raw: Mapping[str, Any]) -> City:
    try:
        file = CityFile.model_validate(raw)
    except ValidationError as error:
        raise _fault(path, text, error, ()) from error
    for number, source in enumerate(file.source):
        try:
            read_config(source.type, source.settings, who=f"source '{source.name}'")
        except BadConfig as error:
            line = line_of(text, ("source", number, *error.problems[0][0]))
            raise UsageFault(f"{path}, line {line}: {error.what}", hint=error.hint) from error
    return City(file, path, _rules(path, text, file))


def _rules(path: Path, text: str, file: CityFile) -> RulesConfig:
    try:
        law = law_named(file.law)
    except BongsuError as error:
        raise UsageFault(f"{path}, line {line_of(text, ('law',))}: {error.what}", hint=error.hint) from error
    base: dict[str, Any] = {"city": file.name, "law": law, "timezone": file.timezone}
    joint, others = _parted(path, text, file)
    numbers = {key: value for key, value in (joint[1] if joint else {}).items() if key not in ENTRY}
    try:
        config = RulesConfig.model_validate({**base, **numbers})
    except ValidationError as error:
        raise _fault(path, text, error, ("rule", joint[0] if joint else 0)) from error
    entries: list[RuleEntry] = []
    shadows: list[ShadowEntry] = []
    for number, rule in others:
        numbers = {key: value for key, value in rule.items() if key not in ENTRY}
        try:
            if rule.get("shadow", False):
                shadow = ShadowEntry(name=rule["name"], numbers=numbers)
                shadows.append(shadow)
                RulesConfig.model_validate({**config.canonical(), "others": entries, "shadows": [shadow]})
                continue
            rule_file(rule["name"]).Numbers.model_validate(numbers)
            entries.append(RuleEntry(name=rule["name"], numbers=numbers))
        except ValidationError as error:
            raise _fault(path, text, error, ("rule", number)) from error
    return RulesConfig.model_validate({**config.canonical(), "others": entries, "shadows": shadows})


ENTRY = ("name", "shadow")
"""What a ``[[rule]]`` says beside its numbers."""
Numbered = tuple[int, dict[str, Any]]


def _parted(path: Path, text: str, file: CityFile) -> tuple[Numbered | None, list[Numbered]]:
    """The entry of joint-incident, if there is one, and those of the other rules, each with its place in the file."""
    seen: dict[tuple[str, bool], Numbered] = {}
    for number, rule in enumerate(file.rule):
        name, in_shadow = rule.get("name"), rule.get("shadow", False)
        line = line_of(text, ("rule", number, "name"))
        if name not in rule_names():
            known = " or ".join(f'"{one}"' for one in rule_names())
            raise UsageFault(f"{path}, line {line}: no rule '{name}'", hint=f"write name = {known}")
        if (name, in_shadow) in seen:
            raise UsageFault(f"{path}, line {line}: a second rule '{name}'", hint="keep one of them")
        seen[name, in_shadow] = (number, rule)
    joint = seen.pop((JOINT_INCIDENT, False), None)
    return joint, sorted(seen.values(), key=lambda one: (one[1].get("shadow", False), one[0]))


def _fault(path: Path, text: str, error: ValidationError, prefix: tuple[str | int, ...]) -> UsageFault:
    """The first thing wrong, in its line; what should stand there is pydantic's own sentence."""
    first = error.errors(include_url=False)[0]
    where = (*prefix, *first["loc"])
    name = ".".join(str(part) for part in where)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    line = line_of(text, where)
    return UsageFault(f"{path}, line {line}: {name}: {first['msg']}{more}", hint=_hint(first["type"], name))


def _hint(kind: str, name: str) -> str:
    match kind:
        case "missing":
            return f"add {name.rsplit('.', 1)[-1]} = …"
        case "extra_forbidden":
            return "take it out, or look for a misspelt word"
        case _:
            return "write what the message asks for"


def with_secrets(settings: dict[str, Any], whose: str) -> dict[str, Any]:
    """``${NAME}`` in any text becomes the environment's NAME."""

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
