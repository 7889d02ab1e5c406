"""The output of ``bongsu source`` for an agency's engineer."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, Field

from deploy.city.source_settings import settings_of
from deploy.cli.source import source
from deploy.cli.source_lines import kinds_lines, report_lines
from schemas.catalogue import load_catalogue
from schemas.errors import BongsuError
from schemas.json_form import from_json_value

RECORDS = Path(__file__).parents[2] / "contract" / "examples"


def said(*words: str) -> tuple[list[str], str]:
    """The lines on standard output, and the text on standard error."""
    done = CliRunner().invoke(source, words, catch_exceptions=False, standalone_mode=False)
    return done.stdout.splitlines(), done.stderr


def test_every_type_and_every_citys_sources_are_listed() -> None:
    text = "\n".join(said("list")[0])
    assert "mapped_rows" in text
    assert "active-incidents" in text


def test_a_setting_is_told_with_its_type_default_and_meaning() -> None:
    class Inner(BaseModel):
        no: str = Field(description="the number")

    class Config(BaseModel):
        columns: Inner = Field(description="which is which")
        words: tuple[str, ...] | None = Field(None, description="their words")

    assert list(settings_of(Config)) == [
        "  columns  (table; needed)  which is which",
        "      no  (text; needed)  the number",
        "  words  (list of text or none; default none)  their words",
    ]


def test_a_file_is_tried_and_what_is_bad_in_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    body = json.loads((RECORDS / "houston_active_incidents.jsonl").read_text().splitlines()[0])["body"]
    body["features"].append({"attributes": {"Agency": "X"}})
    file.write_text(json.dumps(body))
    lines, words = said("try", "houston/active-incidents", str(file))
    assert all(json.loads(line)["topic"].endswith(".incident") for line in lines)
    assert "CALL_TIME is missing" in words
    assert "1 set aside" in words


def test_what_is_needed_and_missing_is_named() -> None:
    with pytest.raises(BongsuError, match="domain"):
        said("try", "mapped_rows", __file__)
    with pytest.raises(BongsuError, match="no source is of type"):
        said("try", "telepathy", __file__)


def test_a_report_is_told_in_words() -> None:
    contract = load_catalogue()["core.source"]
    written = json.loads((contract.folder / "examples" / "typical.json").read_text())
    lines = list(report_lines(from_json_value(contract.newest, written)))
    text = "\n".join(lines)
    assert lines[0] == "daejeon/cad  stopped since 2026-03-08 09:00:00Z: latitude is not a number"
    for part in (
        "41.5 s (half), 310.2 s",
        "2.5 s behind",
        "late                    0.3%",
        "     90  latitude",
    ):
        assert part in text


@pytest.mark.parametrize("word", ["HIGHRISE ON FIRE", 'a "quoted" \\ word', "\x1b[31mred\n"])
def test_a_word_that_no_table_holds_is_told_with_a_line_to_paste(word: str) -> None:
    words = [{"word": word, "kind": "fire.building", "agency": "hfd", "count": 7}]
    lines = list(kinds_lines({"kinds": [], "words": words}))
    assert all(line.isprintable() for line in lines)
    count, pasted = lines[-1].split(maxsplit=1)
    assert (count, tomllib.loads(pasted)) == ("7", {word: "fire.building"})
