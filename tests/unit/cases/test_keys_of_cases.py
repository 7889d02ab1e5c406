"""Keys of cases on a real disk: safe before they are used, and never again once destroyed."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.transport import case_keys
from connectors.transport.case_keys import KEY_BYTES, CaseKeys
from schemas.errors import Fatal, Invalid


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def the_key_file(folder: Path) -> Path:
    (found,) = folder.glob("*.key")
    return found


def test_a_key_is_its_owners_alone_and_the_same_for_every_process(tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    keys = CaseKeys(folder)
    key = keys.make("2026/17 ../x")
    assert len(key) == KEY_BYTES
    assert keys.make("2026/17 ../x") == key == CaseKeys(folder).key("2026/17 ../x")
    assert keys.make("another") != key
    assert mode_of(folder) == 0o700
    assert {mode_of(path) for path in folder.iterdir()} == {0o600}
    assert keys.key("unknown") is None


def test_a_destroyed_key_is_overwritten_gone_and_never_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = CaseKeys(tmp_path)
    key = keys.make("c")
    path, last = the_key_file(tmp_path), []
    unlink = Path.unlink

    def seen(self: Path, **about: Any) -> None:
        last.append(self.read_bytes())
        unlink(self, **about)

    monkeypatch.setattr(Path, "unlink", seen)
    assert keys.destroy("c") is True
    assert last == [bytes(KEY_BYTES)], "overwritten before its name went"
    assert not path.exists()
    assert all(key not in one.read_bytes() for one in tmp_path.iterdir())
    assert (keys.key("c"), keys.is_destroyed("c"), keys.destroy("c")) == (None, True, False)
    with pytest.raises(Invalid) as refused:
        CaseKeys(tmp_path).make("c")
    assert refused.value.code == "key-destroyed"


def test_a_refused_case_never_gets_a_key(tmp_path: Path) -> None:
    keys = CaseKeys(tmp_path)
    assert keys.destroy("c") is False
    with pytest.raises(Invalid):
        keys.make("c")


def test_a_crash_between_the_tombstone_and_the_end_of_the_key_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = CaseKeys(tmp_path)
    keys.make("c")

    def crash(_path: Path) -> bool:
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(case_keys, "_destroy", crash)
        with pytest.raises(OSError, match="power cut"):
            keys.destroy("c")
    assert the_key_file(tmp_path).exists()
    assert keys.key("c") is None, "not used from the tombstone on"
    CaseKeys(tmp_path)
    assert list(tmp_path.glob("*.key")) == []


def test_a_key_is_on_disk_with_its_name_before_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, order = CaseKeys(tmp_path), []
    fsync, rename = os.fsync, Path.rename

    def synced(descriptor: int) -> None:
        order.append("folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        order.append("named")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    keys.make("c")
    assert order == ["file", "named", "folder"]


def test_half_a_key_of_a_crash_is_no_key(tmp_path: Path) -> None:
    keys = CaseKeys(tmp_path)
    keys.make("c")
    the_key_file(tmp_path).rename(the_key_file(tmp_path).with_suffix(".part"))
    again = CaseKeys(tmp_path)
    assert list(tmp_path.glob("*.part")) == []
    again.make("c")
    the_key_file(tmp_path).write_bytes(b"short")
    with pytest.raises(Fatal, match="is damaged") as damaged:
        again.key("c")
    assert str(tmp_path) not in str(damaged.value)


def test_of_two_that_destroy_a_key_in_the_same_instant_one_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first stands still between its look for the key and its end; the second comes meanwhile, and waits."""
    first, second = CaseKeys(tmp_path), CaseKeys(tmp_path)
    first.make("c")
    is_inside, goes_on, came = threading.Event(), threading.Event(), []
    destroy = case_keys._destroy

    def slow(path: Path) -> bool:
        came.append(path)
        is_inside.set()
        assert goes_on.wait(5)
        return destroy(path)

    monkeypatch.setattr(case_keys, "_destroy", slow)
    with ThreadPoolExecutor(2) as both:
        ours = both.submit(first.destroy, "c")
        assert is_inside.wait(5)
        theirs = both.submit(second.destroy, "c")
        threading.Event().wait(0.1)  # it has no turn in which it could be seen to wait
        were_inside = len(came)
        goes_on.set()
        assert (ours.result(5), theirs.result(5)) == (True, False)
    assert were_inside == 1, "the second looks for the key only once the first is done"


def test_open_cases_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_keys, "OPEN_MAX", 2)
    keys = CaseKeys(tmp_path)
    keys.make("a"), keys.make("b")
    with pytest.raises(Invalid, match="close cases") as refused:
        keys.make("c")
    assert (refused.value.code, refused.value.field) == ("too-many-cases", "agency_case_no")
    keys.destroy("a")
    keys.make("c")
