"""The contract of every sink: the suite of ``connectors/contract_suite/delivering.py``, over every sink that ships."""

from __future__ import annotations

import tomllib

import pytest

from connectors.contract_suite.delivering import EVERY, SinkExample
from connectors.discovery import VIEWS, location_of
from connectors.imports import import_connector
from connectors.locations import shipped
from tests.contract.an_example import EXAMPLES

NAMES = [one.name for one in shipped("sink") if one.name not in VIEWS]


def example_of(name: str) -> SinkExample:
    """The example of a sink that ships: its settings beside address or path, where it needs any."""
    file = EXAMPLES / f"{name}.toml"
    told = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return SinkExample(name, told.get("config", {}))


@pytest.mark.parametrize("promise", EVERY)
@pytest.mark.parametrize("name", NAMES)
def test_a_sink_keeps_its_promise(name: str, promise: str) -> None:
    EVERY[promise](example_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_sink_that_ships_has_the_form_of_one(name: str) -> None:
    module = import_connector(location_of("sink", name))
    assert isinstance(module.SINK.is_open, bool)
    assert (module.__doc__ or "").strip()
