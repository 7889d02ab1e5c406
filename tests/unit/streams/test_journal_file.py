"""A journal as a file: what is written is read again, and what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.catalogue import load_catalogue
from schemas.errors import Fatal, Invalid
from schemas.event import Event
from schemas.framing import frame
from schemas.json_form import from_json_value
from schemas.registry import Registry
from schemas.wire import Wire
from streams.journal.export import Versions
from streams.journal.file import (
    ExportedAnswer,
    ExportedEntry,
    JournalFile,
    answer_line,
    entry_line,
    header_line,
    write_lines,
)
from streams.journal.verify_file import differing_fields, verify_file
from tests.a_registry import a_registry
from tests.a_schema import a_record
from tests.scenario.a_scenario import config_of

ABOUT = {
    "sequence": 1,
    "event_time": 0,
    "origin_topic": "demo.rules",
    "origin_partition": 0,
    "origin_offset": 0,
}
RULES = ExportedEntry({**ABOUT, "entry": "rules"}, orjson.dumps(config_of({}).canonical()), None)
TICK = ExportedEntry(
    {**ABOUT, "entry": "tick", "origin_topic": "demo.core.tick", "sequence": 2}, b"\x00\xff", 1
)
ALERT = ExportedAnswer("demo.core.alert", "key", b"\x01\x02", 2)
ENDED = ExportedAnswer("demo.core.watch", "key", None, None)
LINES = [
    header_line("demo"),
    entry_line(RULES, None),
    entry_line(TICK, "demo.core.tick-value"),
    answer_line(ALERT, "demo.core.alert-value"),
    answer_line(ENDED, "demo.core.watch-value"),
]


def written(to: Path, lines: list[bytes] = LINES) -> Path:
    with to.open("wb") as file:
        write_lines(lines, file, is_compressed=to.suffix == ".gz")
    return to


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.jsonl.gz"])
def test_what_was_written_is_read_again(tmp_path: Path, name: str) -> None:
    file = JournalFile(written(tmp_path / name))
    assert file.city == "demo"
    (second, rules), (third, tick) = file.entries()
    assert (second, third, tick) == (2, 3, TICK)
    assert (rules.row, orjson.loads(rules.body)) == (RULES.row, orjson.loads(RULES.body))
    assert list(file.answers("demo.core.alert")) == [ALERT]
    assert list(file.answers("demo.core.watch")) == [ENDED]
    assert file.topics() == {"demo.core.alert", "demo.core.watch"}


def test_the_same_lines_give_the_same_bytes_whatever_the_file_is_called(tmp_path: Path) -> None:
    assert written(tmp_path / "a.gz").read_bytes() == written(tmp_path / "b.gz").read_bytes()


def changed(line: bytes, **fields: Any) -> bytes:
    return orjson.dumps({**orjson.loads(line), **fields}) + b"\n"


@pytest.mark.parametrize(
    ("number", "line", "why"),
    [
        (1, b"{}\n", "line 1: no exported journal"),
        (1, changed(LINES[0], form=3), "line 1: an exported journal of another form than 1"),
        (3, b"{\n", "line 3: no JSON"),
        (3, b"[]\n", "line 3: no JSON object"),
        (3, changed(LINES[2], sequence="2"), "line 3: sequence is no whole number"),
        (3, changed(LINES[2], origin_topic=None), "line 3: origin_topic is no text"),
        (3, changed(LINES[2], version=0), "line 3: version is no number"),
        (3, changed(LINES[2], version=7), "line 3: core.tick has no version 7"),
        (3, changed(LINES[2], body="?"), "line 3: body is no base64"),
        (3, changed(LINES[2], body="AAAA"), "line 3: "),
        (3, changed(LINES[3], payload="?"), "line 3: payload is no base64"),
        (3, changed(LINES[3], key=None), "line 3: key is no text"),
        (5, changed(LINES[4], topic="demo.core.shadow"), "answers on demo.core.shadow"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, number: int, line: bytes, why: str) -> None:
    path = written(tmp_path / "wrong.jsonl", [*LINES[: number - 1], line, *LINES[number:]])
    with pytest.raises(Invalid, match=why):
        verify_file(JournalFile(path))


def test_an_empty_file_and_one_that_is_cut_off_are_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="line 1: no exported journal"):
        JournalFile(written(tmp_path / "empty.jsonl", []))
    whole = written(tmp_path / "whole.gz").read_bytes()
    (tmp_path / "cut.gz").write_bytes(whole[:-20])
    with pytest.raises(Invalid, match="damaged or cut off"):
        JournalFile(tmp_path / "cut.gz").topics()
    (tmp_path / "no.gz").write_bytes(LINES[0])
    with pytest.raises(Invalid, match="damaged or cut off"):
        JournalFile(tmp_path / "no.gz")


def test_answers_that_the_rules_do_not_give_are_differences(tmp_path: Path) -> None:
    verdict = verify_file(JournalFile(written(tmp_path / "more.jsonl", [*LINES[:2], *LINES[3:]])))
    assert verdict.differences == [
        "core.alert: answered then, not now",
        "core.watch: answered then, not now",
    ]


def test_only_the_paths_of_what_differs_are_told() -> None:
    now = {"a": 1, "b": [{"c": 1}, {"c": 2}], "d": {"e": 1}}
    assert differing_fields(now, now) == []
    assert differing_fields(now, {"a": 2, "b": [{"c": 1}, {"c": 3}], "d": {"e": 1}}) == ["a", "b[1].c"]
    assert differing_fields(now, {"a": 1, "b": [], "d": {}}) == ["b", "d.e"]


# -- versions -------------------------------------------------------------------------------------------------


def an_alert() -> dict[str, Any]:
    contract = load_catalogue()["core.alert"]
    return from_json_value(
        contract.newest, orjson.loads((contract.folder / "examples" / "typical.json").read_bytes())
    )


def test_the_version_is_the_catalogues_however_the_registry_counts() -> None:
    contract = load_catalogue()["core.alert"]
    with a_registry() as shelf:
        wire = Wire(Registry(shelf.url))
        _, _, newest = wire.encode("demo", Event("core.alert", "key", an_alert()))
        versions = Versions(wire.registry)
        assert versions.of("demo.core.alert", newest or b"", "here")[0] == len(contract.versions)
        oldest = frame(shelf.subjects["demo.core.alert-value"][0], b"payload")
        assert versions.of("demo.core.alert", oldest, "here") == (1, b"payload")


def test_a_schema_that_the_catalogue_does_not_have_is_told_with_its_place() -> None:
    with a_registry() as shelf:
        strange = shelf.answer(
            "POST", "/subjects/demo.core.alert-value/versions", {"schema": orjson.dumps(a_record()).decode()}
        )
        value = frame(strange[1]["id"], b"")
        with pytest.raises(
            Fatal, match=r"demo.core.alert\[0\]@7 is written in a schema of core.alert that the"
        ):
            Versions(Registry(shelf.url)).of("demo.core.alert", value, "demo.core.alert[0]@7")
        with pytest.raises(Fatal, match=r"@8: the registry knows no schema id 99"):
            Versions(Registry(shelf.url)).of("demo.core.alert", frame(99, b""), "demo.core.alert[0]@8")


def test_rules_stand_as_the_json_that_they_are_and_all_else_as_base64() -> None:
    rules, tick = orjson.loads(LINES[1]), orjson.loads(LINES[2])
    assert (rules["body"], rules["version"]) == (config_of({}).canonical(), None)
    assert (tick["body"], tick["version"], tick["subject"]) == ("AP8=", 1, "demo.core.tick-value")


def test_a_compressed_file_that_is_cut_off_names_the_line_that_is_missing(tmp_path: Path) -> None:
    whole = written(tmp_path / "j.jsonl.gz").read_bytes()
    short = tmp_path / "short.jsonl.gz"
    short.write_bytes(whole[:-9])
    with pytest.raises(Invalid, match="line 6: the compressed file is damaged or cut off"):
        list(JournalFile(short).entries())
        list(JournalFile(short).answers("demo.core.watch"))


@pytest.mark.parametrize(
    "header",
    [
        {"export": "bongsu journal", "form": 1},
        {"export": "another", "form": 1, "city": "demo"},
        {"export": "bongsu journal", "form": 1, "city": 7},
        {"export": "bongsu journal", "form": 3, "city": "demo"},
    ],
)
def test_each_part_of_the_header_is_needed(tmp_path: Path, header: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="line 1: "):
        JournalFile(written(tmp_path / "j.jsonl", [orjson.dumps(header) + b"\n", *LINES[1:]]))
