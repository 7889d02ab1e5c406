"""The answers for ``bongsu city new``: from options, and at a terminal from questions. Each is checked when it is given."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
from pydantic import BaseModel, ValidationError

from connectors.discovery import (
    BadConfig,
    config_model,
    first_line,
    read_config,
    source_location,
    source_types,
)
from deploy.city.draft import Bounds, CityDraft, SourceDraft
from deploy.city.findings import near, of_faults
from deploy.city.model import BoundsFile, known_zone
from deploy.city.names import NAME
from deploy.faults import UsageFault
from deploy.laws import law_named, law_names
from deploy.telling import tell
from schemas.errors import BongsuError
from schemas.validation import first_fault

Answer = TypeVar("Answer")
SOURCE_NAME = "lower-case letters, digits and '-', a letter first"


def a_name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise UsageFault(
            f"{text[:60]!r} is no name for a city",
            hint="2 to 32 lower-case letters, digits and '-', a letter first: it begins every topic's name",
        )
    return text


def bounds_of(text: str) -> Bounds:
    """*text* as south, west, north, east, between commas or spaces."""
    form = "write south,west,north,east in degrees: 36.28,127.30,36.42,127.46"
    try:
        south, west, north, east = (float(one) for one in text.replace(",", " ").split())
    except ValueError:
        raise UsageFault(f"{text[:60]!r} are no bounds", hint=form) from None
    if not all(map(math.isfinite, (south, west, north, east))):
        raise UsageFault(f"{text[:60]!r} are no bounds", hint=form)
    try:
        BoundsFile(south=south, west=west, north=north, east=east)
    except ValidationError as error:
        raise UsageFault(f"bounds: {first_fault(error)}", hint=form) from None
    return south, west, north, east


def zone_of(text: str) -> str:
    """*text* where it is a time zone. It is never guessed from the bounds: a zone's borders are a country's."""
    try:
        return known_zone(text)
    except ValueError as error:
        raise UsageFault(f"{text[:60]!r} is no time zone", hint=f"write {error}") from None


def law_of(text: str) -> str:
    law_named(text)
    return text


def source_of(text: str) -> SourceDraft:
    """``NAME=TYPE``, or a type alone, which is then its name too."""
    name, equals, kind = (one.strip() for one in text.partition("="))
    kind = (kind if equals else name).replace("-", "_")
    name = name.replace("_", "-")
    if kind not in source_types():
        raise UsageFault(
            f"no source is of type {kind[:60]!r}",
            hint=f"{near(kind, source_types())}; see: bongsu source list",
        )
    if not name or not name.replace("-", "").isalnum() or name != name.lower() or not name[0].isalpha():
        raise UsageFault(f"{name[:60]!r} is no name for a source", hint=SOURCE_NAME)
    return SourceDraft(name, kind)


def with_settings(sources: list[SourceDraft], settings: tuple[str, ...]) -> list[SourceDraft]:
    """*sources* with each ``SOURCE.KEY=VALUE`` of *settings*; with one source, ``KEY=VALUE`` is its own."""
    for text in settings:
        key, equals, value = text.partition("=")
        name, _, rest = key.strip().partition(".")
        names = [one.name for one in sources]
        if name not in names and len(sources) == 1:
            name, rest = names[0], key.strip()
        if not equals or name not in names or not rest:
            raise UsageFault(
                f"--set {text[:60]}: {'no source is called ' + repr(name) if equals and rest else 'no setting'}",
                hint=f"write --set SOURCE.KEY=VALUE; the sources are: {', '.join(names) or 'none: give one with --source'}",
            )
        at = names.index(name)
        sources[at] = sources[at].with_setting(rest, value.strip())
        try:
            sources[at].tables()
        except tomllib.TOMLDecodeError as error:
            raise UsageFault(
                f"--set {text[:60]}: {error}", hint="write each key once, as in the city's file"
            ) from None
    return sources


def asked(city: str, given: dict[str, Any], sources: list[SourceDraft]) -> CityDraft:
    """The draft of *city*, with a question for each answer that is not *given*."""
    title = given["title"] or _ask("its name for people", str, default=city)
    bounds = given["bounds"] or _ask("its bounds: south, west, north, east in degrees", bounds_of)
    zone = given["timezone"] or _ask("its time zone, such as Asia/Seoul or America/Chicago", zone_of)
    laws = ", ".join(law_names())
    law = given["law"] or _ask(f"the law that it lives by ({laws}; each is a file in deploy/laws)", law_of)
    if not sources:
        tell("types of sources:", err=True)
        for kind in source_types():
            tell(f"  {kind:26} {first_line(source_location(kind))}", err=True)
        word = "its first source, as NAME=TYPE such as calls=mapped_rows (Enter: none yet)"
        while (text := click.prompt(word, default="", show_default=False, err=True)).strip():
            source = _answered(source_of, text)
            if source is not None:
                sources.append(_asked_settings(source))
                word = "another source (Enter: no more)"
    return CityDraft(city, title, zone, law, bounds, tuple(sources))


def _asked_settings(source: SourceDraft) -> SourceDraft:
    """*source* with an answer for each setting that its type needs; asked again while they are wrong."""
    model = config_model(source.type)
    while True:
        answered = source
        for key, about, is_needed in _questions(model):
            word = f"  {key}: {about}" if is_needed else f"  {key}: {about} (Enter: none)"
            text = click.prompt(
                word, default=None if is_needed else "", show_default=False, err=True, value_proc=str
            )
            if text.strip():
                answered = answered.with_setting(key, text.strip())
        answered = answered.quoted()
        try:
            read_config(source.type, answered.tables())
            return answered
        except BadConfig as error:
            for one in of_faults(error.problems, answered.tables(), model):
                tell(f"  {one.what}; {one.hint}", fg="yellow", err=True)


def _questions(model: type[BaseModel]) -> Iterator[tuple[str, str, bool]]:
    """The settings that are needed, and all of a table that is: key, meaning, whether an answer is needed."""
    for key, field in model.model_fields.items():
        if not field.is_required() and key not in ("url", "path"):
            continue
        inner = [one for one in (field.annotation, *get_args(field.annotation)) if _is_model(one)]
        if not inner:
            yield key, field.description or "", field.is_required()
        for table in inner:
            for name, its in table.model_fields.items():
                yield f"{key}.{name}", its.description or "", its.is_required()


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _ask(word: str, check: Callable[[str], Answer], *, default: str | None = None) -> Answer:
    """The answer to *word*; asked again until it is one."""
    while True:
        answer = _answered(check, click.prompt(word, default=default, err=True).strip())
        if answer is not None:
            return answer


def _answered(check: Callable[[str], Answer], text: str) -> Answer | None:
    try:
        return check(text)
    except BongsuError as error:
        tell(f"  {error.what}; {error.hint}", fg="yellow", err=True)
        return None


def next_steps(city: CityDraft, path: Path) -> list[str]:
    """The commands from a new file to its first situation."""
    steps = [f"bongsu city check {city.name}"]
    played = [one for one in city.sources if one.type not in ("generated_cameras", "simulated_calls")]
    steps += [f"bongsu source try {city.name}/{one.name} FILE" for one in played]
    steps.append("bongsu up")
    if played:
        pairs = " --source ".join(f"{one.name} FILE" for one in played)
        steps.append(f"bongsu play {city.name} --source {pairs}")
    else:
        steps.append(f"bongsu run {city.name}")
    steps.append(f"bongsu situation list {city.name} --all")
    if not city.sources:
        steps.insert(0, f"bongsu source list, and write a [[source]] for each agency in {path}")
    return steps


def written_at(path: Path, text: str, *, replaces: bool) -> bool:
    """Write *text* whole or not at all, with its folder. ``False`` where *path* is there and *replaces* is not set."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_text(text, encoding="utf-8")
        if replaces:
            half.replace(path)
        else:
            path.hardlink_to(half)
    except FileExistsError:
        return False
    finally:
        half.unlink(missing_ok=True)
    return True
