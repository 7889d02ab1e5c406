"""Read ``[personal]`` of a contract: two classes, and reasons for what only looks personal."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.model import Record, model_of
from schemas.personal import Personal, read_personal, suspects
from tests.a_schema import a_field, a_record

WRONG: dict[str, Any] = {
    "one list, as before": ["position"],
    "one class only": {"identifying": []},
    "a third class": {"identifying": [], "located": [], "secret": []},
    "a word for a list": {"identifying": "address", "located": []},
    "no words in a list": {"identifying": [], "located": [1]},
    "exempt without reasons": {"identifying": [], "located": [], "exempt": ["name"]},
    "a reason that is no text": {"identifying": [], "located": [], "exempt": {"name": True}},
}


@pytest.mark.parametrize("fault", WRONG)
def test_another_form_is_refused(fault: str) -> None:
    with pytest.raises(ValueError, match="personal"):
        read_personal(WRONG[fault])


def test_both_classes_and_the_reasons_are_read() -> None:
    said = {"identifying": ["address"], "located": ["position"], "exempt": {"name": "a hub's"}}
    assert read_personal(said) == Personal(("address",), ("position",), {"name": "a hub's"})


def looks(*fields: dict[str, Any]) -> dict[str, str]:
    record = model_of(a_record(*fields))
    assert isinstance(record, Record)
    return dict(suspects(record))


def a_list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def test_a_place_a_box_and_an_outline_look_located_whatever_they_are_called() -> None:
    yard = a_record(a_field("lat", "double"), a_field("lon", "double"), name="Yard")
    box = a_record(*(a_field(one, "float") for one in ("x", "y", "width", "height")), name="Box")
    stops = a_record(a_field("yard", "bongsu.test.Yard"), name="Stop")
    assert looks(
        a_field("yard", ["null", yard], default=None),
        a_field("frame", box),
        a_field("stops", a_list(stops)),
        a_field("geometry", "string"),
    ) == dict.fromkeys(("yard", "frame", "stops.yard", "geometry"), "located")


def test_texts_of_persons_and_bytes_look_identifying_in_lists_and_records_too() -> None:
    note = a_record(
        a_field("by", "string"), a_field("words", "string"), a_field("length", "int"), name="Note"
    )
    assert looks(
        a_field("caller_name", ["null", "string"], default=None),
        a_field("photo_refs", a_list("string")),
        a_field("notes", a_list(note)),
        a_field("jpeg", "bytes"),
    ) == dict.fromkeys(("caller_name", "photo_refs", "notes.by", "notes.words", "jpeg"), "identifying")


def test_numbers_kinds_and_words_of_things_do_not() -> None:
    shade = {"type": "enum", "name": "Shade", "symbols": ["dark"]}
    assert looks(a_field("rank", "int"), a_field("kind", "string"), a_field("reference_shade", shade)) == {}
