"""JSON Schema of the contracts' JSON form: examples fit it, masked ones too, and it says what may be null."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value, to_json_value
from schemas.json_schema import json_schema
from schemas.masking import masked

CATALOGUE = load_catalogue()
KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def misfits(schema: dict[str, Any], value: Any, path: str = "") -> list[str]:
    """The paths at which *value* is not what *schema* says; of the words that ours use."""
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if not any(isinstance(value, KINDS[one]) for one in kinds):
        return [path]
    if "enum" in schema and value not in schema["enum"]:
        return [path]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found = [f"{path}.{name} is missing" for name in schema.get("required", ()) if name not in value]
        return found + [one for name in value for one in misfits(known[name], value[name], f"{path}.{name}")]
    if isinstance(value, list):
        return [one for item in value for one in misfits(schema["items"], item, f"{path}[]")]
    return []


@pytest.mark.parametrize("name", ["core.situation", "core.alert", "core.grant", "place.camera"])
def test_each_example_fits_its_schema_as_it_is_and_masked(name: str) -> None:
    contract = CATALOGUE[name]
    schema = json_schema(contract)
    for file in sorted(contract.folder.glob("examples/*.json")):
        shown = to_json_value(
            contract.newest, from_json_value(contract.newest, json.loads(file.read_bytes()))
        )
        assert misfits(schema, shown) == []
        assert misfits(schema, masked(name, shown, identifying=False, located=False)) == []


def test_a_value_of_another_form_does_not_fit() -> None:
    contract = CATALOGUE["core.situation"]
    schema = json_schema(contract)
    shown = json.loads((contract.folder / "examples" / "typical.json").read_bytes())
    del shown["kind"]
    wrong = {**shown, "revision": "1", "status": None, "opened_at": 7}
    assert set(misfits(schema, wrong)) == {".kind is missing", ".revision", ".status", ".opened_at"}


def test_personal_fields_may_be_null_and_others_only_where_the_contract_says_so() -> None:
    fields = json_schema(CATALOGUE["core.situation"])["properties"]
    assert fields["actions"]["items"]["properties"]["reason"]["type"] == ["string", "null"]
    assert fields["position"]["type"] == ["object", "null"]
    assert fields["situation_id"]["type"] == "string"
    assert fields["opened_at"]["format"] == "date-time"
    camera = json_schema(CATALOGUE["place.camera"])["properties"]
    assert camera["status"]["enum"] == ["ok", "faulty", "retired"]
