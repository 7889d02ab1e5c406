"""The spool by figures: its bounds, its parts, what it counts, and a disk that takes nothing for a while."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Reading
from connectors.gateway import spool as module
from connectors.gateway.spool import ROW_BYTES, Spool
from connectors.gateway.spool_job import Job
from connectors.gateway.spool_values import Depth, Differs, Full, Push
from schemas.errors import Fatal

S = 10.0
NOON = 1_780_000_000_000
Made = Callable[..., Spool]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    spools: list[Spool] = []

    def make(**about: Any) -> Spool:
        spools.append(Spool(tmp_path / "spool.sqlite", **{"reserve_bytes": 4_096, **about}))
        return spools[-1]

    yield make
    for one in spools:
        if one._writer.is_alive():
            one.close()


def pushed(spool: Spool, *bodies: bytes, source: str = "cad", **about: Any) -> list[int]:
    pushes = [Push(source, NOON, body, **about) for body in bodies]
    return [one.seq for one in spool.append(pushes).result(S)]


def test_a_spool_that_is_full_to_the_last_byte_takes_no_more_and_says_so(made: Made) -> None:
    spool = made(bytes_max=2 * (ROW_BYTES + 100))
    pushed(spool, b"x" * 100)
    assert not spool.is_full
    pushed(spool, b"y" * 100)
    assert (spool.room_bytes, spool.is_full) == (0, True)
    with pytest.raises(Full, match=r"600 of 600 bytes wait for Kafka") as caught:
        spool.append([Push("cad", NOON, b"")])
    assert caught.value.retry_after_s == 10
    spool.done("cad", 1).result(S)
    assert (spool.room_bytes, spool.is_full) == (300, False)


def test_a_spool_is_full_while_a_push_like_the_last_refused_one_would_be(made: Made) -> None:
    spool = made(bytes_max=2_000)
    pushed(spool, b"x" * 1_200)
    assert (spool.room_bytes, spool.is_full) == (600, False)
    with pytest.raises(Full):
        spool.append([Push("cad", NOON, b"y" * 500)])
    assert spool.is_full
    spool.done("cad", 1).result(S)
    assert not spool.is_full
    with pytest.raises(Full):
        spool.append([Push("cad", NOON, b"y" * 5_000)])
    assert not spool.is_full, "one that never has room says nothing of the others"


def test_pushes_are_counted_by_source_and_again_after_a_restart(made: Made) -> None:
    spool = made()
    assert spool.depth("cad") == Depth(0, 0)
    pushed(spool, b"ab", b"cde")
    pushed(spool, b"f", source="cameras")
    assert spool.depth("cad") == Depth(2, 2 * ROW_BYTES + 5)
    assert spool.depth("cameras") == Depth(1, ROW_BYTES + 1)
    known = spool.spool_id
    spool.close()
    again = made()
    assert (again.depth("cad"), again.spool_id) == (Depth(2, 2 * ROW_BYTES + 5), known)
    again.done("cad", 99).result(S)
    assert (again.depth("cad"), again.depth("cameras").pushes) == (Depth(0, 0), 1)


def test_a_repeat_counts_once_and_after_an_hour_it_is_none(made: Made) -> None:
    spool = made()

    def mark(at_ms: int) -> tuple[int, bool]:
        (one,) = spool.append([Push("cad", at_ms, b"x", b"mark")]).result(S)
        return one.seq, one.is_repeat

    assert mark(NOON) == (1, False)
    assert mark(NOON + 60 * 60_000) == (1, True)
    assert mark(NOON + 60 * 60_000 + 1) == (2, False)
    assert spool.depth("cad").pushes == 2
    assert [one.is_repeat for one in spool.append([Push("cameras", NOON, b"x", b"mark")]).result(S)] == [
        False
    ]


def test_old_marks_are_forgotten_once_a_minute_and_those_beyond_the_bound_too(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEATS_MAX", 2)
    spool = made()

    def marks(at_ms: int) -> list[int]:
        spool.append([Push("cad", at_ms, b"x", str(at_ms).encode())]).result(S)
        with sqlite3.connect(spool._path) as other:
            return [at for (at,) in other.execute("SELECT at_ms - ? FROM said ORDER BY at_ms", (NOON,))]

    assert marks(NOON) == [0]
    assert marks(NOON + 60_000) == [0, 60_000], "not before a minute is over"
    assert marks(NOON + 60_001) == [60_000, 60_001]
    monkeypatch.setattr(module, "REPEATS_MAX", 99)
    assert marks(NOON + 60_000 + 3_600_001) == [60_001, 3_660_001]


def test_what_waits_is_read_in_order_behind_a_number_and_within_bounds(made: Made) -> None:
    spool = made()
    pushed(spool, b"a" * 10, b"b" * 10, b"c" * 10)
    pushed(spool, b"x", source="cameras")

    def waiting(**about: int) -> list[int]:
        return [one.seq for one in spool.waiting("cad", **about)]

    assert waiting() == [1, 2, 3]
    assert waiting(after=1) == [2, 3]
    assert waiting(pushes_max=2) == [1, 2]
    assert waiting(bytes_max=20) == [1, 2]
    assert waiting(bytes_max=19) == [1]
    assert waiting(bytes_max=1) == [1], "one at least"
    assert waiting(after=3) == []


def test_a_reading_is_kept_with_its_push_as_long_as_there_is_room(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READINGS_BYTES_MAX", 20)
    spool = made()
    reading = Reading((), {})
    pushed(spool, b"a" * 10, b"b" * 11, b"c" * 10, b"d", reading=reading)
    kept = [one.reading is reading for one in spool.waiting("cad")]
    assert kept == [True, False, True, False]
    spool.done("cad", 2).result(S)
    assert spool._read_bytes == 10
    pushed(spool, b"e" * 10, reading=reading)
    assert [one.reading is reading for one in spool.waiting("cad", after=2)] == [True, False, True]


def test_much_that_is_done_is_deleted_in_parts(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER_BYTES_MAX", 2 * (ROW_BYTES + 10) + 10)
    spool = made()
    sizes: list[int] = []
    delete = spool._delete

    def counted(connection: sqlite3.Connection, source: str, up_to: int) -> Depth:
        gone = delete(connection, source, up_to)
        sizes.append(gone.pushes)
        return gone

    monkeypatch.setattr(spool, "_delete", counted)
    pushed(spool, *[b"x" * 10] * 5)
    assert spool.done("cad", 4).result(S) is None
    assert sizes == [3, 1, 0]
    assert [one.seq for one in spool.waiting("cad")] == [5]
    monkeypatch.setattr(module, "TOGETHER_BYTES_MAX", 1)
    spool.done("cad", 5).result(S)
    assert sizes[3:] == [1, 0], "one at least"


def test_the_accounts_are_those_of_the_last_time(made: Made) -> None:
    spool = made()
    spool.keep_accounts([("b", b"2"), ("a", b"1")]).result(S)
    assert spool.accounts() == [b"1", b"2"]
    spool.keep_accounts([("c", b"3")]).result(S)
    assert spool.accounts() == [b"3"]


def test_the_age_of_the_oldest_is_that_of_its_source(made: Made) -> None:
    spool = made()
    assert spool.oldest_ms("cad") is None
    for at_ms in (NOON + 5, NOON):
        spool.append([Push("cad", at_ms, b"x")]).result(S)
    assert (spool.oldest_ms("cad"), spool.oldest_ms("cameras")) == (NOON + 5, None)


class Disk:
    """The writer's connection, on a disk that is full while it is told so; *commits* counts what went through."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real
        self.is_full = False
        self.commits = 0

    def execute(self, statement: str, *about: Any) -> Any:
        if self.is_full and statement.startswith("BEGIN"):
            raise sqlite3.OperationalError("database or disk is full")
        self.commits += statement == "COMMIT"
        return self._real.execute(statement, *about)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def on_a_disk(spool: Spool) -> Disk:
    disk: Any = Disk(spool._connection)
    spool._connection = disk
    return disk  # type: ignore[no-any-return]  # it stands for a connection


def test_a_full_disk_refuses_pushes_and_owes_deletions_until_it_has_room(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.005)
    spool = made()
    disk = on_a_disk(spool)
    pushed(spool, b"a", reading=Reading((), {}))
    disk.is_full = True
    why = "the spool cannot be written: database or disk is full"
    with pytest.raises(Full, match=why):
        pushed(spool, b"b")
    assert spool.trouble == why
    assert spool.waiting("cad")[0].reading is None, (
        "numbers may be given anew: no reading may be taken for another's"
    )
    owed = spool.done("cad", 1)
    with pytest.raises(Full):
        pushed(spool, b"c")
    assert not owed.done()
    assert (spool.depth("cad").pushes, spool._under_way) == (1, 0)
    disk.is_full = False
    assert owed.result(S) is None
    while spool.trouble is not None:
        pass
    assert pushed(spool, b"d") == [2]
    assert [one.body for one in spool.waiting("cad")] == [b"d"]


def test_what_is_still_owed_at_the_end_is_told(made: Made) -> None:
    spool = made()
    disk = on_a_disk(spool)
    pushed(spool, b"a")
    disk.is_full = True
    owed = spool.done("cad", 1)
    spool.close()
    with pytest.raises(Full, match="the spool is closed"):
        owed.result(S)


def test_an_error_of_one_push_is_no_error_of_what_shares_its_commit() -> None:
    ended: list[Any] = []
    nothing: Any = None
    good, bad = (Job(lambda _connection: None, ended.append, 1) for _ in range(2))
    good.succeed("receipt")
    bad.succeed(Differs("another body", field="x", expected="y"))
    assert ended == ["receipt", None]
    assert good.done.result(0) == "receipt"
    assert isinstance(bad.done.exception(0), Differs)
    assert not good.done.cancel() and not Job(lambda _connection: nothing).done.cancel()


def test_a_spool_that_cannot_be_opened_says_which_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def prepared(_path: Path) -> sqlite3.Connection:
        tries.append(1)
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr(module, "prepared", prepared)
    with pytest.raises(Fatal, match=r"the spool spool\.sqlite cannot be opened: unable"):
        Spool(tmp_path / "spool.sqlite", reserve_bytes=4_096)
    assert len(tries) == 2, "once more with the reserve given up"
