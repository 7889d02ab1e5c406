"""The demo's own cluster: it is removed with all its files, also when the start is interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.cli import demo
from deploy.local import cluster
from deploy.local.cluster import ComponentState
from deploy.settings import Endpoints


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cluster, "status", lambda _home: [ComponentState("kafka", "", False, False, None)])
    return tmp_path / "home"


def interrupted(home: Path, **_: object) -> Endpoints:
    """An ``up`` that Ctrl-C ends while it waits for Kafka."""
    (home / "kafka").mkdir(parents=True)
    raise KeyboardInterrupt


def test_a_demo_that_is_interrupted_while_it_starts_leaves_no_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "up", interrupted)
    with pytest.raises(KeyboardInterrupt), demo._cluster():
        pass
    assert not home.exists()


def test_a_folder_that_was_there_before_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    monkeypatch.setattr(cluster, "up", interrupted)
    with pytest.raises(KeyboardInterrupt), demo._cluster():
        pass
    assert (home / "kafka").exists()
