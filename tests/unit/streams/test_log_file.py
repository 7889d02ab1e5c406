"""Log files rotate, belong to one process, and survive a full disk; a line of JSON holds each fact under its name."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import Fatal
from streams.log import log
from streams.log_file import LogOutput, OwnFile


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """Bongsu's logger without a handler, as at a process's start; restored at the end."""
    ours = logging.getLogger("bongsu")
    before = (list(ours.handlers), ours.level, ours.propagate)
    ours.handlers.clear()
    yield ours
    for handler in ours.handlers:
        handler.close()
    ours.handlers[:], ours.level, ours.propagate = before


def small(logger: logging.Logger, file: Path, *, size: int, count: int) -> OwnFile:
    handler = OwnFile(file, size=size, count=count)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return handler


def test_a_file_is_rotated_at_its_size_and_only_so_many_are_kept(
    tmp_path: Path, logger: logging.Logger
) -> None:
    small(logger, tmp_path / "run.log", size=200, count=2)
    for number in range(40):
        log.info("a line", number=number)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["run.log", "run.log.1", "run.log.2"]
    assert all(one.stat().st_size <= 200 for one in tmp_path.iterdir())
    assert (tmp_path / "run.log").read_text().splitlines()[-1] == "a line number=39"


def test_two_processes_do_not_share_a_file_not_even_after_a_rotation(
    tmp_path: Path, logger: logging.Logger
) -> None:
    file = tmp_path / "run.log"
    small(logger, file, size=100, count=1)
    for number in range(20):
        log.info("a line", number=number)
    other = "import sys; from pathlib import Path; from streams.log_file import LogOutput\n"
    other += "LogOutput(Path(sys.argv[1])).begin()"
    done = subprocess.run(
        [sys.executable, "-c", other, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and f"another process logs to {file}" in done.stderr
    with pytest.raises(Fatal, match="another process logs to"):
        LogOutput(file)._opened(file)


def test_a_file_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(Fatal, match="cannot be written") as told:
        LogOutput(tmp_path / "a" / "run.log").begin()
    assert "--log-file" in told.value.hint


def test_a_full_disk_costs_lines_and_not_the_process(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, logger: logging.Logger
) -> None:
    handler = small(logger, tmp_path / "run.log", size=1_000, count=1)
    good, handler.stream = handler.stream, Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 (closed below)
    full = handler.stream
    assert good is not None
    log.info("lost")
    log.info("lost too")
    assert capsys.readouterr().err.count("cannot be written: No space left on device") == 1
    os.dup2(good.fileno(), full.fileno())  # there is room again
    log.info("there again")
    assert "is written again, lines lost: 2" in capsys.readouterr().err
    handler.stream = good
    full.close()
    assert "there again" in (tmp_path / "run.log").read_text()


def test_a_line_of_json_has_each_fact_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    LogOutput(file, is_json=True).begin()
    log.info("it\nran", count=3, wait_s=0.12345, ready=True, what="\x1b[2J 소방", level="mine", none=None)
    logging.getLogger("bongsu.kafka").warning("%s", "broker down")
    first, second = map(json.loads, file.read_text("utf-8").splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "INFO",
        "event": "it\\u000aran",
        "count": 3,
        "wait_s": 0.123,
        "ready": True,
        "what": "\\u001b[2J 소방",
        "none": None,
    }
    assert (second["level"], second["event"]) == ("WARNING", "Kafka client: broker down")


def test_a_quiet_process_logs_warnings_only(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    LogOutput(file, is_quiet=True).begin()
    log.info("not this")
    log.warning("but this", percent="5%s")
    assert file.read_text().splitlines()[0].endswith("WARNING but this percent=5%s")


def test_a_child_has_the_same_log_in_a_file_of_its_own() -> None:
    output = LogOutput(Path("/var/log/bongsu/houston.log"), 7, 3, is_json=True)
    options = output.options_of("match")
    assert options[options.index("--log-file") + 1] == "/var/log/bongsu/houston-match.log"
    assert "--log-json" in options and "--quiet" not in options
    assert LogOutput(is_quiet=True).options_of("speed") == ["--quiet"]
