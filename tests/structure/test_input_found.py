"""Tests find the real input in one way, the fixture ``data_dir``: one that looks by itself skips where others run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.structure.tree import Module, everything

VARIABLE = "BONGSU_" + "DATA"


def own_ways(modules: Iterable[Module]) -> Iterator[str]:
    """Test modules that read the variable themselves."""
    for one in modules:
        if one.stem.startswith("test_") and VARIABLE in one.text:
            yield one.path


def test_no_test_looks_for_the_real_input_by_itself() -> None:
    assert list(own_ways(everything())) == []


def test_this_check_can_fail() -> None:
    own = Module("tests.unit.test_a", "tests/unit/test_a.py", f'os.environ["{VARIABLE}"]\n')
    assert list(own_ways([own])) == ["tests/unit/test_a.py"]
