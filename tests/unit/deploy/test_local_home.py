"""A home folder is locked by one command at a time, and other files in it are kept."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.home import Home, Process, Remembered
from deploy.local.ports import choose_ports, is_free, with_fixed
from deploy.local.secure_home import make_secrets
from schemas.errors import Fatal


def test_two_commands_never_hold_one_home(tmp_path: Path) -> None:
    with (
        Home(tmp_path).locked(),
        pytest.raises(Fatal, match="held by another"),
        Home(tmp_path).locked(wait_s=0.0),
    ):
        pass
    with Home(tmp_path).locked(wait_s=0.0):  # and it is free again afterwards
        pass


def test_a_home_erased_by_its_holder_can_be_held_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.locked():
        home.erase()
    assert not home.root.exists()
    with home.locked(wait_s=0.0):
        assert home.root.is_dir()


def test_erasing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("not ours")
    home = Home(tmp_path)
    with home.locked():
        home.remember(Remembered(ports={"kafka": 1}))
        home.folder("kafka").mkdir()
        home.erase()
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    process = Process(pid=7, boot="b", start=150)
    kept = Remembered(ports={"kafka": 20_001}, processes={"kafka": process}, fixed=("kafka",))
    Home(tmp_path).remember(kept)
    assert Home(tmp_path).recall() == kept


@pytest.mark.parametrize("left", [None, "", "{"])
def test_a_secure_home_whose_file_was_lost_stays_secure(tmp_path: Path, left: str | None) -> None:
    home = Home(tmp_path)
    home.remember(Remembered(ports={"kafka": 1}, secure=True))
    make_secrets(home, now=datetime(2026, 3, 8, tzinfo=UTC))
    (tmp_path / "cluster.json").unlink()
    if left is not None:
        (tmp_path / "cluster.json").write_text(left)
    assert home.recall() == Remembered(secure=True)


def test_a_folder_that_cannot_be_made_is_told_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fatal, match="BONGSU_HOME"), Home(tmp_path / "file" / "home").locked():
        pass


def test_a_port_is_kept_while_it_is_free_and_left_when_it_is_taken(tmp_path: Path) -> None:
    first = choose_ports(["kafka", "redis"], kept={}, home=tmp_path)
    assert len(set(first.values())) == 2
    assert choose_ports(["kafka", "redis"], kept=first, home=tmp_path) == first
    with socket.create_server(("127.0.0.1", first["kafka"])):
        assert not is_free(first["kafka"])
        later = choose_ports(["kafka", "redis"], kept=first, home=tmp_path)
    assert later["kafka"] not in first.values()
    assert later["redis"] == first["redis"]


def test_a_home_of_a_release_without_fixed_ports_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text('{"ports": {"kafka": 20001}, "processes": {}}')
    assert Home(tmp_path).recall() == Remembered(ports={"kafka": 20_001})


def test_a_fixed_port_that_is_taken_is_told_and_no_other_is_chosen(tmp_path: Path) -> None:
    port = choose_ports(["kafka"], kept={}, home=tmp_path)["kafka"]
    assert choose_ports(["kafka"], kept={"kafka": port}, home=tmp_path, fixed=["kafka"]) == {"kafka": port}
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(Fatal, match=f"port {port} is fixed for kafka .*--port kafka={port + 1}"),
    ):
        choose_ports(["kafka"], kept={"kafka": port}, home=tmp_path, fixed=["kafka"])


def test_a_port_that_is_fixed_takes_the_place_of_one_that_was_chosen() -> None:
    before = Remembered(ports={"kafka": 20_001, "controller": 9_092, "redis": 20_003}, fixed=("redis",))
    after = with_fixed(before, {"kafka": 9_092}, running=["redis"])
    assert after == Remembered(ports={"kafka": 9_092, "redis": 20_003}, fixed=("kafka", "redis"))
    assert with_fixed(after, {}, running=["redis"]) == after
    assert with_fixed(after, {"kafka": 9_092}, running=["kafka", "redis"]) == after


def test_what_runs_is_not_moved_and_two_do_not_share_a_port() -> None:
    before = Remembered(ports={"kafka": 20_001, "controller": 20_002, "redis": 20_003}, fixed=("redis",))
    with pytest.raises(
        Fatal, match=r"kafka runs on port 20001.*bongsu down, then bongsu up --port kafka=9092"
    ):
        with_fixed(before, {"kafka": 9_092}, running=["kafka", "controller"])
    for wanted, running in (
        ({"kafka": 20_003}, []),  # fixed for another
        ({"registry": 20_002}, ["kafka", "controller"]),  # used by another
        ({"registry": 1, "kafka": 1}, []),
    ):
        with pytest.raises(Fatal, match="would share port"):
            with_fixed(before, wanted, running=running)
