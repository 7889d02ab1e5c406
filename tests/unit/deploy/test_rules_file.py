"""A city's rules change while it runs: a valid file is used, a wrong one is logged with its line and changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.city.city import load_city
from deploy.city.rules_file import RulesFile
from deploy.faults import UsageFault
from tests.unit.deploy.test_city_file import GOOD

WRITTEN_S = 1_780_000_000


class Written:
    """A city's file whose modification time the test sets."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "testcity.toml"
        self.at_s = WRITTEN_S
        self.write(GOOD)
        self.file = RulesFile(load_city(str(self.path)))

    def write(self, text: str) -> int:
        """Write the file; return the time from which it counts as settled."""
        self.path.write_text(text, encoding="utf-8")
        self.at_s += 10
        os.utime(self.path, (self.at_s, self.at_s))
        return self.at_s + 1


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_other_numbers_are_taken_up_once(written: Written) -> None:
    assert written.file.look(written.at_s + 1) is None
    now_s = written.write(GOOD.replace("radius_m = 150", "radius_m = 250"))
    change = written.file.look(now_s)
    assert change is not None
    assert (change.rules.radius_m, change.rest_waits) == (250, False)
    assert change.before != change.rules.digest
    assert written.file.look(now_s + 1) is None


def test_what_is_still_being_written_waits(written: Written) -> None:
    now_s = written.write(GOOD.replace("radius_m = 150", "radius_m = 250"))
    assert written.file.look(now_s - 0.5) is None
    assert written.file.look(now_s) is not None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (GOOD.replace("radius_m = 150", "radius_m = -1"), "line 18: rule.0.radius_m"),
        (GOOD.replace("radius_m = 150", "radius = 150"), "line 18: rule.0.radius"),
        (GOOD.replace("[[rule]]", "[[rule"), "not TOML"),
        (GOOD.replace('"joint-incident"', '"no-such-rule"'), "no rule 'no-such-rule'"),
        (GOOD.replace('"testcity"', '"othercity"'), "is called 'othercity' now"),
    ],
)
def test_a_wrong_file_is_told_once_and_those_before_stay(written: Written, wrong: str, says: str) -> None:
    now_s = written.write(wrong)
    with pytest.raises(UsageFault, match=says):
        written.file.look(now_s)
    assert written.file.look(now_s + 1) is None
    assert written.file.now(now_s + 2).radius_m == 150
    assert written.file.look(written.write(GOOD)) is None
    assert written.file.look(written.write(GOOD.replace("150", "300"))) is not None


def test_a_file_that_is_away_for_a_moment_changes_nothing(written: Written) -> None:
    written.path.unlink()
    assert written.file.look(written.at_s + 5) is None
    change = written.file.look(written.write(GOOD.replace("150", "300")))
    assert change is not None and change.rules.radius_m == 300


def test_what_changed_beside_the_rules_is_said_to_wait(written: Written) -> None:
    change = written.file.look(written.write(GOOD.replace("count = 5", "count = 6")))
    assert change is not None
    assert change.rest_waits
    assert change.before == change.rules.digest


def test_who_asks_for_the_rules_gets_those_of_now(written: Written) -> None:
    assert written.file.now(written.at_s + 1).radius_m == 150
    now_s = written.write(GOOD.replace("150", "300"))
    assert written.file.now(now_s).radius_m == 300
