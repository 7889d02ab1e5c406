"""``bongsu source new --in`` and ``source check``: a source of one's own with its test, and the contract suite over it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.contract_suite import report
from connectors.contract_suite.checks import EVERY, WEB
from deploy.faults import UsageFault
from deploy.skeleton import lay_in_folder
from tests.contract.an_example import EXAMPLES
from tests.unit.deploy.own_town import GOOD, a_source, a_town, fault_of, ran


def spoilt(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The file of the skeleton's source with the first text of each of *changes* replaced by the second."""
    lay_in_folder("our_calls", tmp_path / "connectors")
    file = tmp_path / "connectors" / "sources" / "our_calls.py"
    text = file.read_text()
    for good, bad in changes:
        assert good in text
        text = text.replace(good, bad)
    file.write_text(text)
    return file


def test_what_is_laid_passes_every_check_by_file_and_by_name(tmp_path: Path) -> None:
    done = ran("source", "new", "our_calls", "--in", tmp_path / "connectors")
    assert done.exit_code == 0
    file = tmp_path / "connectors" / "sources" / "our_calls.py"
    assert done.stdout.split()[0] == str(file)
    assert f"bongsu source check {file}" in done.stderr
    assert f"pytest {tmp_path / 'connectors' / 'tests'}" in done.stderr
    assert f'connectors = ["{tmp_path / "connectors"}"]' in done.stderr
    checked = ran("source", "check", file)
    assert checked.exit_code == 0, checked.output
    ok = re.findall(r"^  ok      (.+)$", checked.stdout, re.MULTILINE)
    assert ok[1:] == [one.name for one in (*EVERY, *WEB)]


def test_a_source_is_checked_by_its_name_in_the_folders_of_its_city(tmp_path: Path) -> None:
    a_source(tmp_path, "torn_one", "def f(:\n")
    town = a_town(tmp_path)
    checked = ran("source", "check", "torn_one", "--city", town)
    assert checked.exit_code == 1
    assert "FAILED  it is imported" in checked.stdout
    assert "no source is of type" in fault_of(ran("source", "check", "torn_one"))


def test_its_own_test_passes_outside_the_repository(tmp_path: Path) -> None:
    lay_in_folder("our_calls", tmp_path / "connectors")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "connectors/tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    lay_in_folder("our_calls", tmp_path)
    with pytest.raises(UsageFault, match="exists"):
        lay_in_folder("our_calls", tmp_path)
    assert "two places" in fault_of(ran("source", "new", "other_one", "--in", tmp_path, "--to", tmp_path))


BREACHES = {
    "a broken body is kept whole: html: it is not set aside whole": (
        "aside=[set_aside(heard.body, error)]",
        "aside=[]",
    ),
    "reading is pure: ": (
        "        try:\n            cases",
        "        place['n'] = 1 + place.get('n', 0)\n        try:\n            cases",
    ),
    "without a description: url": (', description="the address of the list of calls"', ""),
    "status 500 raises no Retriable": (
        "        return await self._page.get()",
        "        try:\n            return await self._page.get()\n"
        "        except Exception:\n            return Heard(b'', None)",
    ),
    "every event keeps its contract: ": ('status="open"', 'status="on scene"'),
}


def test_broken_promises_are_reported_each_with_what_to_mend(tmp_path: Path) -> None:
    checked = ran("source", "check", spoilt(tmp_path, *BREACHES.values()))
    assert checked.exit_code == 1
    for told in BREACHES:
        found = re.search(
            rf"^  FAILED  .*{re.escape(told)}.*\n          mend: ", checked.stdout, re.MULTILINE
        )
        assert found, f"{told}\n{checked.stdout}"
    assert re.match(r"\d+ of \d+ checks failed", str(checked.exception))


def test_a_source_that_raises_is_reported_with_its_line_and_every_other_check_runs(tmp_path: Path) -> None:
    file = spoilt(tmp_path, ('        word = a_text(call.get("type"), "type")\n', "        word = {}[1]\n"))
    line = file.read_text().splitlines().index("        word = {}[1]") + 1
    checked = ran("source", "check", file)
    assert checked.exit_code == 1
    assert f"KeyError: 1 ({file}, line {line})" in checked.stdout
    assert checked.stdout.count("\n  ok  ") + checked.stdout.count("\n  FAILED  ") == len((*EVERY, *WEB)) + 1


def test_a_source_that_never_ends_does_not_hold_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "CHECK_S_MAX", 0.2)
    monkeypatch.setattr(report, "checks_of", lambda _: EVERY[:2])
    file = spoilt(
        tmp_path,
        (
            "        try:\n            cases",
            "        while True:\n            pass\n        try:\n            cases",
        ),
    )
    checked = ran("source", "check", file)
    assert f"ok      {EVERY[0].name}" in checked.stdout
    assert "did not end within 0.2 s" in checked.stdout
    assert f"({file}, line " in checked.stdout


def test_without_an_example_the_checks_say_what_they_need(tmp_path: Path) -> None:
    file = a_source(tmp_path, "bare_one", GOOD)
    assert "brings no example" in fault_of(ran("source", "check", file))
    (tmp_path / "x.toml").write_text('city = "a"\n')
    assert "bounds is missing" in fault_of(ran("source", "check", file, "--example", tmp_path / "x.toml"))


def test_a_source_that_ships_is_checked_by_its_name() -> None:
    checked = ran("source", "check", "mapped_rows", "--example", EXAMPLES / "mapped_rows.toml")
    assert checked.exit_code == 0, checked.output
    assert "FAILED" not in checked.stdout


def test_a_file_that_is_no_source_is_refused(tmp_path: Path) -> None:
    assert "no file" in fault_of(ran("source", "check", tmp_path / "nothing.py"))
    assert "is no source" in fault_of(ran("source", "check", a_source(tmp_path, "_part", "N = 1\n")))
