"""The demo's board: situations as they open, who is on them, what they may see, and how they end."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.demo.happenings import MOBILITY, Happenings
from deploy.demo.sources import RAW, Sources
from deploy.demo.tracks import way
from schemas.printable import printable_line, printable_value

SITUATIONS_MAX = 12
HAPPENINGS_MAX = 10
CAMERAS_SHOWN = 5
JOINT = "joint-incident"
STATUS_STYLE = {"open": "bold red", "dispatched": "yellow", "arrived": "cyan", "closed": "dim"}

Value = Mapping[str, Any]


@dataclass(slots=True)
class Board:
    """Folds core events into the rows and lines of the board. Bounded: the oldest ended situations are dropped first."""

    title: str
    zone: tzinfo
    shows_cameras: bool = False
    sources: Sources = field(default_factory=Sources)
    feeds: Happenings = field(default_factory=Happenings)
    tells_feeds: bool = False
    """Whether it tells what feeds of mobility say, too."""
    situations: OrderedDict[str, Value] = field(default_factory=OrderedDict)
    alerts: dict[str, dict[str, Value]] = field(default_factory=dict)
    grants: dict[str, dict[str, Value]] = field(default_factory=dict)
    happenings: deque[Text] = field(default_factory=lambda: deque(maxlen=HAPPENINGS_MAX))
    opened: int = 0
    joined: int = 0
    closed: int = 0

    def take(self, contract: str, value: Value) -> str | None:
        """Take one event; return a line about it, or some, when it is worth one."""
        if self.tells_feeds and contract in MOBILITY:
            return self._told(self.feeds.take(contract, printable_value(value)), value)
        if contract in RAW:
            self.sources.take(value)
            return None
        value = printable_value(value)
        match contract:
            case "core.situation":
                line = self._situation(value)
            case "core.alert":
                line = self._alert(value)
            case "core.grant":
                line = self._grant(value)
            case "core.track":
                line = f"{value['situation_id'][:6]} seen: {way(value)}" if value["hits"] else None
            case _:
                return None
        self._forget()
        return self._told([] if line is None else [line], value)

    def _told(self, lines: list[str], value: Value) -> str | None:
        stamp = self._clock(value["received_time"])
        self.happenings.extend(Text(f"{stamp}  {line}") for line in lines)
        return "\n".join(lines) or None

    def _situation(self, value: Value) -> str | None:
        one = value["situation_id"]
        before = self.situations.get(one)
        self.situations[one] = value
        if value["merged_into"]:
            return f"{one[:6]} merged into {value['merged_into'][:6]}"
        if before is None:
            self.opened += 1
            return f"{one[:6]} opens: {value['kind']}, {self._said_by(value)}"
        if value["status"] == "closed":
            self.closed += 1
            return f"{one[:6]} ends: {value['kind']}"
        if len(value["agencies"]) > len(before["agencies"]):
            self.joined += 1
            return f"{one[:6]} joined: now {', '.join(value['agencies'])}"
        if value["status"] != before["status"]:
            return f"{one[:6]} {value['status']}"
        return None

    def _alert(self, value: Value) -> str | None:
        told = self.alerts.setdefault(value["situation_id"], {})
        told[value["audience"]] = value
        return (
            f"{value['situation_id'][:6]} alert to {value['audience']}: {value['headline']}"
            if value["revision"] == 1
            else None
        )

    def _grant(self, value: Value) -> str | None:
        held = self.grants.setdefault(value["situation_id"], {})
        if value["revoked_at"] is not None:
            held.pop(value["grant_id"], None)
        else:
            held[value["grant_id"]] = value
        return None

    def _forget(self) -> None:
        ended = [one for one, value in self.situations.items() if value["status"] == "closed"]
        for one in ended[: max(0, len(self.situations) - SITUATIONS_MAX)]:
            for fold in (self.situations, self.alerts, self.grants):
                fold.pop(one, None)

    def _clock(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, self.zone).strftime("%H:%M:%S")

    def _said_by(self, value: Value) -> str:
        """Names the sources that said it, as the city's file has them; of what was said before we listened, the agencies."""
        named = self.sources.of(value)
        said = ", ".join(named or value["agencies"])
        return said if value["rule"] == JOINT else f"{said} ({value['rule']})"

    def render(self) -> Group:
        table = Table(expand=True, box=None, pad_edge=False)
        for name, ratio in (("since", 0), ("situation", 7), ("said by", 6), ("cameras, told", 5)):
            table.add_column(
                name, ratio=ratio or None, header_style="bold", no_wrap=True, overflow="ellipsis"
            )
        for one, value in reversed(self.situations.items()):
            if value["listed_under"]:  # its surge stands for it
                continue
            style = STATUS_STYLE.get(value["status"], "")
            granted = len(self.grants.get(one, {}))
            told = ", ".join(sorted(self.alerts.get(one, {})))
            table.add_row(
                self._clock(value["opened_at"]),
                Text(f"{value['kind']} {value['status']}", style=style),
                Text(self._said_by(value)),
                Text(f"{granted} cam, {told}" if granted else told),
            )
            if self.shows_cameras and value["cameras"]:
                table.add_row("", "", Text(_cameras(value), style="dim"), "")
        counts = f"{self.opened} opened · {self.joined} joined by a second agency · {self.closed} ended"
        log = (
            Group(*self.happenings)
            if self.happenings
            else Text("waiting for the first report …", style="dim")
        )
        return Group(
            Panel(
                table,
                title=Text.assemble((printable_line(self.title), "bold"), f" · {counts}"),
                title_align="left",
            ),
            Panel(log, title="as it happens  (Ctrl-C ends)", title_align="left"),
        )


def _cameras(value: Value) -> str:
    shown = [
        f"{camera['camera_id']} {camera['distance_m']:.0f} m" for camera in value["cameras"][:CAMERAS_SHOWN]
    ]
    return ", ".join(shown) or "no camera near"
