"""How things look: colours and bars on a terminal, plain lines in a pipe. Words go to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

PLAIN_EVERY_S = 5.0


class Telling(Protocol):
    def step(self, what: str, count: int) -> None: ...

    def say(self, what: str) -> None: ...


@contextmanager
def progress_of(title: str) -> Iterator[Telling]:
    """Progress of work whose end is not known: a line that moves on a terminal, a line now and then in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Plain(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]} events"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        yield _Moving(progress, title)


class _Moving:
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._count = 0
        self._task = progress.add_task(title, total=None, count=0)

    def step(self, what: str, count: int) -> None:
        self._count += count
        self._progress.update(self._task, description=f"{self._title}: {what}", count=self._count)

    def say(self, what: str) -> None:
        self._progress.update(self._task, description=f"{self._title}: {what}")


class _Plain:
    def __init__(self, title: str) -> None:
        self._title = title
        self._count = 0
        self._last_s = time.monotonic()

    def step(self, what: str, count: int) -> None:
        self._count += count
        if time.monotonic() - self._last_s >= PLAIN_EVERY_S:
            self._last_s = time.monotonic()
            self.say(f"{what}, {self._count} events")

    def say(self, what: str) -> None:
        print(f"{self._title}: {what}", file=sys.stderr)  # noqa: T201 (words of a command)


COLOURS = {"core.situation": "bold", "core.alert": "yellow", "core.grant": "cyan", "dlq": "red"}


def event_line(shown: dict[str, Any], *, colour: bool) -> str:
    """One event as one line for a person: when, which topic, which key, and what matters most in it."""
    value = shown["value"] or {}
    contract = shown["topic"].split(".", 1)[-1]
    facts = " ".join(
        f"{name}={_short(value[name])}" for name in FACTS if value.get(name) not in (None, "", [])
    )
    when = str(value.get("event_time", ""))[:19]
    line = Text(
        f"{when or '-':19}  {contract:16}  {shown['key'] or '-'}  {facts or shown.get('error', '(ended)')}"
    )
    if not colour:
        return line.plain
    style = COLOURS.get(contract, "red" if contract.endswith("dlq") else "")
    line.stylize(style)
    console = Console(force_terminal=True, width=10_000)
    with console.capture() as captured:
        console.print(line, end="")
    return captured.get()


FACTS = (
    "kind", "status", "revision", "agency", "agencies", "kind_text", "message_type", "audience", "headline",
    "camera_id", "rank", "distance_m", "granted_to", "purpose", "revoked_at", "merged_into", "reason", "name", "owner",
)  # fmt: skip


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.0f}"
    text = str(value)
    return f'"{text}"' if " " in text else text
