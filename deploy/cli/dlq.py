"""``bongsu dlq``: what was set aside, why, its original bytes, and feeding it again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.record_form import ASIDE_OF_CASES, covered
from deploy.telling import tell
from deploy.topic_values import has_run, never_ran
from schemas.catalogue import contract_name, load_catalogue
from schemas.json_form import to_json_value
from schemas.printable import field_path, printable_line

if TYPE_CHECKING:
    from streams.dlq.fold import Aside

ID_LETTERS_MIN, IDS_SHOWN = 12, 5
"""The least letters of an id that is cut short; the number of ids listed of one reason, the newest first."""


@click.group(cls=Group)
def dlq() -> None:
    """Show what was set aside, and feed it again after mending.

    \b
    Example:  bongsu dlq list
    """


@dlq.command("list")
@click.option("--city", "city_name", type=CITY, help="of one city only")
@click.option("--json", "as_json", is_flag=True, help="one record a line, as JSON")
def list_(city_name: str | None, as_json: bool) -> None:
    """Count what was set aside, by topic and reason, with ids.

    What was fed again since is counted apart. 'bongsu dlq show ID' and 'bongsu dlq retry ID' take them; --json names all.

    \b
    Example:  bongsu dlq list --city demo
    """
    from deploy.assembly.retry import asides_in
    from deploy.city.city import load_city

    platform = reach()
    asides = asides_in(platform, _name(city_name))
    if not asides and city_name and not has_run(platform, _name(city_name) or city_name):
        raise never_ran(load_city(city_name))
    if as_json:
        for aside in asides:
            tell(orjson.dumps({"topic": aside.topic, "value": _shown(aside)}).decode())
        return
    for line in summary(asides):
        tell(line)
    if not asides:
        tell("nothing was set aside", err=True)


def summary(asides: list[Aside]) -> list[str]:
    """A line for each topic and reason, the most frequent first: how many, how often tried, first and last."""
    groups: dict[tuple[str, str, str], list[Aside]] = {}
    for aside in asides:
        value = aside.value
        groups.setdefault((aside.topic, value["reason"], field_path(value["field"])), []).append(aside)
    ids = short_ids([aside.event_id for aside in asides])
    lines = []
    for (topic, reason, field), those in sorted(groups.items(), key=lambda one: -len(one[1])):
        values = [aside.value for aside in those]
        attempts = max(value["attempts"] for value in values)
        retried = sum(value["retried_at"] is not None for value in values)
        told = f"{len(those):7}  {topic}  {printable_line(reason)}{f'  (field {field})' if field else ''}"
        told += f"  first {_when(min(value['first_at'] for value in values))}"
        told += f", last {_when(max(value['last_at'] for value in values))}"
        told += f", up to {attempts} attempts" if attempts > 1 else ""
        told += f", {retried} fed again" if retried else ""
        lines += [told, f"         ids: {_some([ids[aside.event_id] for aside in reversed(those)])}"]
    return lines


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Each of *ids* cut short, but so long that it is the beginning of no other."""
    known = set(ids)
    short = {}
    for one in known:
        length = ID_LETTERS_MIN
        while any(other != one and other.startswith(one[:length]) for other in known):
            length += 1
        short[one] = one[:length]
    return short


def _some(ids: Sequence[str]) -> str:
    more = len(ids) - IDS_SHOWN
    return ", ".join(ids[:IDS_SHOWN]) + (f" and {more} more: bongsu dlq list --json" if more > 0 else "")


@dlq.command()
@click.argument("event_id")
@click.option("--city", "city_name", type=CITY, help="of one city only")
@click.option("--bytes", "raw", is_flag=True, help="the original bytes alone, to standard output")
def show(event_id: str, city_name: str | None, raw: bool) -> None:
    """Show one record: why it was set aside, and its bytes.

    Says too where it came from, and how often it was tried.

    EVENT_ID may be cut short.

    \b
    Example:  bongsu dlq show 3f2a --bytes > record.json
    """
    from deploy.assembly.retry import asides_in

    aside = _chosen(asides_in(reach(), _name(city_name)), (event_id,))[0]
    if raw:
        if contract_name(aside.topic) in ASIDE_OF_CASES:
            raise UsageFault(
                "the bytes tell of a person whom a camera saw: only a missing person's case reads them",
                hint=f"feed it again after mending: bongsu dlq retry {event_id}; it goes by itself after its retention",
            )
        if sys.stdout.isatty():
            raise UsageFault(
                "the bytes are as an agency sent them, and a terminal may obey them",
                hint=f"send them to a file: bongsu dlq show {event_id} --bytes > FILE",
            )
        sys.stdout.buffer.write(aside.value["original"])
        return
    text = aside.value["original"].decode(errors="backslashreplace")
    shown = covered(contract_name(aside.topic), _shown(aside) | {"original": text})
    tell(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())


@dlq.command()
@click.argument("event_ids", metavar="[EVENT_ID]…", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="everything that waits (of --topic, of --city)")
@click.option(
    "--topic", help="of one topic, with or without .dlq; source.dlq for what sources could not read"
)
@click.option("--city", "city_name", type=CITY, help="of one city only: a name, or the path of its file")
def retry(event_ids: tuple[str, ...], is_all: bool, topic: str | None, city_name: str | None) -> None:
    """Feed records again, after what was wrong was mended.

    A record of a topic goes back there with its bytes as they are; what a source could not read goes through that source
    again. Each is fed once, however often this command runs; ends with 1 when some are still bad.

    \b
    Example:  bongsu dlq retry --all --topic demo.source.dlq
    """
    from deploy.assembly.retry import asides_in, retry_all
    from deploy.city.city import load_city
    from streams.dlq.rows import is_cut
    from streams.traces import spans_exported

    if bool(event_ids) == is_all:
        raise UsageFault("which records?", hint="give event ids of 'bongsu dlq list --json', or --all")
    platform = reach()
    asides = asides_in(platform, _name(city_name), topic=topic)
    chosen = asides if is_all else _chosen(asides, event_ids)
    cities = {load_city(city_name).name: load_city(city_name)} if city_name else {}
    done = Counter({"fed again before": sum(one.value["retried_at"] is not None for one in chosen)})
    done["cut, so that nobody can feed them"] = sum(is_cut(one.value) for one in chosen)
    done["of a stage's own memory, which has gone on since"] = sum(one.is_memory for one in chosen)
    with spans_exported("retry"):
        outcome = retry_all(platform, [one for one in chosen if one.is_waiting], cities)
    tell(f"{outcome.fed} fed again, {outcome.events} events of sources published", err=True)
    done["told anew by their source since, left as that is"] = outcome.said_since
    done["still bad"] = outcome.still_bad
    for what, count in done.items():
        if count:
            tell(f"{count} {what}", err=True)
    if outcome.still_bad:
        sys.exit(1)


def _chosen(asides: list[Aside], event_ids: tuple[str, ...]) -> list[Aside]:
    """The records whose ids begin so, each beginning meaning exactly one."""
    chosen = []
    for event_id in event_ids:
        found = [one for one in asides if one.event_id.startswith(event_id)]
        if len(found) != 1:
            what = (
                f"nothing set aside has the id {event_id}"
                if not found
                else f"{len(found)} ids begin {event_id}"
            )
            raise UsageFault(what, hint="'bongsu dlq list --json' names them all")
        chosen += found
    return chosen


def _name(city_name: str | None) -> str | None:
    """The city's name, where a file's path may stand."""
    from deploy.city.city import load_city

    return load_city(city_name).name if city_name and city_name.endswith(".toml") else city_name


def _shown(aside: Aside) -> dict[str, Any]:
    shown = to_json_value(load_catalogue()["source.dlq"].newest, aside.value)
    return covered(contract_name(aside.topic), shown | {"field": field_path(aside.value["field"])})


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
