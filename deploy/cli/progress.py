"""Long work, shown: a bar on a terminal, plain lines in a pipe; always on stderr."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy.local.artefacts import Progress
from deploy.telling import tell
from schemas.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

STEP_PERCENT = 25


class Lines:
    """One line for each step, and for each quarter of what is fetched."""

    def __init__(self) -> None:
        self._told_percent = 0

    def say(self, words: str) -> None:
        tell(words, err=True)

    def fetched(self, done_bytes: int, total_bytes: int) -> None:
        percent = done_bytes * 100 // total_bytes
        if percent >= self._told_percent + STEP_PERCENT:
            self._told_percent = percent - percent % STEP_PERCENT
            tell(f"  {done_bytes / 1e6:.0f} of {total_bytes / 1e6:.0f} MB", err=True)


class Bar:
    """The same as `Lines`, with a bar for what is fetched."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def say(self, words: str) -> None:
        self._bars.console.print(printable(words), highlight=False, markup=False)

    def fetched(self, done_bytes: int, total_bytes: int) -> None:
        if self._task is None:
            self._task = self._bars.add_task("fetching", total=total_bytes)
        self._bars.update(self._task, completed=done_bytes)


@contextmanager
def shown() -> Iterator[Progress]:
    """Progress in the form that fits where stderr goes."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bar(bars)


@contextmanager
def counting(words: str, total: int) -> Iterator[Callable[[], None]]:
    """A function to call after each of *total* pieces of work: a bar on a terminal, a line for each quarter in a pipe."""
    from rich.console import Console
    from rich.progress import Progress as Bars

    if not sys.stderr.isatty():
        done = itertools.count(1)
        told = {math.ceil(total * percent / 100) for percent in range(STEP_PERCENT, 101, STEP_PERCENT)}

        def line() -> None:
            number = next(done)
            if number in told:
                tell(f"{words}: {number} of {total}", err=True)

        yield line
        return
    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(words, total=total)
        yield lambda: bars.advance(task)
