"""What agencies pushed, safe on disk until Kafka has it: a bounded SQLite file in WAL mode.

A push is acknowledged after its commit, and a commit after ``fsync`` (``synchronous=FULL``): it survives kill -9 and a cut
of power. All that waits is committed together, so many who push at once share one ``fsync``. SQLite's log carries a
checksum for every page: a torn last commit was never acknowledged, and is gone when the file is opened again. Each body
has a SHA-256 of its own beside it, looked at when it is read.

What is pushed twice within ``REPEAT_MS``, by a sender who never heard our answer, say, is kept once.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.base import Reading
from schemas.errors import Fatal, Retriable

BYTES_MAX = 1 << 30
ROW_BYTES = 200
"""What a push takes on disk beside its body, about."""
REPEAT_MS = 60 * 60_000
REPEATS_MAX = 1_000_000
FORGET_MS = 60_000
"""How often marks that are too old are dropped."""
TOGETHER_MAX = 1_000
READINGS_BYTES_MAX = 8 << 20
"""Bodies whose readings are kept in memory; what is read takes some ten times as much."""
FULL_RETRY_S = 10.0

_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS push (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, at_ms INTEGER NOT NULL,
    body BLOB NOT NULL, sha256 BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS push_of_source ON push (source, seq);
CREATE TABLE IF NOT EXISTS said (
    source TEXT NOT NULL, mark BLOB NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (source, mark)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS said_at ON said (at_ms);
CREATE TABLE IF NOT EXISTS account (account_id TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""


class Full(Retriable):
    """The spool is at its bound, or the disk is."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, hint="see whether Kafka answers, or give it more room", retry_after_s=FULL_RETRY_S
        )


@dataclass(frozen=True, slots=True)
class Push:
    """One body. *mark* tells a repeat (the same mark from the same source); ``None``: whatever is said counts.

    *reading* is kept beside it in memory only, and not for ever: whoever drains it reads it again where it is gone.
    """

    source: str
    at_ms: int
    body: bytes
    mark: bytes | None = None
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A push as it lies in the spool; *is_whole*: its bytes are those that were pushed."""

    seq: int
    at_ms: int
    body: bytes
    is_whole: bool
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Under which number a push is kept; *is_repeat*: it already was."""

    seq: int
    is_repeat: bool


@dataclass(slots=True)
class Depth:
    """What waits of a source."""

    pushes: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Job:
    """Something for the writer to do within its next commit.

    *ended* hears of its end (``None``: it failed) before anybody who waits for *done* does.
    """

    work: Callable[[sqlite3.Connection], Any]
    ended: Callable[[Any], None] = lambda _result: None
    done: Future[Any] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.done.set_running_or_notify_cancel()  # whoever waits may go; it is done all the same

    def succeed(self, result: object) -> None:
        self.ended(result)
        self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        self.ended(None)
        self.done.set_exception(error)


class Spool:
    """One gateway's. Its methods may be called from any thread; one writer thread does all that is written."""

    def __init__(self, path: Path, *, bytes_max: int = BYTES_MAX) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._bytes_max = bytes_max
        self._depths: dict[str, Depth] = {}
        self._counting = threading.Lock()
        self._under_way = 0
        self._readings: dict[int, Reading] = {}
        self._read_bytes = 0
        self._newest_ms = self._forgot_ms = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection = self._opened()
        self.spool_id = self._identity()
        self._count_all()
        self._readers = threading.local()
        self._opened_readers: list[sqlite3.Connection] = []
        self._writer = threading.Thread(target=self._write, name="spool", daemon=True)
        self._writer.start()

    def append(self, pushes: Sequence[Push]) -> Future[list[Receipt]]:
        """Keep them all, or none: done when they are safe. ``Full`` at once where there is no room."""
        size = sum(len(push.body) + ROW_BYTES for push in pushes)
        with self._counting:
            waiting = self._under_way + sum(depth.bytes for depth in self._depths.values())
            if waiting + size > self._bytes_max:
                raise Full(f"the spool is full: {waiting} of {self._bytes_max} bytes wait for Kafka")
            self._under_way += size
        return self._do(
            lambda connection: [self._insert(connection, push) for push in pushes],
            lambda receipts: self._arrived(pushes, size, receipts),
        )

    def waiting(
        self, source: str, *, after: int = 0, pushes_max: int = 500, bytes_max: int = 4 << 20
    ) -> list[Kept]:
        """The oldest of *source* behind number *after*, in order: at least one, if any waits."""
        rows = self._reader().execute(
            "SELECT seq, at_ms, body, sha256 FROM push WHERE source = ? AND seq > ? ORDER BY seq LIMIT ?",
            (source, after, pushes_max),
        )
        found: list[Kept] = []
        size = 0
        for seq, at_ms, body, sha256 in rows:
            size += len(body)
            if found and size > bytes_max:
                break
            found.append(
                Kept(seq, at_ms, body, hashlib.sha256(body).digest() == sha256, self._readings.get(seq))
            )
        return found

    def done(self, source: str, up_to: int) -> Future[object]:
        """Kafka has all of *source* up to this number."""

        def forget(connection: sqlite3.Connection) -> Depth:
            where = (source, up_to)
            gone = connection.execute(
                "SELECT count(*), coalesce(sum(length(body) + ?), 0) FROM push WHERE source = ? AND seq <= ?",
                (ROW_BYTES, *where),
            ).fetchone()
            gone_too = "DELETE FROM push WHERE source = ? AND seq <= ? RETURNING seq, length(body)"
            for seq, size in connection.execute(gone_too, where).fetchall():
                if self._readings.pop(seq, None) is not None:
                    self._read_bytes -= size
            return Depth(*gone)

        def count(gone: Depth | None) -> None:
            if gone is not None:
                with self._counting:
                    depth = self._depths.setdefault(source, Depth())
                    depth.pushes -= gone.pushes
                    depth.bytes -= gone.bytes

        return self._do(forget, count)

    @staticmethod
    def _forget(connection: sqlite3.Connection, now_ms: int) -> None:
        """Drop the marks of what was pushed long ago, or is too many."""
        connection.execute("DELETE FROM said WHERE at_ms < ?", (now_ms - REPEAT_MS,))
        newest = "SELECT at_ms FROM said ORDER BY at_ms DESC LIMIT 1 OFFSET ?"
        if (row := connection.execute(newest, (REPEATS_MAX,)).fetchone()) is not None:
            connection.execute("DELETE FROM said WHERE at_ms <= ?", row)

    def depth(self, source: str) -> Depth:
        with self._counting:
            depth = self._depths.get(source, Depth())
            return Depth(depth.pushes, depth.bytes)

    def oldest_ms(self, source: str) -> int | None:
        """When the oldest of *source* that still waits was pushed."""
        row = (
            self._reader()
            .execute("SELECT at_ms FROM push WHERE source = ? ORDER BY seq LIMIT 1", (source,))
            .fetchone()
        )
        return None if row is None else int(row[0])

    def keep_accounts(self, rows: Iterable[tuple[str, bytes]]) -> Future[object]:
        """The accounts as they are now, for a start without Kafka."""
        rows = list(rows)

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM account")
            connection.executemany("INSERT INTO account VALUES (?, ?)", rows)

        return self._do(keep)

    def accounts(self) -> list[bytes]:
        return [value for (value,) in self._reader().execute("SELECT value FROM account ORDER BY account_id")]

    def close(self) -> None:
        """Finish what was asked for, then let go of the file."""
        self._jobs.put(None)
        self._writer.join()
        for connection in [*self._opened_readers, self._connection]:
            connection.close()

    def _do(
        self,
        work: Callable[[sqlite3.Connection], Any],
        ended: Callable[[Any], None] = lambda _result: None,
    ) -> Future[Any]:
        job = _Job(work, ended)
        self._jobs.put(job)
        return job.done

    def _insert(self, connection: sqlite3.Connection, push: Push) -> Receipt:
        if push.mark is not None:
            said = "SELECT seq FROM said WHERE source = ? AND mark = ? AND at_ms >= ?"
            about = (push.source, push.mark, push.at_ms - REPEAT_MS)
            if (row := connection.execute(said, about).fetchone()) is not None:
                return Receipt(row[0], is_repeat=True)
        self._newest_ms = max(self._newest_ms, push.at_ms)
        sha256 = hashlib.sha256(push.body).digest()
        row = (push.source, push.at_ms, push.body, sha256)
        seq = connection.execute(
            "INSERT INTO push (source, at_ms, body, sha256) VALUES (?, ?, ?, ?)", row
        ).lastrowid
        assert seq is not None  # noqa: S101 (sqlite3 types it for statements that insert nothing)
        if push.mark is not None:
            connection.execute(
                "REPLACE INTO said VALUES (?, ?, ?, ?)", (push.source, push.mark, seq, push.at_ms)
            )
        if push.reading is not None and self._read_bytes + len(push.body) <= READINGS_BYTES_MAX:
            self._readings[seq] = push.reading
            self._read_bytes += len(push.body)
        return Receipt(seq, is_repeat=False)

    def _arrived(self, pushes: Sequence[Push], size: int, receipts: Sequence[Receipt] | None) -> None:
        """Count what is there to stay."""
        with self._counting:
            self._under_way -= size
            for push, receipt in zip(pushes, receipts or (), strict=receipts is not None):
                if not receipt.is_repeat:
                    depth = self._depths.setdefault(push.source, Depth())
                    depth.pushes += 1
                    depth.bytes += len(push.body) + ROW_BYTES

    def _write(self) -> None:
        for jobs in self._batches():
            try:
                self._commit(jobs)
            except sqlite3.Error as error:
                self._roll_back()
                for job in jobs:
                    job.fail(Full(f"the spool cannot be written: {error}"))

    def _commit(self, jobs: Sequence[_Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        results = [job.work(self._connection) for job in jobs]
        if self._newest_ms > self._forgot_ms + FORGET_MS:
            self._forget(self._connection, self._newest_ms)
            self._forgot_ms = self._newest_ms
        self._connection.execute("COMMIT")
        for job, result in zip(jobs, results, strict=True):
            job.succeed(result)

    def _roll_back(self) -> None:
        """Numbers that were not given are given again, and to others: nothing read may be taken for theirs."""
        self._readings.clear()
        self._read_bytes = 0
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _batches(self) -> Iterator[list[_Job]]:
        """All that waits, again and again, until the end is asked for."""
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            is_last = False
            while len(jobs) < TOGETHER_MAX and not is_last and not self._jobs.empty():
                more = self._jobs.get()
                is_last = more is None
                if more is not None:
                    jobs.append(more)
            yield jobs
            if is_last:
                return

    def _opened(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_TABLES}")
            connection.execute("PRAGMA journal_size_limit=67108864")
        except sqlite3.Error as error:
            raise Fatal(
                f"the spool {self._path.name} cannot be opened: {error}",
                hint=f"see whether {self._path.parent} can be written, and whether another gateway runs there",
            ) from error
        return connection

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)

    def _reader(self) -> sqlite3.Connection:
        """This thread's own: readers see what is committed, and hold nobody up."""
        if not hasattr(self._readers, "connection"):
            self._readers.connection = self._connect()
            self._opened_readers.append(self._readers.connection)
        connection: sqlite3.Connection = self._readers.connection
        return connection

    def _identity(self) -> str:
        """What tells this spool's numbers from another's."""
        self._connection.execute("INSERT OR IGNORE INTO about VALUES ('id', ?)", (uuid.uuid4().hex,))
        (found,) = self._connection.execute("SELECT value FROM about WHERE name = 'id'").fetchone()
        return str(found)

    def _count_all(self) -> None:
        rows = self._connection.execute(
            "SELECT source, count(*), sum(length(body) + ?) FROM push GROUP BY source", (ROW_BYTES,)
        )
        self._depths = {source: Depth(count, size) for source, count, size in rows}
