"""The spool's file: readable by its owner only, and a damaged one is reported with its path."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.gateway.spool import Spool
from connectors.gateway.spool_values import Push
from connectors.transport.private_files import appended, private_folder
from deploy.assembly import gateway_place
from deploy.assembly.gateway_place import kept_port
from deploy.assembly.slots import take_slot
from deploy.city.city import load_city
from deploy.local.home import Home, Remembered
from schemas.errors import Fatal

PAGE = 4096
ANSWER_S = 10.0
"""A job that is never answered fails its test, and does not hang it."""


@pytest.fixture(autouse=True)
def a_generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes_below(folder: Path) -> dict[str, str]:
    return {
        str(one.relative_to(folder.parent)): oct(stat.S_IMODE(one.stat().st_mode))
        for one in [folder, *folder.rglob("*")]
    }


def fill(path: Path) -> None:
    spool = Spool(path)
    try:
        spool.append([Push("reports", 1, bytes(1_000), None) for _ in range(50)]).result(ANSWER_S)
    finally:
        spool.close()


def test_what_is_pushed_is_for_its_owner_alone_with_all_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    city = load_city("demo")
    kept_port(city)
    spool = Spool(gateway_place.spool_path(city))
    spool.append([Push("reports", 1, b"a body", None)]).result()
    found = modes_below(tmp_path / "home")
    spool.close()
    files = {name: mode for name, mode in found.items() if "spool" in name or "reserve" in name}
    assert len(files) == 4 and set(files.values()) == {"0o600"}
    folders = {name: mode for name, mode in found.items() if (tmp_path / name).is_dir()}
    assert set(folders.values()) == {"0o700"}, folders


def test_a_spool_that_was_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    folder = tmp_path / "gateway"
    folder.mkdir(mode=0o755)
    fill(folder / "spool.sqlite")
    folder.chmod(0o755)
    (folder / "spool.sqlite").chmod(0o644)
    Spool(folder / "spool.sqlite").close()
    found = modes_below(folder)
    assert found.pop("gateway") == "0o700" and set(found.values()) == {"0o600"}


def test_so_are_recordings_workers_and_a_clusters_logs(tmp_path: Path) -> None:
    with appended(tmp_path / "today.jsonl") as file:
        file.write(b"{}\n")
    assert modes_below(tmp_path / "today.jsonl") == {"today.jsonl": "0o600"}
    _name, held = take_slot(tmp_path / "home" / "workers" / "x", "match")
    held.close()
    home = Home(tmp_path / "home")
    with home.locked():
        home.remember(Remembered(ports={"kafka": 1}))
    found = modes_below(tmp_path / "home")
    assert found["home/workers"] == found["home/workers/x"] == found["home/logs"] == "0o700"
    assert found["home/cluster.json"] == "0o600"


def test_what_a_person_opened_to_others_on_purpose_stays_so(tmp_path: Path) -> None:
    recording = tmp_path / "today.jsonl"
    recording.touch(mode=0o644)
    appended(recording).close()
    assert modes_below(recording) == {"today.jsonl": "0o644"}
    private_folder(tmp_path / "ours" / "below")
    assert oct(stat.S_IMODE(tmp_path.stat().st_mode)) != "0o700" or tmp_path.owner()


def mangle(path: Path, *pages: int) -> None:
    """Overwrite whole pages of the file, numbered from 1."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(b"\xa5" * PAGE)


def all_pages_of(path: Path, but: set[int]) -> list[int]:
    return [page for page in range(1, path.stat().st_size // PAGE + 1) if page not in but]


def test_a_spool_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    fill(path)
    mangle(path, 1)
    with pytest.raises(Fatal, match="is damaged on disk") as told:
        Spool(path)
    assert str(path) in told.value.what and ".recover" in told.value.hint


def test_pages_that_were_mangled_before_a_start_are_told_with_their_file_and_what_to_do(
    tmp_path: Path,
) -> None:
    path = tmp_path / "spool.sqlite"
    fill(path)
    mangle(path, *all_pages_of(path, {1}))
    with pytest.raises(Fatal, match="is damaged on disk") as told:
        Spool(path)
    assert str(path) in told.value.what and "begins empty" in told.value.hint


READ: dict[str, Callable[[Spool], object]] = {
    "the pushes": lambda spool: spool.waiting("reports"),
    "the oldest": lambda spool: spool.oldest_ms("reports"),
    "the accounts": lambda spool: spool.accounts(),
}


@pytest.mark.parametrize("what", READ)
def test_pages_that_are_mangled_while_it_runs_are_told_too(tmp_path: Path, what: str) -> None:
    path = tmp_path / "spool.sqlite"
    fill(path)
    spool = Spool(path)
    spool.keep_accounts([(f"{number:04}", bytes(500)) for number in range(50)]).result(ANSWER_S)
    with sqlite3.connect(path) as checkpoint:
        checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    mangle(path, *all_pages_of(path, {1}))
    try:
        with pytest.raises(Fatal, match="is damaged on disk"):
            READ[what](spool)
    finally:
        spool.close()
