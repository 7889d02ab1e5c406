from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemas.catalogue import Schema, load_catalogue
from schemas.errors import Fatal, Unreachable
from schemas.registry import Registered, Registry
from schemas.standing import differences
from tests.a_schema import a_field, an_event, write_contract

FIRST, SECOND = an_event(), an_event(a_field("note", ["null", "string"], default=None))
OTHER = an_event(a_field("note", "string", default=""))


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (None, ["not registered (v1 to v2 here)"]),
        ((FIRST,), ["v2 is not registered"]),
        ((FIRST, SECOND), []),
        ((FIRST, SECOND | {"doc": "Another word for it."}), []),
        ((FIRST, SECOND, SECOND), ["v3 is registered, and the catalogue has none"]),
    ],
)
def test_a_registry_is_compared_by_schema_not_by_text(
    there: tuple[Schema, ...] | None, words: list[str], tmp_path: Path
) -> None:
    contract = write_contract(tmp_path, FIRST, SECOND)
    assert differences(contract, None if there is None else Registered("BACKWARD", there)) == words


def test_another_schema_and_another_compatibility_are_seen(tmp_path: Path) -> None:
    contract = write_contract(tmp_path, FIRST, SECOND)
    found = differences(contract, Registered(None, (FIRST, OTHER)))
    assert len(found) == 2
    assert "v2 is another schema there" in found[0]
    assert found[1] == "compatibility is not set, here BACKWARD"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/apis/ccompat/v7", "http://ana:geheim@127.0.0.1:1/"])
def test_a_registry_that_does_not_answer_says_how_to_start_it_and_no_password(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        Registry(url).id_of("daejeon.fire.incident", load_catalogue()["fire.incident"])
    assert "bongsu up" in caught.value.hint
    assert "geheim" not in str(caught.value)


def test_a_place_that_is_no_url_is_said_to_be_none() -> None:
    with pytest.raises(Fatal, match="is no URL"):
        Registry("kafka:9092")


def test_a_dlq_differs_like_any_other() -> None:
    contract = replace(load_catalogue()["source.dlq"])
    assert differences(contract, Registered("BACKWARD", contract.versions)) == []
