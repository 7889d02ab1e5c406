"""The contract of every source: the suite that ``bongsu source check`` runs, over every source that ships."""

from __future__ import annotations

import pytest

from connectors.contract_suite.checks import EVERY, OFFLINE, WEB, Check, checks_of
from connectors.discovery import config_model
from connectors.locations import shipped
from tests.contract.an_example import example_of, variants

NAMES = [*(one.name for one in shipped("source")), *variants()]
PAIRS = [(name, check) for name in NAMES for check in checks_of(example_of(name))]


@pytest.mark.parametrize(("name", "check"), PAIRS, ids=[f"{name}: {check.name}" for name, check in PAIRS])
def test_a_source_keeps_its_promise(name: str, check: Check) -> None:
    check.run(example_of(name))


def test_every_source_is_held_to_every_promise() -> None:
    for name in NAMES:
        asks_the_web = "url" in config_model(name.partition("+")[0]).model_fields
        wanted = (*EVERY, *(WEB if asks_the_web else OFFLINE))
        assert tuple(check for its_name, check in PAIRS if its_name == name) == wanted
