"""Sources, found by existing.

A source's type is the name of its module in ``connectors/sources`` (a leading underscore: none). The module
says

- ``Config``: a pydantic model, nothing extra allowed, every field described;
- ``SOURCE``: a class, made with ``(context, config)``, that is a ``Source`` or a ``PolledSource``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

import connectors.sources
from connectors.base import PolledSource, Source, SourceContext
from connectors.formats.empty_body import guarded
from schemas.errors import Fatal
from schemas.validation import Fault, faults_of


class BadConfig(Fatal):
    """A source's settings are wrong. *problems* have their places inside its table."""

    def __init__(self, what: str, problems: list[Fault], *, hint: str) -> None:
        super().__init__(what, hint=hint)
        self.problems = problems


@cache
def source_types() -> tuple[str, ...]:
    """The types there are, in alphabetical order."""
    return tuple(
        sorted(
            m.name for m in pkgutil.iter_modules(connectors.sources.__path__) if not m.name.startswith("_")
        )
    )


def source_module(type_name: str) -> ModuleType:
    """The module of a type; ``-`` may stand for ``_``. ``BadConfig`` when there is none."""
    name = type_name.replace("-", "_")
    if name not in source_types():
        raise BadConfig(
            f"no source is of type {type_name!r}",
            [Fault(("type",), "unknown", "no source is of that type")],
            hint=f"one of {', '.join(source_types())}",
        )
    return importlib.import_module(f"connectors.sources.{name}")


def config_model(type_name: str) -> type[BaseModel]:
    """The model of the settings of a source of this type in its city's file. ``BadConfig`` when there is no such type."""
    model: type[BaseModel] = source_module(type_name).Config
    return model


def read_config(type_name: str, config: Mapping[str, Any], *, who: str = "source") -> BaseModel:
    """*config* as the type's ``Config``. ``BadConfig`` names every setting that is wrong."""
    model = config_model(type_name)
    try:
        return model.model_validate(dict(config))
    except ValidationError as error:
        problems = faults_of(error, config)
    listed = "; ".join(f"{one.name or type_name}: {one.what}" for one in problems)
    raise BadConfig(
        f"{who}: {listed}", problems, hint=f"settings of {type_name}: {', '.join(model.model_fields)}"
    )


def agencies_of(type_name: str, context: SourceContext, config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The agencies for which a source speaks: none where it speaks for no agency, as cameras do; ``None``: for any that its
    records name. A type whose records name an agency says it in its ``Config`` (``agencies_of``)."""
    said = getattr(read_config(type_name, config), "agencies_of", None)
    agencies: tuple[str, ...] | None = context.speaks_for if said is None else said(context)
    return agencies


def load_source(type_name: str, context: SourceContext, config: Mapping[str, Any]) -> Source | PolledSource:
    """The source, ready to be asked or listened to; nothing is opened yet. ``BadConfig`` if not."""
    settings = read_config(type_name, config, who=f"city {context.city}: source {context.source!r}")
    return guarded(source_module(type_name).SOURCE(context, settings))


def is_polled(source: Source | PolledSource) -> bool:
    """Whether *source* is asked (``poll``), or the outside system sends to it (``listen``)."""
    return hasattr(source, "poll")
