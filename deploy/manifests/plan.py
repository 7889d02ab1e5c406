"""The processes of cities, from which every target is rendered. Pure: the same cities give the same plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.assembly.case_folder import folder_in_home
from deploy.assembly.charger_settings import listed_text
from deploy.city.check import SECRET
from deploy.city.city import City
from deploy.city.names import CITIES
from deploy.faults import UsageFault
from deploy.manifests.roles import Role, roles_of_city
from deploy.settings import VARIABLES

FIRST_PORT = 9_400
PORTS_OF_CITY = 20
"""Each city has a block of so many ports, in the order of their names; a role has the same place in each block."""
PLACES = (
    "gateway",
    "ingest",
    "situations",
    "deliver",
    "match",
    "speed",
    "drones",
    "chargers",
    "energy",
    "hubs",
    "persons",
)
ADDRESSES = tuple(VARIABLES.values())
HTTPS, MQTT = 443, 1_883
READ_CASES = ("gateway", "persons")
SCHEMES = {"http": 80, "https": HTTPS}
ADDRESS = re.compile(r"\b(https?)://[^/\s:'\"]+(?::(\d+))?")
"""An address in a setting: scheme, and port where it has one."""


@dataclass(frozen=True, slots=True)
class CityProcess:
    """One process of a city. *port*: of ``/healthz``, ``/readyz`` and ``/metrics``, and of the gateway's HTTP.

    *secrets*: names of environment variables that it needs beside the addresses; their values stand in no rendering.
    *after*: names of the city's roles that start before it. *outward*: TCP ports outside the platform that it calls.
    *outer_port*: a port beside *port* on which the world outside reaches it, through a proxy. *case_keys*: the folder of the
    keys of cases, which all processes that read cases share: an absolute path, or one in the home folder.
    """

    city: str
    role: Role
    port: int
    secrets: tuple[str, ...]
    after: tuple[str, ...]
    outward: tuple[int, ...] = ()
    outer_port: int | None = None
    case_keys: str | None = None

    @property
    def name(self) -> str:
        return f"{self.city}-{self.role.name}"

    @property
    def health_path(self) -> str:
        return "/healthz"

    def words(self, host: str) -> list[str]:
        """The command's words after the program; it listens on *host*."""
        wait = [] if self.role.can_share else ["--wait"]
        return [
            "run", self.city, "--stage", self.role.name, *wait, "--web-host", host, "--web-port", str(self.port)
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """The processes of all cities, in the order of their start, and the texts of city files that do not ship."""

    processes: tuple[CityProcess, ...]
    city_files: dict[str, str]
    lists: dict[str, dict[str, str]] = field(default_factory=dict)
    """City → the lists beside its file, by name: of its chargers."""

    @property
    def cities(self) -> list[str]:
        return list(dict.fromkeys(process.city for process in self.processes))

    def of(self, city: str) -> list[CityProcess]:
        return [process for process in self.processes if process.city == city]


def plan_of(cities: Sequence[City], *, first_port: int = FIRST_PORT) -> Plan:
    """The plan of *cities*, the same in whatever order they are named. ``UsageFault`` where two would share a port."""
    ordered = sorted(cities, key=lambda city: city.name)
    _demand_different(ordered)
    processes = [
        process
        for number, city in enumerate(ordered)
        for process in _processes(city, first_port + number * PORTS_OF_CITY)
    ]
    _demand_own_ports(processes)
    files = {city.name: city.path.read_text("utf-8-sig") for city in ordered if city.path.parent != CITIES}
    return Plan(
        tuple(processes), files, {name: _lists(one) for name in files for one in ordered if one.name == name}
    )


def _processes(city: City, first_port: int) -> Iterable[CityProcess]:
    roles = roles_of_city(city)
    names = {role.name for role in roles}
    secrets, outward = _secrets(city), _outward(city)
    for role in roles:
        chosen = city.file.gateway.port if role.name == "gateway" else None
        yield CityProcess(
            city.name,
            role,
            chosen or first_port + PLACES.index(role.name),
            tuple(sorted(secrets.get(role.name, ()))),
            tuple(name for name in role.after if name in names),
            tuple(sorted(outward.get(role.name, ()))),
            city.file.chargers.port if role.name == "chargers" and city.file.chargers else None,
            _case_keys(city) if role.name in READ_CASES else None,
        )


def _case_keys(city: City) -> str | None:
    cases = city.file.cases
    return (cases.keys or folder_in_home(city.name)) if cases.agencies else None


def _lists(city: City) -> dict[str, str]:
    """The list of chargers, where it lies beside the city's file; of another path the operator takes care."""
    file = city.file.chargers
    if file is None or Path(file.list).name != file.list:
        return {}
    return {file.list: listed_text(city.path.parent / file.list)}


def _secrets(city: City) -> dict[str, set[str]]:
    """The secrets that each role fills in, by the settings that it loads."""
    file = city.file
    texts = {
        "ingest": [str(one.settings) for one in file.source if one.live and not one.push],
        "gateway": [*(str(one.settings) for one in file.source if one.push), str(file.cap.key)],
        "deliver": [str(one.settings) for one in file.subscriptions()],
    }
    texts["gateway"].append(str(file.cap.certificate))
    texts["chargers"] = ["" if file.chargers is None else file.chargers.secret]
    texts["gateway"].append("" if file.console.oidc is None else str(file.console.oidc.client_secret))
    return {role: set(SECRET.findall(" ".join(found))) for role, found in texts.items()}


def _outward(city: City) -> dict[str, set[int]]:
    """The ports that each role calls outside: of live sources' addresses, and of subscribers, who may be added later."""
    file = city.file
    sources = [one.settings for one in file.source if one.live and not one.push]
    receivers = " ".join(str(one.settings) for one in file.subscriptions())
    brokers = {int(one["mqtt"].get("port", MQTT)) for one in sources if isinstance(one.get("mqtt"), dict)}
    called = _ports(" ".join(map(str, sources))) | brokers
    issuer = "" if file.console.oidc is None else file.console.oidc.issuer
    return {"ingest": called, "deliver": {HTTPS, *_ports(receivers)}, "gateway": _ports(issuer)}


def _ports(text: str) -> set[int]:
    return {int(port) if port else SCHEMES[scheme] for scheme, port in ADDRESS.findall(text)}


def _demand_different(cities: Sequence[City]) -> None:
    names = [city.name for city in cities]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageFault(f"city {twice[0]} is named twice", hint="name each city once")


def _demand_own_ports(processes: Sequence[CityProcess]) -> None:
    taken: dict[int, CityProcess] = {}
    for process in processes:
        for port in (process.port, process.outer_port):
            other = process if port is None else taken.setdefault(port, process)
            if other is not process or port == process.outer_port == process.port:
                raise UsageFault(
                    f"{other.name} and {process.name} would share port {port}",
                    hint=f"give {process.city} another port under [gateway] or [chargers] in its file, or another"
                    " --first-port here",
                )


def own_connectors(cities: Iterable[City]) -> list[Path]:
    """The folders of connectors of the cities' own: no rendering holds a copy of their code."""
    return sorted({folder for city in cities for folder in _folders(city)})


def _folders(city: City) -> list[Path]:
    return [(city.path.parent / one).resolve() for one in city.file.connectors]
