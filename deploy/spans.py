"""Spans of time as people write them on the command line: ``90s``, ``30m``, ``1h``, ``2d``."""

from __future__ import annotations

import re
from typing import Any

import click

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
SPAN = re.compile(r"([0-9]{1,9})([smhd]?)", re.ASCII)
OLD_DAYS_MAX = 30


class Span(click.ParamType):
    """A span of time from now, in ms; ``0`` needs no unit. *days_max*: the longest."""

    name = "span"

    def __init__(self, days_max: int) -> None:
        self.days_max = days_max

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = SPAN.fullmatch(str(value))
        if found is None or (not found[2] and int(found[1]) != 0):
            self.fail(f"{str(value)[:40]!a} is no span of time: write 90s, 30m, 1h, 2d or 0", param, ctx)
        seconds = int(found[1]) * UNITS_S.get(found[2], 0)
        if seconds > self.days_max * UNITS_S["d"]:
            self.fail(f"{value} is too long: at most {self.days_max}d", param, ctx)
        return seconds * 1_000


OLD_UNTIL = click.option(
    "--old-until",
    "old_ms",
    type=Span(OLD_DAYS_MAX),
    default="1h",
    show_default=True,
    metavar="SPAN",
    help=f"how long from now the old one is good too: 90s, 30m, 1h, 2d (at most {OLD_DAYS_MAX}d); 0: refused at once",
)
