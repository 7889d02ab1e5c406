"""Topics are read only as the table says, and only by the one reader that skips unreadable records."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

from schemas.catalogue import load_catalogue
from tests.reads import COMMANDS, STAGES, WRITES

ROOT = Path(__file__).resolve().parents[3]
OPENING = {
    "read_rows", "read_whole", "read_tail", "newest_of", "reader", "group_consumer", "Follower", "partitions_of",
    "partition_of", "values_of", "fast_topics",
}  # fmt: skip
"""Calls by which a topic is opened."""
PLUMBING = {
    "streams/runtime/kafka.py": "where they are made",
    "streams/runtime/worker.py": "consumers of stages, which say what they read",
    "streams/runtime/loop.py": "the same",
    "streams/runtime/read_back.py": "what a stage has taken, which says what it reads",
    "streams/runtime/follower.py": "of whoever follows",
    "streams/runtime/tables.py": "of whoever has a table",
    "streams/match/worker/message_reader.py": "what reader.fast_topics names",
    "streams/match/worker/membership.py": "the same",
    "streams/match/worker/loop.py": "the match's own readers",
    "streams/match/worker/metrics.py": "names them, and reads none",
    "streams/runtime/group_lag.py": "offsets of others, and the times of records",
    "streams/runtime/pulse.py": "counts ticks, and reads none",
    "streams/operators/health_log.py": "looks when it is asked, and says what cannot be read",
    "deploy/cli/bench.py": "a measurement of its own topics",
}
DECODING = {
    "streams/sightings/sighting_columns.py": "columns of many; what it cannot read is read again in the one way",
    "streams/runtime/row_reader.py": "the one way",
    "streams/journal/entries.py": "what the rules saw is in the journal because it could be read",
    "deploy/record_form.py": "shows what cannot be read, with why",
}


@cache
def texts() -> dict[str, str]:
    """The text of each module, by its path."""
    paths = [
        path
        for folder in ("streams", "deploy", "connectors")
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def modules(*words: str, beside: Collection[str] = ()) -> Iterator[tuple[str, ast.Module]]:
    """The modules in whose text one of *words* stands, and those of *beside*: the others need not be parsed."""
    for path, text in texts().items():
        if path in beside or any(word in text for word in words):
            yield path, ast.parse(text)


def calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(object, name) of each call: ``wire.decode(…)`` is ("wire", "decode")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(name):
                    yield "", name
                case ast.Attribute(ast.Name(of), name) | ast.Attribute(ast.Attribute(_, of), name):
                    yield of, name


def named(tree: ast.Module) -> set[str]:
    """The contracts that a module names."""
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {word for word in words if isinstance(word, str) and word in load_catalogue()}


def opened_by(tree: ast.Module) -> set[str]:
    """The functions that a module imports to open topics."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imports = [node for node in imports if not (node.module or "").startswith(("connectors.", "schemas."))]
    return {one.name for node in imports for one in node.names if one.name in OPENING}


def unknown(path: str, tree: ast.Module) -> set[str]:
    """The contracts that a module which opens topics names, and no table has."""
    stage = STAGES[path][2] if path in STAGES else COMMANDS.get(path)
    if stage is None:
        return named(tree) or {"any"} if opened_by(tree) and path not in PLUMBING else set()
    return named(tree) - stage - WRITES.get(path, set())


def test_whoever_opens_a_topic_is_in_the_table_with_it() -> None:
    tables = {*STAGES, *COMMANDS}
    found = {
        path: missing for path, tree in modules(*OPENING, beside=tables) if (missing := unknown(path, tree))
    }
    assert found == {}, "add it to tests/reads.py: then it is sent junk"


def test_the_table_names_no_module_that_reads_nothing() -> None:
    opened = {path for path, tree in modules(*OPENING) if opened_by(tree)}
    assert {*STAGES, *COMMANDS} - opened - {"streams/match/worker/reader.py"} == set()


def test_records_are_decoded_in_one_place() -> None:
    decoding = {
        path for path, tree in modules("decode") if any(_is_wire(of, name) for of, name in calls(tree))
    }
    assert decoding == set(DECODING), "read through streams.runtime.row_reader.RowReader"


def _is_wire(of: str, name: str) -> bool:
    return name == "decode" and of in ("wire", "_wire")


@pytest.mark.parametrize(
    "text",
    [
        'from streams.runtime.kafka import read_whole\nread_whole(kafka, [topic_name(city, "core.grant")])',
        'from streams.runtime.follower import Follower\nFollower("x", topic_name(city, "core.watch"))',
    ],
)
def test_a_new_topic_is_noticed(text: str) -> None:
    assert unknown("streams/new.py", ast.parse(text))
    assert unknown("streams/stages/live_view.py", ast.parse(text))


def test_a_second_way_is_noticed() -> None:
    assert any(_is_wire(*one) for one in calls(ast.parse("self._wire.decode(topic, value)")))
    assert any(_is_wire(*one) for one in calls(ast.parse("platform.wire.decode(topic, value)")))
