"""Text from outside is shown without characters that a terminal obeys."""

from __future__ import annotations

import orjson
import pytest

from schemas.printable import field_path, printable, printable_line, printable_value

COMMANDS = (
    "\x1b]0;title\x07",
    "\x1b[2J",
    "\x9b2J",
    "\x00",
    "\r",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ud800",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_a_terminal_obeys_is_left(command: str) -> None:
    shown = printable(f"a{command}b")
    assert shown.isprintable()
    assert shown.startswith("a\\u")


def test_words_of_every_script_stay_as_they_are() -> None:
    words = "교통사고 – ไฟไหม้ “naïve” 🚒\tone\ntwo"
    assert printable(words) == words


def test_json_says_the_same_afterwards() -> None:
    value = {"text": "\x1b[31m \x9b \u202e 화재"}
    assert orjson.loads(printable(orjson.dumps(value).decode())) == value


def test_what_is_on_one_line_cannot_begin_another() -> None:
    assert printable_line("a\nerror: b\tc") == "a\\u000aerror: b\\u0009c"


def test_all_of_a_value_is_shown_so_names_too() -> None:
    value = {"\x1b": ["\x1b", {"a": ("\x1b", 1, None)}]}
    assert printable_value(value) == {"\\u001b": ["\\u001b", {"a": ["\\u001b", 1, None]}]}


def test_a_field_that_may_be_about_a_person_is_told_by_its_length() -> None:
    assert field_path("") == ""
    assert field_path("units[2].call_sign") == "units[2].call_sign"
    assert field_path("사건번호") == "사건번호"
    assert field_path("details." + "Kim Cheolsu of Jung-gu " * 3) == "details.(a name of 69 letters)"
    assert field_path("call 01012345678 back") == "(a name of 21 letters)"
    assert field_path("a." * 40).endswith(" …")
