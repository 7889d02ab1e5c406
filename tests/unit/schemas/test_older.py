"""Values of today in an older version of their contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.catalogue import Contract, load_catalogue
from schemas.errors import Invalid
from schemas.json_form import from_json_value
from schemas.older import VersionCodecs
from schemas.rows import RowCodec

VERSIONED = [
    name for name, one in load_catalogue().items() if len(one.versions) > 1 and not name.endswith("dlq")
]


def typical(contract: Contract) -> dict[str, Any]:
    return from_json_value(
        contract.newest, orjson.loads((contract.folder / "examples" / "typical.json").read_bytes())
    )


def with_another_field(contract: Contract) -> Contract:
    """*contract* a version on: a field with a default at the top, and one in every list of records."""
    new = {"name": "added_later", "type": ["null", "string"], "default": None}
    schema = orjson.loads(orjson.dumps(contract.newest))
    for one in schema["fields"]:
        if isinstance(one["type"], Mapping) and isinstance(one["type"].get("items"), dict):
            one["type"]["items"]["fields"].append(dict(new))
    schema["fields"].append(new)
    return replace(contract, versions=(*contract.versions, schema))


@pytest.mark.parametrize("name", ["core.situation", "core.alert", "core.dispatch", "core.watch"])
def test_fields_that_a_later_version_added_are_left_out(name: str) -> None:
    contract = load_catalogue()[name]
    then = RowCodec(contract.newest).encode(typical(contract))
    later, number = with_another_field(contract), len(contract.versions)
    codecs = VersionCodecs()
    value = codecs.decode(later, number, then)
    assert value["added_later"] is None
    assert codecs.encode(later, number, value) == then
    assert codecs.encode(later, number + 1, value) != then


@pytest.mark.parametrize("name", VERSIONED)
def test_each_older_version_reads_what_is_written_in_it(name: str) -> None:
    contract, codecs = load_catalogue()[name], VersionCodecs()
    for number in range(1, len(contract.versions) + 1):
        payload = codecs.encode(contract, number, typical(contract))
        assert codecs.encode(contract, number, codecs.decode(contract, number, payload)) == payload


@pytest.mark.parametrize("number", [0, 9])
def test_a_version_that_the_catalogue_does_not_have_is_named(number: int) -> None:
    with pytest.raises(Invalid, match=f"core.alert has no version {number}"):
        VersionCodecs().decode(load_catalogue()["core.alert"], number, b"")


def test_a_value_that_the_older_version_cannot_say_is_named() -> None:
    contract = load_catalogue()["core.alert"]
    with pytest.raises(Invalid, match="headline"):
        VersionCodecs().encode(contract, 1, {**typical(contract), "headline": None})
