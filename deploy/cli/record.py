"""``bongsu record``: a recording of what a live source receives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectors.recordings import write_line
from connectors.transport.private_files import appended
from deploy.cli.parameters import CITY, SOURCE
from deploy.telling import tell
from schemas.errors import Retriable

if TYPE_CHECKING:
    from connectors.base import Heard


@click.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option("--source", type=SOURCE, required=True, help="which of the city's sources")
@click.option(
    "-o", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="file to append to"
)
@click.option("--count", type=click.IntRange(1), help="end after so many lines")
def record(city_name: str, source: str, path: Path, count: int | None) -> None:
    """Write what a live source of CITY receives to a recording, line by line, until Ctrl-C.

    \b
    Example:  bongsu record demo --source calls-119 -o today.jsonl --count 3
    """
    from deploy.city.city import load_city

    asyncio.run(_record(load_city(city_name).load(source), path, count))


async def _record(source: Any, path: Path, count: int | None) -> None:
    left = count
    with appended(path) as file:
        async for heard in _heard(source):
            file.write(write_line(heard))
            file.flush()
            left = left - 1 if left is not None else None
            if left == 0:
                return


async def _heard(source: Any) -> AsyncIterator[Heard]:
    """The bodies that the source receives. A poll that fails is reported and left out."""
    from connectors.discovery import is_polled

    if not is_polled(source):
        async for heard in source.listen():
            yield heard
        return
    every_s = float(getattr(source, "every_s", 60))
    while True:
        try:
            yield await source.poll({})
        except Retriable as error:
            tell(f"poll failed: {error.what}", err=True)
        await asyncio.sleep(every_s)
