"""The table of sealed fields against the contracts: no personal field of a case is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from streams.cases.sealed_fields import BOX, SealedFields, sealed_fields


def fields_of(contract: str) -> Mapping[str, Any]:
    return {one["name"]: one["type"] for one in load_catalogue()[contract].newest["fields"]}


def faults(contract: str, table: SealedFields, types: Mapping[str, Any]) -> Iterator[str]:
    """The personal fields of *contract* that *table* does not know, and its fields that cannot be sealed."""
    personal = load_catalogue()[contract].personal
    known = {*table.fields, *table.in_place, *table.clear, BOX}
    for path in (*personal.identifying, *personal.located):
        if path.split(".", 1)[0] not in known:
            yield f"{path} is personal and stays readable"
    for name in (*table.fields, *table.in_place, *filter(None, [table.only_with])):
        if name not in types:
            yield f"{name} is no field"
    for name in table.fields:
        kind = types.get(name, ())
        if not (kind == "string" or "null" in kind or (isinstance(kind, dict) and kind["type"] == "array")):
            yield f"{name} can hold nothing else"
    for name in table.in_place:
        if types.get(name) not in ("string", ["null", "string"]):
            yield f"{name} is no text"
    if table.fields and types.get(BOX) != ["null", "string"]:
        yield f"{BOX} is no text"


@pytest.mark.parametrize("contract", sorted(sealed_fields()))
def test_all_that_is_personal_in_a_case_is_sealed_or_has_its_reason(contract: str) -> None:
    table = sealed_fields()[contract]
    assert list(faults(contract, table, fields_of(contract))) == []
    assert all(reason.strip() for reason in table.clear.values())


def test_every_contract_with_a_sealed_field_is_in_the_table() -> None:
    assert {one for one in load_catalogue() if BOX in fields_of(one)} <= sealed_fields().keys()


def test_this_check_can_fail() -> None:
    contract = "police.missing"
    table, types = sealed_fields()[contract], fields_of(contract)
    fewer = table.model_copy(update={"fields": tuple(one for one in table.fields if one != "photo_ref")})
    assert list(faults(contract, fewer, types)) == ["photo_ref is personal and stays readable"]
    wrong = table.model_copy(update={"fields": (*table.fields, "is_urgent"), "in_place": ("attributes", "x")})
    found = list(faults(contract, wrong, types))
    assert found == [
        "x is no field",
        "is_urgent can hold nothing else",
        "attributes is no text",
        "x is no text",
    ]
