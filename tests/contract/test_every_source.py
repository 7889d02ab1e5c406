"""The contract of every source: the suite that ``bongsu source check`` runs, over every source that ships."""

from __future__ import annotations

import pytest

from connectors.contract_suite.checks import EVERY, OFFLINE, WEB, Check, checks_of
from connectors.discovery import config_model
from connectors.locations import shipped
from tests.contract.an_example import example_of

PAIRS = [(one.name, check) for one in shipped("source") for check in checks_of(example_of(one.name))]


@pytest.mark.parametrize(("name", "check"), PAIRS, ids=[f"{name}: {check.name}" for name, check in PAIRS])
def test_a_source_keeps_its_promise(name: str, check: Check) -> None:
    check.run(example_of(name))


def test_every_source_is_held_to_every_promise() -> None:
    for one in shipped("source"):
        asks_the_web = "url" in config_model(one.name).model_fields
        wanted = (*EVERY, *(WEB if asks_the_web else OFFLINE))
        assert tuple(check for name, check in PAIRS if name == one.name) == wanted
