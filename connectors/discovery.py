"""Sources and sinks, found by existing.

A connector's type is the name of its module in ``connectors/sources`` or ``connectors/sinks`` (a leading underscore:
none), of an entry point of an installed package, or of a file in a folder that the city's file names (``locations``).
The module says

- ``Config``: a pydantic model, nothing extra allowed, every field described;
- ``SOURCE``: a class, made with ``(context, config)``, that is a ``Source`` or a ``PolledSource``;
- ``SINK``: a class, made with ``(config, context)``, that is a ``Sink``; with ``is_open = True`` where subscribers may
  choose it and its settings over the network;
- ``config_of``, where a source's settings depend on one of them: the model of the settings that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors.base import PolledSource, Sink, SinkContext, Source, SourceContext
from connectors.formats.empty_body import guarded
from connectors.imports import BrokenConnector, called, import_connector, refuse
from connectors.locations import Folders, Kind, Location, locate, shipped
from schemas.errors import Fatal
from schemas.validation import Fault, faults_of

VIEWS = frozenset({"console", "redis_view"})
"""Modules in ``sinks`` that a stage fills from the log, or that the gateway serves: no sinks of a subscription."""


class BadConfig(Fatal):
    """A connector's settings are wrong. *problems* have their places inside its table."""

    def __init__(self, what: str, problems: list[Fault], *, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.problems = problems


def source_types(folders: Folders = ()) -> tuple[str, ...]:
    """The types there are, in alphabetical order: those that ship, of installed packages, and in *folders*."""
    return tuple(locate("source", folders).found)


def sink_types(folders: Folders = ()) -> tuple[str, ...]:
    """The types of sinks that a subscription may name, in alphabetical order."""
    return tuple(one for one in locate("sink", folders).found if one not in VIEWS)


def source_location(type_name: str, folders: Folders = ()) -> Location:
    """The place of a type of source. Raises as ``location_of``."""
    return location_of("source", type_name, folders)


def location_of(kind: Kind, type_name: str, folders: Folders = ()) -> Location:
    """The place of a type; ``-`` may stand for ``_``. ``BadConfig`` when there is none, ``BrokenConnector`` when two have
    the name."""
    name = type_name.replace("-", "_")
    ours = next((one for one in shipped(kind) if one.name == name and name not in VIEWS), None)
    if ours is not None:
        return ours
    located = locate(kind, folders)
    if (found := located.found.get(name)) is not None and name not in VIEWS:
        return found
    for one in located.unusable:
        if one.name == name:
            raise refuse(one)
    raise BadConfig(
        f"no {kind} is of type {type_name!r}",
        [Fault(("type",), "unknown", f"no {kind} is of that type")],
        hint=f"one of {', '.join(one for one in located.found if one not in VIEWS)}",
    )


def source_module(type_name: str, folders: Folders = ()) -> ModuleType:
    """The module of a type. ``BadConfig`` when there is none, ``BrokenConnector`` when it cannot be used."""
    return import_connector(source_location(type_name, folders))


def first_line(location: Location) -> str:
    """The first line of a connector's docstring; for one that is broken, that and why."""
    try:
        return (import_connector(location).__doc__ or "").strip().partition("\n")[0]
    except BrokenConnector as error:
        return f"cannot be used: {error.what}"


def config_model(
    type_name: str, folders: Folders = (), config: Mapping[str, Any] | None = None
) -> type[BaseModel]:
    """The model of the settings of a source of this type in its city's file, as *config* begins to say them.

    Raises as ``source_module``.
    """
    return _model_in(source_module(type_name, folders), config)


def _model_in(module: ModuleType, config: Mapping[str, Any] | None) -> type[BaseModel]:
    choose = None if config is None else getattr(module, "config_of", None)
    model: type[BaseModel] = module.Config if choose is None else choose(config)
    return model


def read_config(
    type_name: str, config: Mapping[str, Any], *, who: str = "", folders: Folders = (), kind: Kind = "source"
) -> BaseModel:
    """*config* as the type's ``Config``. ``BadConfig`` names every setting that is wrong, and no value."""
    location = location_of(kind, type_name, folders)
    module = import_connector(location)
    model: type[BaseModel] = module.Config
    reading = "cannot read its settings"
    try:
        model = called(location, reading, lambda: _model_in(module, config), (ValidationError,))
        settings: BaseModel = called(
            location, reading, lambda: model.model_validate(dict(config)), (ValidationError,)
        )
        return settings
    except ValidationError as error:
        problems = faults_of(error, config)
    listed = "; ".join(f"{one.name or type_name}: {one.what}" for one in problems)
    raise BadConfig(
        f"{who or kind}: {listed}", problems, hint=f"settings of {type_name}: {', '.join(model.model_fields)}"
    )


def agencies_of(
    type_name: str, context: SourceContext, config: Mapping[str, Any], folders: Folders = ()
) -> tuple[str, ...] | None:
    """The agencies for which a source speaks: none where it speaks for no agency, as cameras do; ``None``: for any that its
    records name. A type whose records name an agency says it in its ``Config`` (``agencies_of``)."""
    said = getattr(read_config(type_name, config, folders=folders), "agencies_of", None)
    if said is None:
        return context.speaks_for
    location = source_location(type_name, folders)
    agencies: tuple[str, ...] | None = called(
        location, "cannot say for which agencies it speaks", lambda: said(context)
    )
    return agencies


def load_source(
    type_name: str, context: SourceContext, config: Mapping[str, Any], folders: Folders = ()
) -> Source | PolledSource:
    """The source, ready to be asked or listened to; nothing is opened yet. ``BadConfig`` if not, ``BrokenConnector`` where
    its own code fails."""
    who = f"city {context.city}: source {context.source!r}"
    settings = read_config(type_name, config, who=who, folders=folders)
    location = source_location(type_name, folders)
    made = import_connector(location).SOURCE
    return guarded(called(location, "cannot be made", lambda: made(context, settings)))


def is_polled(source: Source | PolledSource) -> bool:
    """Whether *source* is asked (``poll``), or the outside system sends to it (``listen``)."""
    return hasattr(source, "poll")


def load_sink(type_name: str, config: Mapping[str, Any], context: SinkContext, folders: Folders = ()) -> Sink:
    """The sink, ready to deliver; nothing is opened yet. ``BadConfig`` if not, ``BrokenConnector`` where its own code
    fails, ``Fatal`` where it may not send to where its settings say."""
    who = f"city {context.city}: subscription {context.subscription!r}"
    settings = read_config(type_name, config, who=who, folders=folders, kind="sink")
    location = location_of("sink", type_name, folders)
    made = import_connector(location).SINK
    sink: Sink = called(location, "cannot be made", lambda: made(settings, context))
    return sink


def is_open_to_subscribers(type_name: str, folders: Folders = ()) -> bool:
    """Whether a subscriber may choose this type and its settings over the network; otherwise only the city's file may."""
    made = import_connector(location_of("sink", type_name, folders)).SINK
    return getattr(made, "is_open", False) is True
