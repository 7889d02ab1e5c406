"""``bongsu audit``: verify a city's access log (``core.access``), and print an anchor to verify it against later."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import Platform, reach
from deploy.telling import tell
from deploy.times import iso
from deploy.topic_values import tell_left_out
from schemas.catalogue import load_catalogue, topic_name

if TYPE_CHECKING:
    from connectors.gateway.chain import Audit
    from deploy.city.city import City

CONTRACT = "core.access"
SHOWN_MAX = 50
STEP = 50_000
SLACK_MS = 24 * 3_600_000
"""Kafka deletes a segment some time after its newest record is past retention."""


@click.group(cls=Group)
def audit() -> None:
    """Verify the record of who asked to see what.

    \b
    Example:  bongsu audit verify demo
    """


@audit.command()
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option(
    "--anchor",
    "anchor_path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="what 'audit anchor' printed before: finds records that were cut off since",
)
def verify(city_name: str, anchor_path: Path | None) -> None:
    """Verify CITY's access log against change.

    It ends with 1, and the places, where a record was altered, dropped, moved or cut off.

    \b
    Example:  bongsu audit verify demo
    """
    from connectors.gateway.chain import Audit, verified
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    kept_ms = load_catalogue()[CONTRACT].retention_ms or 0
    known = {} if anchor_path is None else _anchor(anchor_path, city.name)
    looked = Audit(known, kept_since=int(time.time() * 1000) - kept_ms + SLACK_MS)
    unreadable: list[str] = []
    faults = verified(_rows(platform, city, unreadable), looked)
    for fault in faults[:SHOWN_MAX]:
        tell(f"{fault.place}: {fault.writer} {fault.sequence} {fault.what}")
    for place in unreadable:
        tell(f"{place}: cannot be read")
    if len(faults) > SHOWN_MAX:
        tell(f"and {len(faults) - SHOWN_MAX} more")
    _tell_sum(city, looked, len(faults) + len(unreadable), is_anchored=anchor_path is not None)
    if faults or unreadable:
        raise SystemExit(1)


@audit.command()
@click.argument("city_name", metavar="CITY", type=CITY)
def anchor(city_name: str) -> None:
    """Print what to verify CITY's log against later.

    It is the newest sequence and hash of each writer. Keep it where the log's keepers cannot write.

    \b
    Example:  bongsu audit anchor demo
    """
    from connectors.gateway.chain import Audit, anchor_to_json, verified
    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    looked, unreadable = Audit(), list[str]()
    faults = [one for one in verified(_rows(platform, city, unreadable), looked) if one.sequence != 1]
    tell(anchor_to_json(city.name, looked.heads, now=iso(int(time.time() * 1000))).decode())
    if faults or unreadable:
        tell(
            f"  the log has faults as it stands: see bongsu audit verify {city.spoken}", fg="yellow", err=True
        )


def _rows(platform: Platform, city: City, unreadable: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, value) of each record, with progress on standard error. The places of *unreadable* ones are added there."""
    from deploy.topics import ensure_topics
    from streams.runtime.kafka import read_whole
    from streams.runtime.row_reader import Row, RowReader, place_of

    ensure_topics(platform.kafka, [city.name])
    reader = RowReader(platform.wire, f"{city.name}.audit")
    for number, record in enumerate(read_whole(platform.kafka, [topic_name(city.name, CONTRACT)]), 1):
        row = reader.read(record)
        if isinstance(row, Row) and row.value is not None:
            yield place_of(record), row.value
        else:
            unreadable.append(place_of(record))
        if number % STEP == 0:
            tell(f"  {number:,} records", err=True)
    tell_left_out(reader)


def _anchor(path: Path, city: str) -> dict[str, Any]:
    from connectors.gateway.chain import anchor_from_json

    try:
        return dict(anchor_from_json(path.read_bytes(), city))
    except ValueError as error:
        raise UsageFault(
            f"{path} is no anchor of {city}: {error}",
            hint=f"print one with: bongsu audit anchor {city} > FILE",
        ) from error


def _tell_sum(city: City, looked: Audit, faults: int, *, is_anchored: bool) -> None:
    count = f"{looked.records:,} records of {len(looked.heads)} writers"
    if faults:
        tell(f"{city.name}: {count}, {faults} faults", fg="red", err=True)
        return
    tell(f"{city.name}: {count}, all chains hold", err=True)
    if not is_anchored:
        tell("  whether the newest were cut off shows only against an anchor: --anchor FILE", err=True)
