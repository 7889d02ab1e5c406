"""Only one process of a home can hold a role; the lock is the kernel's, and ends with its holder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.assembly.locks import Held, Left, holding, is_held, lock_path
from deploy.assembly.stage_names import STAGES
from deploy.assembly.stages import roles_of
from deploy.city.city import City, load_city
from deploy.demo.play import played_roles

HOLDER = """
import sys
from deploy.city.city import load_city
from deploy.assembly.locks import holding
with holding(load_city("houston"), sys.argv[1:]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def city() -> City:
    return load_city("houston")


@contextmanager
def another_process(*roles: str) -> Iterator[subprocess.Popen[bytes]]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *roles], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        yield holder
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
        holder.stdin.close()


def test_the_second_hears_who_has_it_since_when_and_what_to_do(city: City) -> None:
    with another_process("gateway") as holder:
        said = rf"houston: the gateway stage is run by process {holder.pid} since 20\d\d-\d\d-\d\dT"
        with pytest.raises(Held, match=said) as held, holding(city, ["gateway"]):
            pass
        assert "--wait" in held.value.hint
        assert is_held(city, "gateway")


def test_whoever_is_killed_holds_nothing_any_more(city: City) -> None:
    with another_process("gateway") as holder:
        holder.kill()
        holder.wait()
        with holding(city, ["gateway"]):
            assert lock_path("houston", "gateway").read_text().split()[0] == str(os.getpid())
    assert not is_held(city, "gateway")


def test_all_roles_or_none_and_others_go_on(city: City) -> None:
    with another_process("deliver"):
        with pytest.raises(Held), holding(city, ["situations", "deliver", "gateway"]):
            pass
        assert not is_held(city, "situations")
        assert not is_held(city, "gateway")
        with holding(city, ["situations"]), holding(load_city("daejeon"), ["deliver"]):
            pass


def test_who_waits_takes_over(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    with another_process("gateway") as holder:
        threading.Timer(0.3, holder.kill).start()
        with holding(city, ["gateway"], wait=True):
            assert holder.wait() != 0
    assert capsys.readouterr().err.count("waiting: houston: the gateway stage is run by process") == 1


def test_who_waits_for_a_parent_that_is_gone_leaves(city: City) -> None:
    with (
        another_process("gateway"),
        pytest.raises(Left),
        holding(city, ["gateway"], wait=True, is_over=lambda: True),
    ):
        pass


def test_a_lock_whose_file_was_removed_is_taken_anew(city: City) -> None:
    with another_process("gateway"):
        lock_path("houston", "gateway").unlink()
        with holding(city, ["gateway"]):
            assert is_held(city, "gateway")


def test_whatever_speaks_under_one_id_or_tells_one_view_is_one_role(city: City) -> None:
    all_of_it = roles_of(city, STAGES)
    assert {"ingest", "situations", "deliver", "source.clock", "source.active-incidents"} <= set(all_of_it)
    assert roles_of(city, STAGES[1:]) == ["situations", "deliver"]
    assert roles_of(city, ("match",)) == [], "it shares its group"
    assert roles_of(city, ("speed",)) == ["speed"]
    assert roles_of(city, ("drones",)) == ["drones"]
    assert "source.cameras" in roles_of(city, ("ingest",))
    assert set(played_roles(city, [("active-incidents", [])])) >= {
        "source.active-incidents",
        "source.cameras",
    }
