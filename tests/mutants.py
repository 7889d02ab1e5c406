"""Plants small faults in the modules of the rim, one at a time, and tells which of them the tests notice.

    python -m tests.mutants --seed 7 --count 20            # code, by cosmic-ray's operators
    python -m tests.mutants --seed 7 --count 20 --data     # the tables of data, by tests/planted_data.py

mutants.toml says which modules, and which tests belong to each. All happens in a copy of the repository.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import islice
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.testing import run_tests
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

from tests.planted_data import Fault, faults

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_suffix(".toml")
TEST_SECONDS, RUN_SECONDS = 60, 300
CAUGHT, LIMIT, SURVIVED, NONE = "caught", "ended by the time limit", "survived", "no mutant"
BY = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
BY_LIMIT = re.compile(r"from pytest-timeout|^\++ Timeout \++$", re.MULTILINE)
Tests = Mapping[str, tuple[str, ...]]
"""File → the test files that belong to it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The tests' answer to one mutant; *by* is the first test that failed."""

    path: str
    line: int
    change: str
    outcome: str
    by: str = ""
    diff: str = ""


def read_table(text: str, root: Path, *, data: bool) -> Tests:
    """The files to change, each with its tests, from ``mutants.toml``. A name may hold ``*``."""
    of, names, end = ("data", "files", ".toml") if data else ("room", "modules", ".py")
    return {
        path.relative_to(root).as_posix(): tuple(f"{one}.py" for one in entry["tests"])
        for entry in tomllib.loads(text)[of]
        for name in entry[names]
        for path in sorted(root.glob(f"{name}{end}")) or [root / f"{name}{end}"]
    }


def idle_places(source: str) -> frozenset[tuple[int, int]]:
    """The places (line, column) in *source* where a change does nothing: annotations, which nothing evaluates."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        for said in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if said is not None:
                found |= {(one.lineno, one.col_offset) for one in ast.walk(said) if isinstance(one, ast.expr)}
                found |= _spaces_within(said)
    return frozenset(found)


def _spaces_within(said: ast.expr) -> set[tuple[int, int]]:
    """Every column of an annotation of one line: an operator's own place is in no node."""
    if said.lineno != said.end_lineno:
        return set()
    return {(said.lineno, column) for column in range(said.col_offset, said.end_col_offset or 0)}


def drawn(
    items: Iterable[WorkItem], chance: random.Random, is_idle: Callable[[MutationSpec], bool]
) -> list[WorkItem]:
    """The mutants in the order of *chance*: one for each place in the code, so that a ``+``, which has eleven, is not
    drawn eleven times as often as a ``not``."""
    places: dict[tuple[str, tuple[int, int], tuple[int, int]], list[WorkItem]] = {}
    for item in sorted(items, key=lambda one: _order(one.mutations[0])):
        mutation = item.mutations[0]
        if not is_idle(mutation):
            key = (mutation.module_path.as_posix(), mutation.start_pos, mutation.end_pos)
            places.setdefault(key, []).append(item)
    mutants = [chance.choice(one) for one in places.values()]
    chance.shuffle(mutants)
    return mutants


def _order(mutation: MutationSpec) -> tuple[str, tuple[int, int], str, int]:
    return (mutation.module_path.as_posix(), mutation.start_pos, mutation.operator_name, mutation.occurrence)


def verdict(path: str, line: int, change: str, result: WorkResult) -> Verdict:
    """A run's *result* in our words. A test that hangs counts as ended by its limit, never as caught."""
    output, diff = result.output or "", result.diff or ""
    if result.worker_outcome is not WorkerOutcome.NORMAL or result.test_outcome is TestOutcome.INCOMPETENT:
        return Verdict(path, line, change, NONE, output[-300:], diff)
    if result.test_outcome is TestOutcome.SURVIVED:
        return Verdict(path, line, change, SURVIVED, diff=diff)
    failed = BY.search(output)
    by = failed[1] if failed else ""
    if output == "timeout" or BY_LIMIT.search(output):
        return Verdict(path, line, change, LIMIT, by, diff)
    return Verdict(path, line, change, CAUGHT if by else NONE, by or output[-300:], diff)


def command_of(tests: Sequence[str]) -> str:
    """Run *tests* until the first fails, without any cluster."""
    return (
        f"{sys.executable} -m pytest -x -q -p no:cacheprovider -p no:randomly --no-header --tb=line"
        f" --timeout={TEST_SECONDS} -m 'not cluster and not long' {' '.join(tests)}"
    )


@contextlib.contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    """A copy of the files that Git knows, in which this process and the tests it starts then work."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        listed = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
            if name and (root / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, Path(folder) / name)
        before, path_before = Path.cwd(), os.environ.get("PYTHONPATH")
        os.chdir(folder)
        os.environ["PYTHONPATH"] = folder
        os.environ.setdefault("BONGSU_DATA", str(root.parent / "shared" / "data"))
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            os.environ.pop("PYTHONPATH") if path_before is None else os.environ.update(PYTHONPATH=path_before)


def of_code(tests: Tests, chance: random.Random, database: Path, within: slice) -> Iterator[Verdict]:
    """Draw mutants of the modules in the working folder by cosmic-ray's operators; run those *within*."""
    work = WorkDB(str(database), WorkDB.Mode.create)
    init([Path(name) for name in tests], work, {})
    idle = {name: idle_places(Path(name).read_text(encoding="utf-8")) for name in tests}
    mutants = drawn(work.work_items, chance, lambda one: one.start_pos in idle[one.module_path.as_posix()])
    for item in islice(filter(is_a_program, mutants), within.start, within.stop):
        mutation = item.mutations[0]
        path = mutation.module_path.as_posix()
        result = mutate_and_test(item.mutations, command_of(tests[path]), RUN_SECONDS)
        work.set_result(item.job_id, result)
        yield verdict(path, mutation.start_pos[0], mutation.operator_name.removeprefix("core/"), result)


def of_data(tests: Tests, chance: random.Random, within: slice) -> Iterator[Verdict]:
    """Draw faults of the tables in the working folder; run those *within*."""
    found = {name: list(faults(Path(name).read_text(encoding="utf-8"))) for name in tests}
    for name, fault in by_turns(found, tests, chance)[within]:
        yield planted(name, fault, tests[name])


def is_a_program(item: WorkItem) -> bool:
    """Whether the mutant compiles. The ``*`` of a signature is no product, but the operators take it for one; and one of
    them breaks on a dotted name in ``except (A, b.C)``."""
    (mutation,) = item.mutations
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    source = mutation.module_path.read_text(encoding="utf-8")
    try:
        code = mutate_code(source, operator, mutation.occurrence)
        compile(code or "", str(mutation.module_path), "exec")
    except (SyntaxError, AttributeError):
        return False
    return code is not None


def by_turns(
    found: Mapping[str, Sequence[Fault]], tests: Tests, chance: random.Random
) -> list[tuple[str, Fault]]:
    """Every fault in the order of *chance*: the room is drawn first, then the file, so that neither many files nor a
    long one crowd out the rest."""
    waiting = {name: chance.sample(of_file, len(of_file)) for name, of_file in sorted(found.items())}
    order = []
    while names := [name for name, left in waiting.items() if left]:
        room = chance.choice(sorted({tests[name] for name in names}))
        name = chance.choice([name for name in names if tests[name] == room])
        order.append((name, waiting[name].pop()))
    return order


def planted(name: str, fault: Fault, tests: Sequence[str]) -> Verdict:
    """The tests' verdict on *fault* in the file *name* of the working folder; the file is put back."""
    path = Path(name)
    before = path.read_text(encoding="utf-8")
    diff = "\n".join(unified_diff(before.splitlines(), fault.text.splitlines(), name, name, lineterm="", n=0))
    path.write_text(fault.text, encoding="utf-8")
    try:
        outcome, output = run_tests(command_of(tests), RUN_SECONDS)
    finally:
        path.write_text(before, encoding="utf-8")
    result = WorkResult(WorkerOutcome.NORMAL, output, outcome, diff)
    return verdict(name, fault.line, fault.kind, result)


def told(number: int, one: Verdict) -> str:
    """One mutant for people: place, change, outcome, diff."""
    changed = [
        line
        for line in one.diff.splitlines()
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]
    head = f"{number:3} {one.path}:{one.line} {one.change}: {one.outcome}" + (
        f" by {one.by}" if one.by else ""
    )
    return "\n".join([head, *(f"      {line}" for line in changed)])


def say(text: str) -> None:
    """A line to standard output at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and run ``--count`` mutants, and print each. 1 when one was not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--skip", type=int, default=0, help="so many of the draw were run before")
    parser.add_argument("--data", action="store_true", help="the tables of data instead of the code")
    said = parser.parse_args(arguments)
    say(f"seed {said.seed}, {said.count} mutants after the first {said.skip}")
    chance, outcomes = random.Random(said.seed), []
    with copy_of(ROOT) as folder:
        tests = read_table(TABLE.read_text(encoding="utf-8"), folder, data=said.data)
        within = slice(said.skip, said.skip + said.count)
        runs = (
            of_data(tests, chance, within)
            if said.data
            else of_code(tests, chance, folder / "mutants.sqlite", within)
        )
        for number, one in enumerate(runs, said.skip + 1):
            say(told(number, one))
            outcomes.append(one.outcome)
    say(", ".join(f"{outcomes.count(one)} {one}" for one in (CAUGHT, LIMIT, SURVIVED, NONE)))
    return int(outcomes.count(CAUGHT) < len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
