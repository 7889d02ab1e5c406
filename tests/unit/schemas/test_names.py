"""Names in any script are stored in NFC; control characters and path separators are refused."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.names import account_name, is_same_name, spelt

TAKEN = [
    "대전광역시소방본부", "ตำรวจ 191", "北京市公安局", "शिक्षा\u200d", "Полиция", "Feuerwehr Köln", "CITY-Police.1_a", "é"
]  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_of_any_script_is_taken_as_it_is(name: str) -> None:
    assert account_name(name) == name


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_has_one_spelling_however_it_was_typed(name: str) -> None:
    assert account_name(unicodedata.normalize("NFD", name)) == account_name(name)
    assert is_same_name(unicodedata.normalize("NFD", name), name.upper())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "letter"), ("  ", "letter"), (" desk", "blank"), ("desk\n", "blank"), ("a\nb", "control"),
        ("a\x1b[2Jb", "control"),
        ("a\u202eb", "direction"), ("a\u2028b", "control"), ("a\ud800b", "control"), ("a\x00b", "control"), ("../x", "path"),
        ("a\\b", "path"), ("..", "path"), ("-x", "option"), ("x" * 65, "64"), ("\u200b", "control"), ("a\x85b", "control"),
    ],
)  # fmt: skip
def test_what_can_be_no_name_is_refused_with_why(name: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        account_name(name)


@given(st.text())
def test_a_name_that_was_taken_is_taken_again_as_it_is_and_can_be_written(name: str) -> None:
    try:
        one = account_name(name)
    except ValueError:
        return
    assert account_name(one) == one == spelt(one)
    assert one.encode("utf-8") and "\n" not in one and "/" not in one
    assert is_same_name(one, name)


def test_an_agency_may_be_two_services_and_its_name_may_be_long() -> None:
    agency: Any = "Fire/EMS " + "x" * 80
    assert spelt(agency) == agency
