"""A fault that pydantic finds reaches nobody in pydantic's words."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails
from pydantic_core._pydantic_core import list_all_errors

from schemas.validation import OURS, faults_of, first_fault, sentence
from tests.structure.tree import product

ALL: dict[str, Any] = {one["type"]: one for one in list_all_errors()}
PROGRAM_ONLY = {
    "arguments_type", "callable_type", "default_factory_not_called", "ellipsis_error", "frozen_field", "frozen_instance",
    "get_attribute_error", "is_instance_of", "is_subclass_of", "iteration_error", "missing_argument",
    "missing_keyword_only_argument", "missing_positional_only_argument", "missing_sentinel_error",
    "multiple_argument_values", "needs_python_object", "no_such_attribute", "unexpected_keyword_argument",
    "unexpected_positional_argument",
}  # fmt: skip
"""Kinds of calls of functions and of Python's objects: TOML and JSON have none. A general sentence is enough."""
PYDANTICS = re.compile(r"\b(input|valid|dictionary|instance|permitted|unable|parse|Field)\b", re.IGNORECASE)
GENERAL = "cannot stand here"


def error_of(kind: str) -> ValidationError:
    context = dict(ALL[kind]["example_context"] or {})
    if kind in OURS:
        context = {"error": ValueError("write it so")}
    details = InitErrorDetails(type=kind, loc=("place",), input="s3cret", ctx=context)
    return ValidationError.from_exception_data("file", [details])


@pytest.mark.parametrize("kind", sorted(ALL))
def test_no_message_of_pydantics_own_reaches_a_person(kind: str) -> None:
    error = error_of(kind)
    (fault,) = faults_of(error, {"place": "s3cret"})
    theirs = error.errors()[0]["msg"]
    assert (fault.where, fault.kind) == (("place",), kind)
    assert fault.what and theirs not in fault.what and "s3cret" not in fault.what
    assert not PYDANTICS.search(fault.what)
    assert (fault.what == GENERAL) == (kind in PROGRAM_ONLY - {"arguments_type"})


def test_a_kind_that_a_later_pydantic_adds_has_a_sentence() -> None:
    assert sentence("of_tomorrow", {"limit": 3}) == GENERAL


def test_no_module_prints_a_message_of_pydantics() -> None:
    """``error.errors()`` is read in one place, which words it."""
    readers = [one.path for one in product() if re.search(r"\.errors\(|\[.msg.\]", one.text)]
    assert readers == ["schemas/validation.py"]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lat: str | None = None
    time: Annotated[str, Field(min_length=1)] | tuple[str, ...] = ()


class Outer(BaseModel):
    columns: Inner
    format: Literal["csv", "json"] = "csv"
    count: int = Field(1, gt=0)
    share: float = Field(0.5, le=1)

    @model_validator(mode="after")
    def _sound(self) -> Outer:
        if self.columns.lat == "x":
            raise ValueError("columns.lat: no such column")
        return self


def of(raw: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(raw)
    return {one.name: one.what for one in faults_of(caught.value, raw)}


def test_a_place_is_a_key_of_the_file_and_never_a_member_of_a_union() -> None:
    assert of({"columns": {"time": 5}}) == {"columns.time": "must be text in quotes, or must be a list [ … ]"}


def test_a_fault_of_a_whole_table_stands_at_the_key_it_names() -> None:
    assert of({"columns": {"lat": "x"}}) == {"columns.lat": "columns.lat: no such column"}


def test_a_bound_is_said_as_a_person_writes_it() -> None:
    assert of({"columns": {}, "count": 0, "share": 1.5}) == {
        "count": "must be greater than 0",
        "share": "must be at most 1",
    }
    assert of({}) == {"columns": "is missing"}


def test_the_words_of_a_choice_are_known() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"columns": {}, "format": "cvs"})
    (fault,) = faults_of(caught.value)
    assert fault.choices == ("csv", "json")
    assert first_fault(caught.value) == "format: must be 'csv' or 'json'"
