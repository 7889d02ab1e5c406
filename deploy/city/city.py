"""A city is one file: its name, time zone, law, extent, sources and the settings of its rules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from connectors.base import Bounds, SourceContext
from connectors.discovery import agencies_of, load_source
from connectors.imports import BrokenConnector
from connectors.locations import Folders
from deploy.city.check import SECRET, of_sources, surroundings
from deploy.city.findings import Found, fault_of, of_validation
from deploy.city.model import CityFile, SourceFile
from deploy.city.names import city_file, city_names, file_of, is_own
from deploy.city.own_connectors import LeftOut, folders_of, of_folders, of_their_connectors, writable_by_all
from deploy.city.read import read_toml
from deploy.city.rules import rules_of
from deploy.city.subscriptions import of_subscriptions
from deploy.faults import UsageFault
from streams.situations.config import RulesConfig

FORM = "see deploy/cities/demo.toml for the form"


@dataclass(frozen=True, slots=True)
class City:
    """A city's file, read and checked. *folders*: those of its own connectors. *left_out*: its sources whose connector is
    broken, which ``file.source`` lacks."""

    file: CityFile
    path: Path
    rules: RulesConfig
    folders: Folders = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def spoken(self) -> str:
        """The word by which commands take this city: its name, or the path of a file that no name means."""
        return self.name if file_of(self.name) == self.path else str(self.path)

    def context(self, source: str) -> SourceContext:
        """The context of *source*. Its extent is the source's own where the city's file gives one."""
        box = next((one.bounds for one in self.file.source if one.name == source), None) or self.file.bounds
        bounds = Bounds(box.south, box.west, box.north, box.east)
        speaks_for = next((one.speaks_for for one in self.file.source if one.name == source), ())
        zone = ZoneInfo(self.file.timezone)
        return SourceContext(
            self.name,
            source,
            zone,
            bounds,
            speaks_for,
            self.rules.spoken,
            self.file.cap_sender,
            self.file.terrain.terrain,
            {one.id: one.known_as for one in self.file.drone},
        )

    def agencies_of(self, source: str) -> frozenset[str]:
        """The agencies for which *source* speaks; empty where it speaks for none, as for cameras and sensors."""
        file = self.source_file(source)
        return frozenset(agencies_of(file.type, self.context(source), file.settings, self.folders) or ())

    def listening(
        self, host: str | None, port: int | None, tls: tuple[str | None, str | None] = (None, None)
    ) -> City:
        """This city with its gateway on *host* and *port*, with the certificate and key of *tls*, in place of its file's;
        ``None`` keeps these."""
        named = {"host": host, "port": port, "tls_certificate": tls[0], "tls_key": tls[1]}
        given = {name: value for name, value in named.items() if value is not None}
        gateway = self.file.gateway.model_copy(update=given)
        return replace(self, file=self.file.model_copy(update={"gateway": gateway}))

    def source_file(self, name: str) -> SourceFile:
        for source in self.file.source:
            if source.name == name:
                return source
        for one in self.left_out:
            if one.name == name:
                raise UsageFault(one.found.what, hint=one.hint)
        known = ", ".join(source.name for source in self.file.source) or "none"
        raise UsageFault(f"city {self.name} has no source '{name}'", hint=f"it has: {known}")

    def load(self, name: str) -> Any:
        """Build the source *name*, with its ``${SECRET}`` settings filled in from the environment."""
        file = self.source_file(name)
        settings = with_secrets(file.settings, f"source '{name}'")
        return load_source(file.type, self.context(name), settings, self.folders)


def load_city(name_or_path: str) -> City:
    """The city of that name, a user's own or a shipped one, or of that file. ``UsageFault`` says the line and the cure."""
    path = city_file(name_or_path)
    return city_of_text(path, *read_toml(path, FORM))


def readable_cities(names: Iterable[str] | None = None) -> Iterator[City | UsageFault]:
    """Each city of *names* (all: those that ship and a user's own); for a wrong file its fault, which hinders no other."""
    for name in city_names() if names is None else names:
        try:
            yield load_city(name)
        except UsageFault as fault:
            yield fault


def check_surroundings(city: City) -> list[str]:
    """The files and secrets that sources which are only played lack here. ``UsageFault`` names those of live sources, and
    connectors that are broken."""
    text, raw = read_toml(city.path, "")
    found, notes = surroundings(raw, os.environ, city.folders)
    broken = [one.found for one in city.left_out]
    told = " ".join(one.what for one in broken)
    found += [*broken, *(one for one in of_their_connectors(city.folders) if one.what not in told)]
    if found:
        raise fault_of(city.path, text, found)
    return [*notes, *writable_by_all(city.folders)]


def with_rules_of(city: City, path: Path) -> City:
    """*city* with the rules of the file *path*: another city file, or one with only ``[[rule]]``."""
    if not path.is_file():
        raise UsageFault(
            f"no file '{path}'", hint="write the path of a city file, or of one with [[rule]] only"
        )
    text, raw = read_toml(path, "write [[rule]] entries")
    if not isinstance(raw.get("rule"), list):
        raise UsageFault(f"{path}: no [[rule]] in it", hint='write [[rule]] and name = "joint-incident"')
    rules, found = rules_of(raw, city.file.law, {"city": city.name, "timezone": city.file.timezone})
    if rules is None or found:
        raise fault_of(path, text, found)
    return replace(
        city, file=city.file.model_copy(update={"rule": tuple(raw["rule"])}), path=path, rules=rules
    )


def city_of_text(path: Path, text: str, raw: dict[str, Any]) -> City:
    """The city in *text*, whose tables are *raw*; *path* is its file, which need not be written yet."""
    found = _of_name(path, raw)
    file = None
    try:
        file = CityFile.model_validate(raw)
    except ValidationError as error:
        found += of_validation(error, raw, CityFile)
    folders = folders_of(path, raw)
    found += of_folders(path, raw)
    found += of_sources(raw, SourceFile.model_fields, folders)
    found += of_subscriptions(raw, folders)
    rules, more = rules_of(raw, raw.get("law"), {"city": raw.get("name"), "timezone": raw.get("timezone")})
    if found or more or file is None or rules is None:
        raise fault_of(path, text, [*found, *more])
    city = City(file, path, rules, folders)
    left_out, unbound = _weighed(city)
    if unbound:
        raise fault_of(path, text, unbound)
    names = {one.name for one in left_out}
    kept = tuple(one for one in file.source if one.name not in names)
    return replace(city, file=file.model_copy(update={"source": kept}), left_out=tuple(left_out))


def _of_name(path: Path, raw: dict[str, Any]) -> list[Found]:
    """A city that is called by the name of its file must bear that name itself: its topics begin with it."""
    name = raw.get("name")
    if not is_own(path) or not isinstance(name, str) or name == path.stem:
        return []
    return [
        Found(
            ("name",),
            f"name = {name!r}, and the file is called {path.name}",
            f'write name = "{path.stem}", or rename the file',
        )
    ]


def _weighed(city: City) -> tuple[list[LeftOut], list[Found]]:
    """The sources whose connector is broken, and the pushed sources whose records could name any agency."""
    left_out, unbound = [], []
    for number, one in enumerate(city.file.source):
        try:
            agencies = agencies_of(one.type, city.context(one.name), one.settings, city.folders)
        except BrokenConnector as error:
            left_out.append(LeftOut(one.name, number, error.what, error.hint))
            continue
        if one.push and agencies is None:
            what = f"source '{one.name}' is pushed, and nothing says for which agencies"
            hint = 'write speaks_for = ["…"], the agencies that its records may name'
            unbound.append(Found(("source", number, "name"), what, hint))
    return left_out, unbound


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
