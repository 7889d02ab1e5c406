"""Paths of a home as they are passed to Java, and those that are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import cluster
from deploy.local.artefacts import class_path, load_lock
from deploy.local.home import Home
from schemas.errors import Fatal


@pytest.mark.parametrize(("name", "says"), [("h\udcff", "its name is not utf-8"), ("h\\x", "backslash")])
def test_a_home_that_java_would_look_for_elsewhere_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(Fatal, match=says), Home(tmp_path / name).locked():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_java_would_take_for_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="class path"):
        class_path(load_lock(), "kafka", tmp_path / "a:b")


def test_erasing_takes_what_agencies_pushed_and_workers_kept_and_names_what_is_not_ours(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    for name in ("gateway/demo/spool.sqlite", "workers/demo.all/x", "kafka/data/y", "mine.txt"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("kept")
    assert cluster.down(home, erase=True) == ["mine.txt"]
    assert [path.name for path in home.rglob("*")] == ["mine.txt"]
    (home / "mine.txt").unlink()
    assert cluster.down(home, erase=True) == []
    assert not home.exists()


def test_a_home_whose_gateway_still_takes_is_not_erased(tmp_path: Path) -> None:
    home = tmp_path / "home"
    spool = home / "gateway" / "demo" / "spool.sqlite"
    spool.parent.mkdir(parents=True)
    code = "import sys; f = open(sys.argv[1], 'w'); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(spool)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as gateway:
        assert gateway.stdout and gateway.stdout.readline()
        with pytest.raises(Fatal, match=str(gateway.pid)):
            cluster.down(home, erase=True)
        assert spool.exists()
        gateway.terminate()
    assert cluster.down(home, erase=True) == []


def test_what_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder / "data"))

    monkeypatch.setattr("deploy.local.home.shutil.rmtree", refused)
    (tmp_path / "kafka").mkdir()
    with pytest.raises(Fatal, match="kafka/data cannot be removed"):
        cluster.down(tmp_path, erase=True)
