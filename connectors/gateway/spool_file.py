"""The spool's file: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

PRAGMAS = """
PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;
"""
TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS push (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, at_ms INTEGER NOT NULL,
    body BLOB NOT NULL, sha256 BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS push_of_source ON push (source, seq);
CREATE TABLE IF NOT EXISTS said (
    source TEXT NOT NULL, mark BLOB NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, wish BLOB,
    PRIMARY KEY (source, mark)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS said_at ON said (at_ms);
CREATE TABLE IF NOT EXISTS account (account_id TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)


def prepared(path: Path) -> sqlite3.Connection:
    """The writer's connection; the tables are created if they are missing."""
    connection = connect(path)
    connection.executescript(f"{PRAGMAS} {TABLES}")
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(said)")}
    if "wish" not in columns:  # a file of an older version
        connection.execute("ALTER TABLE said ADD COLUMN wish BLOB")
    return connection


def touch(connection: sqlite3.Connection) -> None:
    """Write something small, to try whether the disk accepts it."""
    connection.execute("REPLACE INTO about VALUES ('tried', ?)", (uuid.uuid4().hex,))
