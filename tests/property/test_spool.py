"""The spool against a model: after any pushes, drains and kills, each acknowledged push is there once."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.gateway.spool import REPEAT_MS, ROW_BYTES, Spool
from connectors.gateway.spool_values import Differs, Full, Push

SOURCES = st.sampled_from(["cad", "cameras"])
BYTES_MAX = 4_000
PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2}
"""SQLite's ``synchronous=FULL``, with which, by its documentation, a commit survives a power cut."""
SAID_BEFORE = """CREATE TABLE said (source TEXT NOT NULL, mark BLOB NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
PRIMARY KEY (source, mark)) WITHOUT ROWID"""


class SpoolMachine(RuleBasedStateMachine):
    """*acknowledged*: per source, the (number, body) pairs that were acknowledged and not deleted yet."""

    spool: Spool

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="spool-"))
        self.acknowledged: dict[str, list[tuple[int, bytes]]] = {"cad": [], "cameras": []}
        self.marks: dict[tuple[str, bytes], tuple[int, int]] = {}
        self.now_ms = 1_780_000_000_000
        self.lives = 0

    @initialize()
    def begin(self) -> None:
        self.spool = Spool(self.path, bytes_max=BYTES_MAX, reserve_bytes=4_096)
        self.spool_id = self.spool.spool_id

    @property
    def path(self) -> Path:
        return self.folder / str(self.lives) / "spool.sqlite"

    @rule(
        source=SOURCES,
        bodies=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4),
        marked=st.booleans(),
    )
    def push(self, source: str, bodies: list[bytes], marked: bool) -> None:
        pushes = [Push(source, self.now_ms, body, body if marked else None) for body in bodies]
        size = sum(len(body) + ROW_BYTES for body in bodies)
        if self.waiting_bytes() + size > BYTES_MAX:
            with pytest.raises(Full):
                self.spool.append(pushes)
            return
        receipts = self.spool.append(pushes).result(10)
        for body, receipt in zip(bodies, receipts, strict=True):
            known = self.marks.get((source, body)) if marked else None
            is_repeat = known is not None and known[1] >= self.now_ms - REPEAT_MS
            assert receipt.is_repeat == is_repeat
            if known is not None and is_repeat:
                assert receipt.seq == known[0]
                continue
            self.acknowledged[source].append((receipt.seq, body))
            if marked:
                self.marks[source, body] = (receipt.seq, self.now_ms)

    @rule(source=SOURCES, count=st.integers(1, 5))
    def drain(self, source: str, count: int) -> None:
        found = self.spool.waiting(source, pushes_max=count)
        assert [(one.seq, one.body) for one in found] == self.acknowledged[source][:count]
        assert all(one.is_whole for one in found)
        if found:
            self.spool.done(source, found[-1].seq).result(10)
            del self.acknowledged[source][: len(found)]

    @rule(minutes=st.integers(0, 90))
    def time_goes_by(self, minutes: int) -> None:
        self.now_ms += minutes * 60_000

    @rule(torn=st.binary(max_size=5_000))
    def killed(self, torn: bytes) -> None:
        """Kill the spool: keep its files as they are, and append the beginning of a commit that never ended."""
        self.open_copy(torn)

    @rule()
    def ended_well(self) -> None:
        self.spool.close()
        self.open_copy(b"", was_closed=True)

    def open_copy(self, torn: bytes, *, was_closed: bool = False) -> None:
        before, self.lives = self.path.parent, self.lives + 1
        shutil.copytree(before, self.path.parent)
        if torn and not was_closed:
            with self.path.with_name("spool.sqlite-wal").open("ab") as log:
                log.write(torn)
        if not was_closed:
            self.spool.close()
        self.spool = Spool(self.path, bytes_max=BYTES_MAX, reserve_bytes=4_096)

    def waiting_bytes(self) -> int:
        return sum(len(body) + ROW_BYTES for rows in self.acknowledged.values() for _, body in rows)

    @invariant()
    def holds_what_was_acknowledged(self) -> None:
        assert self.spool.spool_id == self.spool_id
        for source, rows in self.acknowledged.items():
            found = self.spool.waiting(source, pushes_max=10_000, bytes_max=1 << 30)
            assert [(one.seq, one.body) for one in found] == rows
            depth = self.spool.depth(source)
            assert depth.pushes == len(rows)
            assert depth.bytes == sum(len(body) + ROW_BYTES for _, body in rows)

    @precondition(lambda self: any(self.acknowledged.values()))
    @invariant()
    def tells_the_age_of_the_oldest(self) -> None:
        for source, rows in self.acknowledged.items():
            assert (self.spool.oldest_ms(source) is None) == (not rows)

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
        shutil.rmtree(self.folder)


SpoolMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
)
TestSpool = SpoolMachine.TestCase


def test_the_model_notices_a_spool_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model itself can fail: it finds a writer that drops a push."""
    sound = Spool._insert

    def forgetful(self: Spool, connection: sqlite3.Connection, push: Push) -> Any:
        receipt = sound(self, connection, push)
        connection.execute("DELETE FROM push WHERE seq = ? AND length(body) > 100", (receipt.seq,))
        return receipt

    monkeypatch.setattr(Spool, "_insert", forgetful)
    with pytest.raises(AssertionError):
        _a_long_body_is_pushed()


def _a_long_body_is_pushed() -> None:
    machine = SpoolMachine()
    machine.begin()
    try:
        machine.push(source="cad", bodies=[b"x" * 200], marked=False)
        machine.holds_what_was_acknowledged()
    finally:
        machine.teardown()


def test_bytes_that_rotted_on_the_disk_are_known_for_what_they_are(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.append([Push("cad", 1, b"said"), Push("cad", 2, b"too")]).result(10)
    spool.close()
    with sqlite3.connect(tmp_path / "spool.sqlite") as disk:
        disk.execute("UPDATE push SET body = ? WHERE seq = 1", (b"sa1d",))
    disk.close()
    again = Spool(tmp_path / "spool.sqlite")
    assert [(one.body, one.is_whole) for one in again.waiting("cad")] == [(b"sa1d", False), (b"too", True)]
    again.close()


def test_marks_are_not_kept_for_ever(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    for hours in range(4):
        marks = [
            Push("cad", hours * REPEAT_MS + 1, b"said", f"{hours}-{number}".encode()) for number in range(50)
        ]
        spool.append(marks).result(10)
    spool.close()
    with sqlite3.connect(tmp_path / "spool.sqlite") as disk:
        (count,) = disk.execute("SELECT count(*) FROM said").fetchone()
    disk.close()
    assert 50 <= count <= 100


def test_two_spools_never_share_a_name(tmp_path: Path) -> None:
    names = set()
    for number in range(3):
        spool = Spool(tmp_path / str(number) / "spool.sqlite")
        names.add(spool.spool_id)
        spool.close()
    assert len(names) == 3


def test_a_commit_is_on_the_disk_before_anybody_is_answered(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    asked = {name: spool._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    spool.close()
    assert asked == PRAGMAS


def test_a_spool_of_before_is_read_and_goes_on(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spool.sqlite") as disk:
        disk.execute(SAID_BEFORE)
        disk.execute("INSERT INTO said VALUES ('cad', x'6d', 7, 1)")
    disk.close()
    spool = Spool(tmp_path / "spool.sqlite")
    (known,) = spool.append([Push("cad", 2, b"said", b"m", wish=b"w")]).result(10)
    (new,) = spool.append([Push("cad", 2, b"said", b"n", wish=b"w")]).result(10)
    spool.close()
    assert (known.seq, known.is_repeat, new.is_repeat) == (7, True, False)


def test_a_mark_with_another_wish_is_refused_and_nothing_that_came_with_it_is_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.append([Push("cad", 1, b"one", b"m0", wish=b"w")]).result(10)
    others = [Push("cad", 2, b"new", b"m1", wish=b"v"), Push("cad", 2, b"two", b"m0", wish=b"v")]
    refused, taken = spool.append(others), spool.append([Push("cad", 2, b"three", b"m2", wish=b"u")])
    with pytest.raises(Differs):
        refused.result(10)
    assert taken.result(10)[0].is_repeat is False
    assert [one.body for one in spool.waiting("cad")] == [b"one", b"three"]
    assert spool.depth("cad").pushes == 2
    later = spool.append([Push("cad", 2 + REPEAT_MS, b"two", b"m0", wish=b"v")]).result(10)
    assert not later[0].is_repeat
    spool.close()
