"""Recordings, line by line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from connectors.base import Heard
from connectors.recordings import read_recording, write_line
from schemas.errors import Fatal


def test_bodies_come_as_json_as_text_as_bytes_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"fetched_at":"2024-05-15T00:00:00-05:00","body":{"a":1},"commit":"ignored"}\n'
        '{"fetched_at":"2024-05-15T05:00:01+00:00","body":"<html>"}\n\n'
        '{"fetched_at":"2024-05-15T05:00:02Z","body_base64":"/w=="}\n'
        '{"fetched_at":"2024-05-15T05:00:03Z","error":"timed out"}\n'
    )
    noon = 1_715_749_200_000
    assert list(read_recording(path)) == [
        Heard(b'{"a":1}', noon),
        Heard(b"<html>", noon + 1000),
        Heard(b"\xff", noon + 2000),
        Heard(b"", noon + 3000, error="timed out"),
    ]


def test_what_is_written_is_read_again_zipped_or_not(tmp_path: Path) -> None:
    heard = [
        Heard(b"\x00\xff", 1_715_749_200_123),
        Heard("한글".encode(), 1_715_749_200_124),
        Heard(b"", 1, error="no"),
    ]
    lines = b"".join(write_line(one) for one in heard)
    (tmp_path / "a.jsonl").write_bytes(lines)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    assert (
        list(read_recording(tmp_path / "a.jsonl")) == list(read_recording(tmp_path / "b.jsonl.gz")) == heard
    )


def test_any_other_file_is_heard_once_at_no_stated_time(tmp_path: Path) -> None:
    for name, body in (
        ("a.csv", b"x,y\r\n1,2\r\n"),
        ("b.json", b'{"features": []}'),
        ("c.jsonl", b'{"x":1}\n{"x":2}'),
    ):
        (tmp_path / name).write_bytes(body)
        assert list(read_recording(tmp_path / name)) == [Heard(body, None, attributes={"name": name})]


@pytest.mark.parametrize(
    "line",
    [
        '{"fetched_at": "2024-05-15T00:00:00"}',
        '{"fetched_at": "yesterday", "body": 1}',
        '{"fetched_at": 5}',
        '{"fetched_at": "2024-05-15T05:00:02Z", "body_base64": "?"}',
        '{"fetched_at": "2024-05-15T05:00:02Z", "bo',
        "[]",
    ],
)
def test_a_bad_line_names_its_file_and_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"fetched_at":"2024-05-15T05:00:00+00:00","body":1}\n' + line + "\n")
    with pytest.raises(Fatal, match=r"bad\.jsonl:2: .*fetched_at"):
        list(read_recording(path))


def test_a_recording_that_is_not_there_or_was_cut_says_so(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"gone\.jsonl"):
        list(read_recording(tmp_path / "gone.jsonl"))
    whole = gzip.compress(write_line(Heard(b"abc" * 1000, 1)) * 50)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Fatal, match=r"cut\.jsonl\.gz"):
        list(read_recording(tmp_path / "cut.jsonl.gz"))


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        (b'[{"n": 1}, {"n": NaN} ]', b'[{"n": 1}, {"n": NaN} ]'),
        (b'[{"n": "Caf\xe9"}, "]"]', b'[{"n": "Caf\xe9"}, "]"]'),
        (b'"[1, \\ud83d]"', b"[1, \xed\xa0\xbd]"),
    ],
)
def test_a_body_that_is_no_json_is_its_sources_to_judge(tmp_path: Path, body: bytes, heard: bytes) -> None:
    path = tmp_path / "a.jsonl"
    line = b'{"fetched_at": "2024-05-15T05:00:00Z", "body": %s, "commit": 1}\n'
    path.write_bytes(line % b"[1]" + line % body + line % b"[2]")
    assert [one.body for one in read_recording(path)] == [b"[1]", heard, b"[2]"]


def test_a_line_whose_time_is_no_json_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"fetched_at": NaN, "body": [NaN]}\n')
    with pytest.raises(Fatal, match=r"a\.jsonl:1"):
        list(read_recording(path))
