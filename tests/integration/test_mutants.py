"""The command that plants small faults and tells which of them the tests notice."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest
from cosmic_ray.commands.init import init
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import TestOutcome as Outcome
from cosmic_ray.work_item import WorkerOutcome, WorkItem, WorkResult

from tests.mutants import (
    CAUGHT,
    LIMIT,
    NONE,
    ROOT,
    SURVIVED,
    TABLE,
    Verdict,
    by_turns,
    copy_of,
    drawn,
    idle_places,
    is_a_program,
    of_code,
    planted,
    read_table,
    told,
    verdict,
)
from tests.planted_data import faults

SOURCE = "def half(n: int | None) -> int | None:\n    return n // 2 if n else None\n"
PASSES = "import half\n\ndef test_it_imports() -> None:\n    assert half\n"
BITES = "from half import half\n\ndef test_half_of_six_is_three() -> None:\n    assert half(6) == 3 and half(None) is None\n"
LAW = """# days: 3
name = "kr"
forget_after_days = 30 # the usual
[uses]
pairs = [
  { kinds = ["crash", "medical"], radius_m = 100 },
  { kinds = ["fire", "medical"] },
]
"GAS 2" = "gas.leak"
"CAR" = "crash"
retention = "30d"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module of one function and nothing of ours."""
    (tmp_path / "half.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n  cluster: none\n  long: none\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def mutants(folder: Path, seed: int) -> list[WorkItem]:
    work = WorkDB(str(folder / "work"), WorkDB.Mode.create)
    init([Path("half.py")], work, {})
    idle = idle_places(SOURCE)
    return drawn(work.work_items, random.Random(seed), lambda one: one.start_pos in idle)


def result(output: str = "", outcome: Outcome = Outcome.KILLED) -> WorkResult:
    return WorkResult(WorkerOutcome.NORMAL, output, outcome, "")


def test_every_module_of_the_rim_and_every_test_file_of_the_table_is_there() -> None:
    for data in (False, True):
        table = read_table(TABLE.read_text(encoding="utf-8"), ROOT, data=data)
        named = {*table, *(test for tests in table.values() for test in tests)}
        assert [name for name in named if not (ROOT / name).is_file()] == []
    modules = read_table(TABLE.read_text(encoding="utf-8"), ROOT, data=False)
    rooms = ("streams/runtime", "streams/ingest", "streams/journal", "connectors/sinks")
    there = {path.relative_to(ROOT).as_posix() for room in rooms for path in (ROOT / room).glob("*.py")}
    assert {name for name in there if not name.endswith("__init__.py")} <= modules.keys()


def test_no_module_stands_twice_in_the_table() -> None:
    rooms = tomllib.loads(TABLE.read_text(encoding="utf-8"))["room"]
    modules = [name for room in rooms for name in room["modules"]]
    assert len(modules) == len(set(modules))


def test_a_seed_draws_the_same_mutants_again_and_each_place_once(folder: Path) -> None:
    drawings = [[one.mutations[0] for one in mutants(folder, seed)] for seed in (7, 7, 8, 9)]
    assert drawings[0] == drawings[1]
    assert drawings[0] not in drawings[2:]
    places = [(one.start_pos, one.end_pos) for one in drawings[0]]
    assert len(places) == len(set(places)) >= 3


def test_annotations_are_left_alone(folder: Path) -> None:
    assert {one.mutations[0].start_pos[0] for one in mutants(folder, 1)} == {2}


def test_a_mutant_that_does_not_compile_is_none(folder: Path) -> None:
    """The star of a signature is none of the places."""
    (folder / "half.py").write_text("def half(*, n: int) -> int:\n    return 2 * n\n", encoding="utf-8")
    work = WorkDB(str(folder / "work"), WorkDB.Mode.create)
    init([Path("half.py")], work, {})
    lines = {
        is_a_program(one): one.mutations[0].start_pos[0]
        for one in work.work_items
        if "Mul" in one.mutations[0].operator_name
    }
    assert lines == {False: 1, True: 2}


def test_code_on_which_an_operator_breaks_is_passed_over(folder: Path) -> None:
    source = "import zlib\n\ntry:\n    pass\nexcept (ValueError, zlib.error):\n    pass\n"
    (folder / "half.py").write_text(source, encoding="utf-8")
    work = WorkDB(str(folder / "work"), WorkDB.Mode.create)
    init([Path("half.py")], work, {})
    found = [is_a_program(one) for one in work.work_items if "Exception" in one.mutations[0].operator_name]
    assert sorted(found) == [False, True]


def test_a_test_that_bites_catches_every_mutant_and_the_module_is_put_back(folder: Path) -> None:
    (folder / "test_bites.py").write_text(BITES, encoding="utf-8")
    (one,) = of_code({"half.py": ("test_bites.py",)}, random.Random(1), folder / "work", slice(0, 1))
    assert (one.outcome, one.by, one.line) == (CAUGHT, "test_bites.py::test_half_of_six_is_three", 2)
    assert (folder / "half.py").read_text(encoding="utf-8") == SOURCE


def test_a_test_that_asserts_nothing_lets_it_survive(folder: Path) -> None:
    (folder / "test_passes.py").write_text(PASSES, encoding="utf-8")
    (one,) = of_code({"half.py": ("test_passes.py",)}, random.Random(1), folder / "work", slice(0, 1))
    assert (one.outcome, one.by) == (SURVIVED, "")
    assert "+    return" in one.diff


@pytest.mark.parametrize(
    ("said", "outcome", "by"),
    [
        (result("FAILED tests/a.py::test_b - assert 1"), CAUGHT, "tests/a.py::test_b"),
        (result("ERROR tests/a.py - NameError"), CAUGHT, "tests/a.py"),
        (
            result("FAILED a.py::test_b - Failed: Timeout (>60.0s) from pytest-timeout."),
            LIMIT,
            "a.py::test_b",
        ),
        (result("timeout"), LIMIT, ""),
        (result("no tests ran"), NONE, "no tests ran"),
        (result("5 passed", Outcome.SURVIVED), SURVIVED, ""),
        (WorkResult(WorkerOutcome.NO_TEST), NONE, ""),
    ],
)
def test_a_run_that_hangs_or_fails_without_a_test_is_not_caught(
    said: WorkResult, outcome: str, by: str
) -> None:
    one = verdict("a.py", 3, "AddNot", said)
    assert (one.outcome, one.by) == (outcome, by)


def test_the_copy_has_the_repositorys_files_and_is_the_working_folder() -> None:
    with copy_of(ROOT) as folder:
        assert Path.cwd() == folder != ROOT
        assert (folder / "streams" / "runtime" / "loop.py").read_bytes() == (
            ROOT / "streams/runtime/loop.py"
        ).read_bytes()
    assert not folder.exists()


def test_a_table_is_changed_by_number_row_and_word() -> None:
    found = list(faults(LAW))
    texts = {(one.line, one.kind): one.text for one in found}
    assert texts[3, "number times ten"] == LAW.replace("= 30", "= 300")
    assert texts[3, "row gone"] == LAW.replace("forget_after_days = 30 # the usual\n", "")
    assert texts[6, "number times ten"] == LAW.replace("100", "1000")
    assert texts[6, "word of the next row"] == LAW.replace('"crash", "medical"', '"fire", "medical"')
    assert texts[7, "row gone"] == LAW.replace('  { kinds = ["fire", "medical"] },\n', "")
    assert texts[9, "word of the next row"] == LAW.replace("gas.leak", "crash")
    assert texts[11, "number times ten"] == LAW.replace("30d", "300d")
    assert {line for line, _ in texts} == {2, 3, 6, 7, 9, 10, 11}
    assert all(tomllib.loads(one.text) != tomllib.loads(LAW) for one in found)


def test_every_fault_of_a_real_table_is_toml_of_another_meaning() -> None:
    for name in ("deploy/laws/kr.toml", "streams/situations/rules/joint_incident.toml", "schemas/parts.toml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        found = list(faults(text))
        meant = tomllib.loads(text)
        assert len(found) > 20
        for one in random.Random(1).sample(found, 20):
            assert tomllib.loads(one.text) != meant, one


def test_a_fault_in_data_is_run_and_the_file_put_back(folder: Path) -> None:
    (folder / "kr.toml").write_text(LAW, encoding="utf-8")
    (folder / "test_law.py").write_text(
        "from pathlib import Path\n\ndef test_days() -> None:\n    assert ' = 30 ' in Path('kr.toml').read_text()\n",
        encoding="utf-8",
    )
    fault = next(one for one in faults(LAW) if one.line == 3)
    one = planted("kr.toml", fault, ("test_law.py",))
    assert (one.outcome, one.by) == (CAUGHT, "test_law.py::test_days")
    assert (folder / "kr.toml").read_text(encoding="utf-8") == LAW
    assert "+forget_after_days = 300" in told(1, one)


def test_a_long_table_does_not_crowd_out_a_short_one() -> None:
    short = list(faults(LAW))[:3]
    found = {"long": short * 50, "short": short} | {f"one of many {number}": short for number in range(30)}
    tests = {name: (name[:5],) for name in found}
    order = by_turns(found, tests, random.Random(3))
    assert len(order) == 153 + 90
    assert {name[:5] for name, _ in order[:12]} == {"long", "short", "one o"}
    assert sum(name.startswith("one") for name, _ in order[:12]) <= 8


def test_a_verdict_is_told_with_its_place_and_its_diff() -> None:
    one = Verdict(
        "a.py", 3, "AddNot", CAUGHT, "t.py::test_b", "--- a/a.py\n+++ b/a.py\n@@\n-if x:\n+if not x:"
    )
    assert told(1, one) == "  1 a.py:3 AddNot: caught by t.py::test_b\n      -if x:\n      +if not x:"
