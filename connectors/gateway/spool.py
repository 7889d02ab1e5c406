"""The spool: agencies' pushes, safe on disk until Kafka has them. A bounded SQLite file in WAL mode.

A push is acknowledged after its commit, and a commit ends with ``fsync`` (``synchronous=FULL``): it survives kill -9 and a
power cut. Waiting jobs are committed together, so pushes that come at once share one ``fsync``. SQLite's log has a checksum
for every page: a torn last commit was never acknowledged, and is dropped when the file is opened again. Each body is stored
with its SHA-256, checked when it is read.

A full disk does not stop the spool. Published pushes are still deleted, in space reserved for that (``Reserve``), and a
deletion that failed is tried again until it succeeds. New pushes are refused meanwhile.

A push that is repeated within ``REPEAT_MS`` (its sender may have missed our response) is kept once.
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
from pathlib import Path
from typing import Any

from connectors.base import Reading
from connectors.gateway.damage import read_whole_pages
from connectors.gateway.reserve import RESERVE_BYTES, Reserve
from connectors.gateway.spool_file import connect, prepared, touch
from connectors.gateway.spool_job import Job
from connectors.gateway.spool_values import Depth, Differs, Full, Kept, Push, Receipt
from connectors.transport.private_files import private_file, private_folder
from schemas.errors import Fatal

BYTES_MAX = 1 << 30
ROW_BYTES = 200
"""The bytes that a push takes on disk beside its body, about."""
REPEAT_MS = 60 * 60_000
REPEATS_MAX = 1_000_000
FORGET_MS = 60_000
"""The interval at which old marks are deleted."""
TOGETHER_MAX = 1_000
READINGS_BYTES_MAX = 8 << 20
"""The bound on bodies whose readings are kept in memory; a reading takes about ten times its body."""
TOGETHER_BYTES_MAX = 4 << 20
"""The bound on the bodies of one commit: SQLite's log must fit into the reserve."""
SHRINK_PAGES = 2_048
"""The pages given back to the disk at once (8 MiB): pages that SQLite moves are written first."""
AGAIN_S = 1.0
"""The interval of writes that try whether a full disk still is."""


class Spool:
    """The spool of one gateway. Its methods may be called from any thread; one writer thread does all writes."""

    def __init__(self, path: Path, *, bytes_max: int = BYTES_MAX, reserve_bytes: int = RESERVE_BYTES) -> None:
        private_folder(path.parent)
        private_file(path)  # SQLite gives its log and its index the mode of the file
        self._path = path
        self._reserve = Reserve(path.with_name("reserve"), reserve_bytes)
        self._owed: list[Job] = []
        self.trouble: str | None = None
        self._bytes_max = bytes_max
        self._depths: dict[str, Depth] = {}
        self._counting = threading.Lock()
        self._under_way = self._refused_bytes = 0
        self._readings: dict[int, Reading] = {}
        self._read_bytes = 0
        self._newest_ms = self._forgot_ms = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._connection = self._open()
        with read_whole_pages(self._path):
            self.spool_id = self._identity()
            self._count_all()
        self._reserve.keep()
        self._readers = threading.local()
        self._opened_readers: list[sqlite3.Connection] = []
        self._writer = threading.Thread(target=self._write, name="spool", daemon=True)
        self._writer.start()

    def append(self, pushes: Sequence[Push]) -> Future[list[Receipt]]:
        """Keep all of *pushes*, or none: the future is done when they are safe. Raises ``Full`` where there is no room.

        The future raises ``Differs`` where the mark of one of them was used for another wish.
        """
        size = sum(len(push.body) + ROW_BYTES for push in pushes)
        with self._counting:
            waiting = self._under_way + sum(depth.bytes for depth in self._depths.values())
            if waiting + size > self._bytes_max:
                self._refused_bytes = size
                raise Full(f"the spool is full: {waiting} of {self._bytes_max} bytes wait for Kafka")
            self._under_way += size
        return self._do(
            lambda connection: self._insert_all(connection, pushes),
            lambda receipts: self._count_committed(pushes, size, receipts),
            size,
        )

    def waiting(
        self, source: str, *, after: int = 0, pushes_max: int = 500, bytes_max: int = 4 << 20
    ) -> list[Kept]:
        """The oldest pushes of *source* behind number *after*, in order: at least one, if there is any."""
        with read_whole_pages(self._path):
            return self._waiting(source, after, pushes_max, bytes_max)

    def _waiting(self, source: str, after: int, pushes_max: int, bytes_max: int) -> list[Kept]:
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
        """Delete all of *source* up to this number, as Kafka has it. In parts: a deletion writes its pages first."""
        whole: Future[object] = Future()

        def count(gone: Depth | None) -> None:
            if gone is None:
                whole.set_exception(Full("the spool is closed"))
                return
            with self._counting:
                depth = self._depths.setdefault(source, Depth())
                depth.pushes -= gone.pushes
                depth.bytes -= gone.bytes
            if gone.pushes:
                self._do(lambda connection: self._delete(connection, source, up_to), count)
            else:
                whole.set_result(None)

        self._do(lambda connection: self._delete(connection, source, up_to), count)
        return whole

    def _delete(self, connection: sqlite3.Connection, source: str, up_to: int) -> Depth:
        """Delete the oldest, up to ``TOGETHER_BYTES_MAX`` but at least one. Return the count; zero when none is left."""
        gone = Depth()
        oldest = "SELECT seq, length(body) FROM push WHERE source = ? AND seq <= ? ORDER BY seq LIMIT ?"
        for seq, size in connection.execute(oldest, (source, up_to, TOGETHER_MAX)).fetchall():
            if gone.bytes + size > TOGETHER_BYTES_MAX and gone.pushes:
                break
            connection.execute("DELETE FROM push WHERE seq = ?", (seq,))
            gone.pushes += 1
            gone.bytes += size + ROW_BYTES
            if self._readings.pop(seq, None) is not None:
                self._read_bytes -= size
        return gone

    @staticmethod
    def _forget(connection: sqlite3.Connection, now_ms: int) -> None:
        """Delete the marks that are too old or too many."""
        connection.execute("DELETE FROM said WHERE at_ms < ?", (now_ms - REPEAT_MS,))
        newest = "SELECT at_ms FROM said ORDER BY at_ms DESC LIMIT 1 OFFSET ?"
        if (row := connection.execute(newest, (REPEATS_MAX,)).fetchone()) is not None:
            connection.execute("DELETE FROM said WHERE at_ms <= ?", row)

    @property
    def bytes_max(self) -> int:
        return self._bytes_max

    @property
    def room_bytes(self) -> int:
        """The bytes that the spool still has room for."""
        with self._counting:
            waiting = self._under_way + sum(depth.bytes for depth in self._depths.values())
        return max(0, self._bytes_max - waiting)

    @property
    def is_full(self) -> bool:
        """Whether a push as large as the last refused one would be refused again."""
        return self.room_bytes < max(ROW_BYTES, min(self._refused_bytes, self._bytes_max // 2))

    def depth(self, source: str) -> Depth:
        with self._counting:
            depth = self._depths.get(source, Depth())
            return Depth(depth.pushes, depth.bytes)

    def oldest_ms(self, source: str) -> int | None:
        """The time at which the oldest waiting push of *source* came."""
        oldest = "SELECT at_ms FROM push WHERE source = ? ORDER BY seq LIMIT 1"
        with read_whole_pages(self._path):
            row = self._reader().execute(oldest, (source,)).fetchone()
        return None if row is None else int(row[0])

    def keep_accounts(self, rows: Iterable[tuple[str, bytes]]) -> Future[object]:
        """Store the accounts as they are now, for a start without Kafka."""
        rows = list(rows)

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM account")
            connection.executemany("INSERT INTO account VALUES (?, ?)", rows)

        return self._do(keep)

    def accounts(self) -> list[bytes]:
        with read_whole_pages(self._path):
            rows = self._reader().execute("SELECT value FROM account ORDER BY account_id").fetchall()
        return [value for (value,) in rows]

    def close(self) -> None:
        """Finish the waiting jobs, then close the file."""
        self._jobs.put(None)
        self._writer.join()
        for connection in [*self._opened_readers, self._connection]:
            connection.close()

    def _do(
        self,
        work: Callable[[sqlite3.Connection], Any],
        ended: Callable[[Any], None] = lambda _result: None,
        size: int | None = None,
    ) -> Future[Any]:
        job = Job(work, ended, size)
        self._jobs.put(job)
        return job.done

    def _insert_all(self, connection: sqlite3.Connection, pushes: Sequence[Push]) -> list[Receipt] | Differs:
        """Insert the pushes. An error is returned, not raised: other pushes share the commit."""
        known = "SELECT 1 FROM said WHERE source = ? AND mark = ? AND at_ms >= ? AND wish IS NOT NULL AND wish <> ?"
        for push in pushes:
            about = (push.source, push.mark, push.at_ms - REPEAT_MS, push.wish)
            if push.wish is not None and connection.execute(known, about).fetchone() is not None:
                return Differs("the key was given to another body within the hour")
        return [self._insert(connection, push) for push in pushes]

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
                "REPLACE INTO said (source, mark, seq, at_ms, wish) VALUES (?, ?, ?, ?, ?)",
                (push.source, push.mark, seq, push.at_ms, push.wish),
            )
        if push.reading is not None and self._read_bytes + len(push.body) <= READINGS_BYTES_MAX:
            self._readings[seq] = push.reading
            self._read_bytes += len(push.body)
        return Receipt(seq, is_repeat=False)

    def _count_committed(self, pushes: Sequence[Push], size: int, receipts: Sequence[Receipt] | None) -> None:
        """Count the pushes that were committed."""
        with self._counting:
            self._under_way -= size
            for push, receipt in zip(pushes, receipts or (), strict=receipts is not None):
                if not receipt.is_repeat:
                    depth = self._depths.setdefault(push.source, Depth())
                    depth.pushes += 1
                    depth.bytes += len(push.body) + ROW_BYTES

    def _write(self) -> None:
        for jobs in self._batches():
            must = [*self._owed, *(job for job in jobs if job.size is None)]
            may = [job for job in jobs if job.size is not None]
            if self.trouble is None and self._is_committed([*must, *may]):
                self._owed = []
                continue
            # The commit failed, or the disk was full before. Deletions go first, alone: they free space and are never
            # refused, only owed. New pushes follow when the reserve is held again, or are refused.
            self._owed = [] if self._is_committed_with_reserve(must) else must
            self._try_the_rest(may)
        while not self._jobs.empty():
            self._owed += filter(None, [self._jobs.get()])
        for job in self._owed:
            job.fail(Full("the spool is closed"))

    def _is_committed_with_reserve(self, must: Sequence[Job]) -> bool:
        """Commit the jobs that add nothing; release the reserve for them if the disk is full."""
        if not must or self._is_committed(must):
            return True
        self._reserve.give_up()
        return self._is_committed(must)

    def _try_the_rest(self, may: Sequence[Job]) -> None:
        """Commit new pushes only when no deletion is owed and the reserve is held, so that they leave its space free."""
        self._shrink()
        is_held = not self._owed and self._reserve.keep()
        if is_held and self._is_committed(may or [Job(touch)]):
            self.trouble = None
            return
        for job in may:
            job.fail(Full(self.trouble or "the disk is full"))

    def _is_committed(self, jobs: Sequence[Job]) -> bool:
        """Commit *jobs*, all or none; ``False``: ``trouble`` says why not."""
        try:
            self._commit(jobs)
        except sqlite3.Error as error:
            self._roll_back()
            self.trouble = f"the spool cannot be written: {error}"
            return False
        return True

    def _shrink(self) -> None:
        """Give empty pages and the log's space back to the disk."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES})").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _commit(self, jobs: Sequence[Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        results = [job.work(self._connection) for job in jobs]
        if self._newest_ms > self._forgot_ms + FORGET_MS:
            self._forget(self._connection, self._newest_ms)
            self._forgot_ms = self._newest_ms
        self._connection.execute("COMMIT")
        for job, result in zip(jobs, results, strict=True):
            job.succeed(result)

    def _roll_back(self) -> None:
        """Roll back. The numbers will be given to other pushes, so cached readings must not be taken for theirs."""
        self._readings.clear()
        self._read_bytes = 0
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def _batches(self) -> Iterator[list[Job]]:
        """Yield the waiting jobs in batches until ``close``; while there is ``trouble``, an empty one each ``AGAIN_S``."""
        is_last = False
        while not is_last:
            jobs: list[Job] = []
            size = 0
            with contextlib.suppress(queue.Empty):
                while len(jobs) < TOGETHER_MAX and size < TOGETHER_BYTES_MAX:
                    job = self._next_job(is_first=not jobs)
                    if job is None:
                        is_last = True
                        break
                    jobs.append(job)
                    size += job.size or 0
            yield jobs

    def _next_job(self, *, is_first: bool) -> Job | None:
        """The next job, waited for if *is_first*; ``None`` after ``close``. Raises ``queue.Empty`` when there is none."""
        if not is_first:
            return self._jobs.get_nowait()
        return self._jobs.get(timeout=None if self.trouble is None else AGAIN_S)

    def _open(self) -> sqlite3.Connection:
        try:
            with read_whole_pages(self._path):
                try:
                    return prepared(self._path)
                except sqlite3.OperationalError:  # on a full disk SQLite cannot even open the file
                    self._reserve.give_up()
                    return prepared(self._path)
        except sqlite3.Error as error:
            raise Fatal(
                f"the spool {self._path.name} cannot be opened: {error}",
                hint=f"see whether {self._path.parent} can be written, and whether another gateway runs there",
            ) from error

    def _reader(self) -> sqlite3.Connection:
        """This thread's own connection: in WAL mode readers see the last commit and block nobody."""
        if not hasattr(self._readers, "connection"):
            self._readers.connection = connect(self._path)
            self._opened_readers.append(self._readers.connection)
        connection: sqlite3.Connection = self._readers.connection
        return connection

    def _identity(self) -> str:
        """The spool's id: it distinguishes its numbers from those of another spool."""
        self._connection.execute("INSERT OR IGNORE INTO about VALUES ('id', ?)", (uuid.uuid4().hex,))
        (found,) = self._connection.execute("SELECT value FROM about WHERE name = 'id'").fetchone()
        return str(found)

    def _count_all(self) -> None:
        rows = self._connection.execute(
            "SELECT source, count(*), sum(length(body) + ?) FROM push GROUP BY source", (ROW_BYTES,)
        )
        self._depths = {source: Depth(count, size) for source, count, size in rows}
