"""Output for people: colours and bars on a terminal, plain lines in a pipe. Messages go to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from schemas.printable import printable, printable_line, printable_value

if TYPE_CHECKING:
    from rich.progress import Progress

PLAIN_EVERY_S = 5.0


class Telling(Protocol):
    def step(self, what: str, count: int) -> None: ...

    def say(self, what: str) -> None: ...


@contextmanager
def progress_of(title: str) -> Iterator[Telling]:
    """Progress of work of unknown length: a moving line on a terminal, a line from time to time in a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Plain(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
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
        self._progress.update(
            self._task, description=printable_line(f"{self._title}: {what}"), count=self._count
        )

    def say(self, what: str) -> None:
        self._progress.update(self._task, description=printable_line(f"{self._title}: {what}"))


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
        print(printable_line(f"{self._title}: {what}"), file=sys.stderr)  # noqa: T201 (a command's message)


COLOURS = {
    "core.situation": "bold",
    "core.alert": "yellow",
    "core.grant": "cyan",
    "core.dispatch": "magenta",
    "core.track": "blue",
    "dlq": "red",
}


def event_line(shown: dict[str, Any], *, colour: bool) -> str:
    """One event as one line for a person: its time, topic, key and most important fields."""
    shown = printable_value(shown)
    value = shown["value"] or {}
    contract = shown["topic"].split(".", 1)[-1]
    facts = " ".join(
        f"{name}={_short(value[name])}" for name in FACTS if value.get(name) not in (None, "", [])
    )
    when = str(value.get("event_time", ""))[:19]
    said = facts or shown.get("error", "(ended)")
    line = f"{when or '-':19}  {contract:16}  {shown['key'] or '-'}  {said}"
    return in_colour(line, contract, colour=colour)


def in_colour(words: str, contract: str, *, colour: bool) -> str:
    """*words* in the colour of *contract* for a terminal; without *colour*, plain."""
    from rich.console import Console
    from rich.text import Text

    text = Text(printable(words), COLOURS.get(contract, "red" if contract.endswith("dlq") else ""))
    if not colour:
        return text.plain
    console = Console(force_terminal=True, width=10_000)
    with console.capture() as captured:
        console.print(text, end="")
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


def dispatch_lines(told: dict[str, Any]) -> str:
    """The lines of one dispatch: one for each thing that the units must know."""
    head = ", ".join([told["status"], *told["units"]])
    lines = [f"dispatch {told['revision']} of {told['agency']} {told['agency_case_no']}: {head}"]
    if told["status"] != "over":
        lines.append(f"cameras: {_cameras(told)}")
    if told["units_left_out"]:
        lines.append(f"units that see none: {told['units_left_out']}")
    if (traffic := told["approach"]) is not None:
        lines.append(_traffic(traffic))
    lines += [f"danger: {_place(one)}" for one in told["hazards"]]
    lines += [f"in the way: {_place(one)}" for one in told["blocks"]]
    lines += [f"note by {one['account_id']}: {one['text']}" for one in told["notes"]]
    return "\n    ".join(lines)


def _cameras(told: dict[str, Any]) -> str:
    seen = [f"{one['camera_id']} ({metres(one['distance_m'])})" for one in told["cameras"]]
    left_out = told["cameras_left_out"]
    return ", ".join([*(seen or ["none"]), *([f"{left_out} more left out"] if left_out else [])])


def _traffic(now: dict[str, Any]) -> str:
    usual = "" if now["usual_mps"] is None else f", usually {now['usual_mps'] * 3.6:.0f} ({now['share']:.0%})"
    speed = f"{now['speed_mps'] * 3.6:.0f} km/h{usual}"
    return f"traffic within {metres(now['radius_m'])}: {speed}, {now['vehicles']} vehicles in a minute"


def _place(one: dict[str, Any]) -> str:
    """A site, or an observation of a camera."""
    seen_by = one.get("seen_by")
    named = (one["kind"], one.get("name"), f"seen by {seen_by}" if seen_by else None)
    detail = f": {one['detail']}" if one["detail"] else ""
    return f"{' '.join(filter(None, named))} ({metres(one['distance_m'])}){detail}"


def track_lines(told: dict[str, Any]) -> str:
    """The lines of one track: one for each hit with the hop to it, and one for the cameras that may see it next."""
    hits = f", {len(told['hits'])} hits" if told["hits"] else ""
    lines = [f"track {told['revision']}: {told['status']}{hits}"]
    for one, hop in zip(told["hits"], [None, *told["hops"]], strict=False):
        passed = (
            f"{one['certainty']} at {one['seen_at'][:19]} by {one['camera_id'] or 'a camera without a name'}"
        )
        lines.append(passed if hop is None else f"{passed} ({_hop(hop)})")
    if told["reach_m"] is not None:
        ahead = ", ".join(
            f"{one['camera_id']} ({metres(one['distance_m'])}, {one['seconds']:.0f} s)"
            for one in told["next_cameras"]
        )
        more = told["cameras_in_reach"] - len(told["next_cameras"])
        within = f"next within {told['reach_s']:.0f} s at {told['reach_mps'] * 3.6:.0f} km/h"
        lines.append(f"{within}: {ahead or 'none'}{f', {more} more' if more else ''}")
    return "\n    ".join(lines)


def _hop(hop: dict[str, Any]) -> str:
    speed = "no speed" if hop["speed_mps"] is None else f"{hop['speed_mps'] * 3.6:.0f} km/h"
    told = "impossible" if hop["is_impossible"] else speed
    return f"{metres(hop['distance_m'])} in {hop['seconds']:.0f} s, {told}"


def metres(distance: float | None) -> str:
    return "no distance" if distance is None else f"{distance:.0f} m"
