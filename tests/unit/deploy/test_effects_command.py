"""The output of ``bongsu effects`` about a period and its control."""

from __future__ import annotations

import pytest

from deploy.cli.effects import measured, show_change
from deploy.faults import UsageFault
from tests.unit.streams.test_effects import DAY, two_days


def test_each_measure_stands_beside_its_control_with_the_change(capsys: pytest.CaptureFixture[str]) -> None:
    show_change(two_days(), (DAY, 2 * DAY), (0, DAY))
    lines = {line.split("(")[0].strip(): line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["dispatch minutes"][-3:] == ["6.00", "2.00", "-4.00"]
    assert lines["arrival minutes"][-2:] == ["not", "reported"]


def test_a_control_from_before_the_log_is_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    show_change(two_days(), (0, DAY), (-DAY, 0))
    assert capsys.readouterr().out.startswith("no control: the log begins at 1970-01-01")


def test_an_empty_period_is_a_wrong_use() -> None:
    with pytest.raises(UsageFault, match="control period is empty"):
        show_change(two_days(), (0, DAY), (DAY, DAY))
    with pytest.raises(UsageFault, match="period is empty"):
        measured(two_days(), DAY, DAY)
