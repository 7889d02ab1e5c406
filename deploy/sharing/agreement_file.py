"""Read ``sharing.toml``: strictly, each fault named by its line. ``BONGSU_SHARING`` names one in place of the sample."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, ValidationError

from connectors.gateway.case_desk import PURPOSE
from deploy.city.city import City, load_city
from deploy.city.findings import Found, fault_of, near, of_validation
from deploy.city.names import city_names
from deploy.city.read import read_toml
from deploy.city.strict import Strict
from deploy.city.toml_lines import line_of
from deploy.faults import UsageFault
from deploy.sharing.agreements import NEVER_SHARED, SERVICES, Agreement, CitySharing, Sharing
from schemas.catalogue import DLQ, load_catalogue

VARIABLE = "BONGSU_SHARING"
SAMPLE = Path(__file__).parents[1] / "sharing.toml"
FORM = "see deploy/sharing.toml for the form"
AGENCY = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""An agency's name here is part of names in Kafka and in Kubernetes."""
ENTRIES_MAX = 10_000

AgencyName = Annotated[str, Field(pattern=AGENCY)]


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class AgreedFile(Strict):
    """One ``[[agreement]]``."""

    city: str
    agency: AgencyName
    may: Literal["read", "publish"]
    topics: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=200)]
    purpose: str
    legal_ground: str = Field(pattern=r"\S", max_length=500)
    valid_until: AwareDatetime


class SharingCityFile(Strict):
    """One ``[city.NAME]``."""

    agencies: tuple[AgencyName, ...] = Field((), description="agencies for which no source speaks")
    closed: bool = True
    bytes_per_s: int | None = Field(None, ge=1_024)


class SharingFile(Strict):
    """The whole file."""

    agreement: tuple[AgreedFile, ...] = Field((), max_length=ENTRIES_MAX)
    city: dict[str, SharingCityFile] = Field(default_factory=dict)


def sharing_file() -> Path:
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else SAMPLE


def load_sharing(path: Path | None = None) -> Sharing:
    """The agreements of *path* (of ``BONGSU_SHARING``, else the sample). ``UsageFault`` has every fault with its line."""
    path = path or sharing_file()
    text, raw = read_toml(path, FORM)
    try:
        file = SharingFile.model_validate(raw)
    except ValidationError as error:
        raise fault_of(path, text, _numbered(of_validation(error, raw, SharingFile))) from None
    cities, found = _cities(file)
    for number, one in enumerate(file.agreement):
        if one.city in cities:
            found += _of_entry(number, one, cities[one.city], file.city.get(one.city))
    if found:
        raise fault_of(path, text, _numbered(found))
    entries = tuple(
        Agreement(number, line_of(text, ("agreement", number - 1)), **dict(one))
        for number, one in enumerate(file.agreement, 1)
    )
    named = {one: SharingCityFile() for one in cities} | file.city
    return Sharing(entries, {name: CitySharing(one.closed, one.bytes_per_s) for name, one in named.items()})


def _numbered(found: list[Found]) -> list[Found]:
    """Count agreements from one, as everywhere else."""
    return [
        replace(one, what=re.sub(r"^agreement\.(\d+)", lambda n: f"agreement {int(n[1]) + 1}", one.what))
        for one in found
    ]


def _cities(file: SharingFile) -> tuple[Mapping[str, City], list[Found]]:
    """The cities that are named, and a fault for each that is not there or is wrong itself."""
    cities: dict[str, City] = {}
    found: list[Found] = []
    known = city_names()
    places: list[tuple[tuple[str | int, ...], str]] = [(("city", name), name) for name in file.city]
    places += [(("agreement", number, "city"), one.city) for number, one in enumerate(file.agreement)]
    for where, name in places:
        if name in cities:
            continue
        label = ".".join(map(str, where))
        if name not in known:
            found.append(Found(where, f"{label} = {name[:64]!r}: no such city", near(name, known)))
            continue
        try:
            cities[name] = load_city(name)
        except UsageFault as fault:
            found.append(Found(where, f"{label}: the city's own file is wrong: {fault.what}", fault.hint))
    return cities, found


def _of_entry(number: int, one: AgreedFile, city: City, about: SharingCityFile | None) -> Iterator[Found]:
    label = f"agreement.{number}"
    agencies = agencies_in(city) | set(() if about is None else about.agencies)
    if one.agency in SERVICES:
        hint = "call the agency by another name"
        yield Found(
            ("agreement", number, "agency"),
            f"{label}.agency = {one.agency!r}: a service of ours is named so",
            hint,
        )
    elif one.agency not in agencies:
        what = f"{label}.agency = {one.agency!r}: {city.name} has no such agency"
        otherwise = f'name it in [city.{city.name}] agencies = ["…"]'
        yield Found(("agreement", number, "agency"), what, near(one.agency, agencies, otherwise=otherwise))
    for place, topic in enumerate(one.topics):
        where = ("agreement", number, "topics", place)
        if topic not in shareable(one.may):
            why = "no such topic" if topic not in load_catalogue() else f"no agency may {one.may} it"
            yield Found(where, f"{label}.topics: {topic[:80]!r}: {why}", near(topic, shareable(one.may)))
    purposes = {use.purpose for use in city.rules.law.uses.values()} | {PURPOSE}
    if one.purpose not in purposes:
        what = f"{label}.purpose = {one.purpose[:64]!r}: the law of {city.name} names no such purpose"
        yield Found(("agreement", number, "purpose"), what, near(one.purpose, purposes, otherwise=""))


def shareable(may: str) -> frozenset[str]:
    """The contracts that an agency may read or publish by an agreement. What our own services say, none publishes."""
    known = {one for one in load_catalogue() if not one.endswith(DLQ)} - NEVER_SHARED
    return frozenset(one for one in known if may == "read" or not one.startswith("core."))


def agencies_in(city: City) -> set[str]:
    """The agencies that the city's own file names."""
    found = {agency for one in city.file.source for agency in city.agencies_of(one.name)}
    found |= {one.agency for one in city.file.drone if one.agency}
    return found | set(city.file.cases.agencies) | (set(city.file.cap.public) - {"public"})
