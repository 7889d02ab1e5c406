"""An agency's text on an operator's terminal: every command shows it without control characters."""

from __future__ import annotations

import ast
import io
import logging
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console

import deploy
from deploy import source_states
from deploy.cli import cluster, dlq, main, situation, source_lines, tail
from deploy.demo.board import Board
from deploy.local import cluster as local_cluster
from deploy.local.home import Home
from deploy.platform import Platform
from deploy.settings import Endpoints
from deploy.show import event_line, in_colour, progress_of
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal
from schemas.json_form import from_json_value
from schemas.wire import Wire
from streams.dlq.fold import Aside
from streams.journal import replay
from streams.log import Log

ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m[bold]\u202e[/nope]\rerror: x\nA LINE OF ITS OWN"
DEPLOY = Path(deploy.__file__).parent


def is_harmless(shown: str) -> bool:
    """Whether *shown* has the text of ``ESCAPE`` but none of its control characters."""
    parts = ("\x1b]", "\x1b[2J", "\x9b", "\x07", "\r", "\u202e", "\nA LINE")
    return "owned" in shown and not any(part in shown for part in parts)


def example(contract: str, **changed: Any) -> dict[str, Any]:
    one = load_catalogue()[contract]
    shown = orjson.loads((one.folder / "examples" / "typical.json").read_bytes())
    return from_json_value(one.newest, shown) | changed


def test_the_board_shows_it() -> None:
    board = Board(f"here {ESCAPE}", ZoneInfo("UTC"))
    value = example("core.situation", kind=f"fire {ESCAPE}", merged_into=None, status="open")
    value["incidents"] = [{**one, "agency_case_no": ESCAPE} for one in value["incidents"]]
    line = board.take("core.situation", value)
    assert line is not None and is_harmless(line)
    console = Console(file=io.StringIO(), width=300, force_terminal=False)
    console.print(board.render())
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert is_harmless(shown.replace("\n", " ")) and "[bold]" in shown


@pytest.mark.parametrize("colour", [True, False])
def test_a_line_of_an_event_shows_it(colour: bool) -> None:
    value = {"kind_text": ESCAPE, "headline": f"two words {ESCAPE}", "reason": ESCAPE}
    shown = {"topic": "x.police.incident", "key": ESCAPE, "value": value}
    assert is_harmless(event_line(shown, colour=colour))
    assert is_harmless(event_line({**shown, "value": None, "error": ESCAPE}, colour=colour))
    assert is_harmless(in_colour(ESCAPE.replace("\n", " "), "core.dispatch", colour=colour))


def test_the_dlq_shows_it() -> None:
    value = {
        "reason": ESCAPE, "field": ESCAPE, "attempts": 1, "retried_at": None, "first_at": 0, "last_at": 0,
        "event_id": "a" * 32, "original": b"",
    }  # fmt: skip
    lines = dlq.summary([Aside("x.source.dlq", b"", value)])
    assert is_harmless(lines[0])
    assert lines[1].strip() == "ids: " + "a" * 12


def test_the_report_of_a_source_shows_it() -> None:
    told = example("core.source", state_reason=ESCAPE)
    told |= {"reasons": [{"what": ESCAPE, "count": 1}], "noted": [{"what": ESCAPE, "count": 1}]}
    lines = list(source_lines.report_lines(told))
    assert all(is_harmless(line) for line in lines if "owned" in line)
    assert sum("owned" in line for line in lines) == 3


def run(command: Any, *words: str) -> str:
    result = CliRunner().invoke(command, words)
    assert result.exception is None, result.exception
    return result.output


@pytest.fixture
def a_platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    platform = Platform(Endpoints("", "", ""), Wire(None))  # type: ignore[arg-type]  # not used
    for module in (situation, tail, cluster):
        monkeypatch.setattr(module, "reach", lambda: platform)
    return platform


@pytest.mark.parametrize("as_json", [True, False])
def test_the_situations_show_it(a_platform: Platform, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    one = example("core.situation", agencies=[ESCAPE], status="open")
    one["incidents"] = [{**member, "agency_case_no": ESCAPE} for member in one["incidents"]]
    monkeypatch.setattr(
        situation,
        "values_of",
        lambda _platform, _city, contract: [one] if contract == "core.situation" else [],
    )
    monkeypatch.setattr(situation, "demand_ran", lambda _platform, _city: None)
    monkeypatch.setattr(replay, "explained", lambda *_about, **_more: iter(()))
    more = ("--json",) if as_json else ()
    monkeypatch.setenv("COLUMNS", "400")
    assert is_harmless(run(situation.list_, "demo", *more))
    assert is_harmless(run(situation.show, one["situation_id"], "--city", "demo", *more))


def test_status_and_logs_show_it(
    a_platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {"city": "x", "source": "cad", "state": "stopped", "state_reason": ESCAPE, "state_since_at": 0}
    up = local_cluster.ComponentState("kafka", "127.0.0.1:1", up=True, is_given=False, pid=1)
    monkeypatch.setattr(cluster, "home_folder", lambda: tmp_path)
    monkeypatch.setattr(local_cluster, "status", lambda _home: [up])
    monkeypatch.setattr(source_states, "unheard", lambda _platform: [told])
    assert is_harmless(run(cluster.status, "--home", str(tmp_path)))
    assert is_harmless(run(cluster.status, "--home", str(tmp_path), "--json"))
    log = Home(tmp_path).log("kafka")
    log.parent.mkdir()
    log.write_text(ESCAPE.replace("\n", " "), encoding="utf-8")
    assert is_harmless(run(cluster.logs, "kafka", "--home", str(tmp_path)))


def test_errors_show_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    line = ESCAPE.replace("\n", " ")

    def broken(**_about: Any) -> None:
        raise Fatal(line, hint=line)

    monkeypatch.setattr("deploy.cli.bongsu.main", broken)
    with pytest.raises(SystemExit):
        main([])
    assert is_harmless(capsys.readouterr().err)
    monkeypatch.undo()
    with pytest.raises(SystemExit):
        main(["source", line])
    assert is_harmless(capsys.readouterr().err)


def test_logs_and_progress_write_it(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="printed"):
        Log("printed").info("heard", why=ESCAPE)
    assert is_harmless(caplog.text)
    with progress_of("playing") as progress:
        progress.say(ESCAPE)
    assert is_harmless(capsys.readouterr().err)


PRINTING = {"echo", "secho", "print", "print_json"}
MAY_PRINT = {
    "telling.py",  # the one place where text from outside is printed
    "cli/bench.py",  # figures of our own
    "cli/progress.py",  # of our own work
    "show.py",  # progress, and colours around escaped text
    "cli/effects.py",  # tables of figures
    "cli/situation.py",  # a table of escaped cells
    "cli/topics.py",  # a table of the catalogue's own words
}


def printing_calls(text: str) -> list[int]:
    """The lines of *text* that print directly."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if (isinstance(call.func, ast.Attribute) and call.func.attr in PRINTING)
        or (isinstance(call.func, ast.Name) and call.func.id in PRINTING)
    ]


def test_no_command_prints_by_another_way() -> None:
    files = {str(file.relative_to(DEPLOY)): file for file in DEPLOY.rglob("*.py")}
    others = {
        f"{name}:{line}"
        for name, file in files.items()
        if name not in MAY_PRINT
        for line in printing_calls(file.read_text(encoding="utf-8"))
    }
    assert not others, "print with deploy.telling"


def test_that_check_can_fail() -> None:
    assert printing_calls("import click\nclick.echo(1)\nprint(2)\n") == [2, 3]
