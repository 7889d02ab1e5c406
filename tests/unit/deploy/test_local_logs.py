"""Logs are read as they are written."""

from __future__ import annotations

from pathlib import Path

from deploy.local.follow import follow, last_lines


def test_the_last_lines_of_a_log_and_none_of_a_missing_one(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("one\ntwo\nthree\n")
    assert last_lines(log, 2) == ["two", "three"]
    assert last_lines(tmp_path / "redis.log", 2) == []


def test_lines_written_later_follow_also_after_the_log_was_rotated(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("old\n")
    lines = follow({"kafka": log}, begin_at={"kafka": 0})
    assert next(lines) == ("kafka", "old")
    with log.open("a") as writing:
        writing.write("new\nhal")
    assert next(lines) == ("kafka", "new")
    log.write_text("a\n")
    assert next(lines) == ("kafka", "a")
