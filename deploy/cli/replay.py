"""``bongsu replay``: run the rules over the journal again, and publish nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from deploy.cli.parameters import CITY
from deploy.closed_cases import tell_closed_cases
from deploy.faults import UsageFault
from deploy.platform import Platform, reach
from deploy.show import event_line, progress_of
from deploy.telling import tell, tell_event
from deploy.times import epoch_ms, iso
from deploy.topic_values import demand_ran, tell_left_out
from schemas.catalogue import load_catalogue, topic_name
from schemas.json_form import to_json_value
from schemas.printable import printable_line

if TYPE_CHECKING:
    from deploy.city.city import City
    from streams.journal.snapshot import Snapshot

SHOWN_MAX = 20


@click.command()
@click.argument("city_name", metavar="[CITY]", type=CITY, required=False)
@click.option(
    "--verify",
    "verified",
    metavar="[FILE]",
    is_flag=False,
    flag_value="",
    help="compare with what was answered then, byte for byte; with FILE: with what was exported, without Kafka or registry",
)
@click.option(
    "--export",
    "export_path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="write journal and answers as JSON lines (compressed where FILE ends in .gz; '-' is standard output)",
)
@click.option("--from", "from_text", metavar="TIME", help="show answers from here on (ISO 8601)")
@click.option("--to", "to_text", metavar="TIME", help="stop there (ISO 8601)")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="times real time (default: as fast as it goes)",
)
@click.option(
    "--rules",
    "rules_path",
    metavar="FILE",
    help="compare with a candidate's rules: a city file, or one that holds [[rule]] only",
)
@click.option("--json", "as_json", is_flag=True, help="answers as JSON lines")
def replay(
    city_name: str | None,
    verified: str | None,
    export_path: Path | None,
    from_text: str | None,
    to_text: str | None,
    speed: float | None,
    rules_path: str | None,
    as_json: bool,
) -> None:
    """Run the rules over CITY's recorded journal. Nothing is published.

    With --verify: exit code 0 when every answer is the same to the byte (after the framing's five), else 1.
    With --rules: what another version of the rules would have made of it, beside what today's make of it.
    With --export FILE: journal and answers in a file, which --verify FILE compares on any machine.

    \b
    Example:  bongsu replay demo --verify
    """
    from deploy.city.city import load_city
    from deploy.cli.exported import export_journal, verify_exported

    _one_of(verify=verified, export=export_path, rules=rules_path)
    file = _exported_file(verified, city_name)
    if file is not None:
        verify_exported(file)
        return
    city = load_city(_city_of(city_name, verified))
    platform = reach()
    demand_ran(platform, city)
    tell_closed_cases(platform, city.name)
    if verified is not None:
        _verify(city.name, platform)
        return
    if export_path is not None:
        export_journal(city.name, platform, export_path)
        return
    if rules_path is not None:
        _compare(city, Path(rules_path), platform, as_json=as_json)
        return
    _show(city, platform, from_text=from_text, to_text=to_text, speed=speed, as_json=as_json)


def _one_of(**options: object) -> None:
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageFault(
            f"{' and '.join(given)} exclude each other", hint=f"give one: bongsu replay CITY {given[0]}"
        )


def _exported_file(verified: str | None, city_name: str | None) -> Path | None:
    """The file that ``--verify`` names; ``None`` where it names none, or a city: ``--verify houston``."""
    from deploy.city.names import city_names

    if not verified or verified.endswith(".toml"):
        return None
    path = Path(verified)
    if not path.is_file():
        if city_name is None and verified in city_names():
            return None
        raise UsageFault(
            f"no file {verified} to verify" + ("" if city_name else f", and no city {verified} either"),
            hint="export one: bongsu replay CITY --export FILE; or compare with the log: bongsu replay CITY --verify",
        )
    if city_name is not None:
        raise UsageFault(
            f"--verify {verified} compares with that file, and {city_name} with the log",
            hint=f"write 'bongsu replay --verify {verified}' or 'bongsu replay {city_name} --verify'",
        )
    return path


def _city_of(city_name: str | None, verified: str | None) -> str:
    if city_name and verified:
        raise UsageFault(
            f"two cities, {city_name} and {verified}", hint=f"write 'bongsu replay {city_name} --verify'"
        )
    name = city_name or verified
    if not name:
        raise UsageFault(
            "no city to replay", hint="write 'bongsu replay CITY', or '--verify FILE' for an export"
        )
    return name


def _show(
    city: City,
    platform: Platform,
    *,
    from_text: str | None,
    to_text: str | None,
    speed: float | None,
    as_json: bool,
) -> None:
    """Print the answers as the rules give them now, in order."""
    from streams.journal.replay import replayed
    from streams.runtime.row_reader import RowReader

    last_ms: int | None = None
    reader = RowReader(platform.wire, f"{city.name}.replay")
    answers = replayed(
        city.name,
        bootstrap=platform.kafka,
        wire=platform.wire,
        reader=reader,
        from_ms=epoch_ms(from_text) if from_text else None,
        to_ms=epoch_ms(to_text) if to_text else None,
        begins=tell_beginning,
    )
    for _sequence, event in answers:
        value = to_json_value(load_catalogue()[event.topic].newest, event.value or {})
        now_ms = int((event.value or {})["received_time"])
        if speed is not None and last_ms is not None:
            time.sleep(max(0, now_ms - last_ms) / 1000 / speed)
        last_ms = now_ms
        shown = {"topic": topic_name(city.name, event.topic), "key": event.key, "value": value}
        if as_json:
            tell(orjson.dumps(shown).decode())
        else:
            tell_event(event_line(shown, colour=False), event.topic)
    tell_left_out(reader)


def _compare(city: City, path: Path, platform: Platform, *, as_json: bool) -> None:
    from deploy.city.city import with_rules_of
    from streams.journal.compare import compared
    from streams.journal.replay import journalled
    from streams.situations.shadow import unseen

    candidate = with_rules_of(city, path).rules
    with progress_of(f"replaying {city.name} twice") as progress:
        journal = journalled(
            city.name,
            bootstrap=platform.kafka,
            wire=platform.wire,
            progress=lambda count: progress.step(f"entry {count}", 1),
            begins=tell_beginning,
        )
        entries = (entry for _, entry in journal.entries)
        found = compared(entries, city.rules, candidate, begin=journal.begin)
    if as_json:
        tell(orjson.dumps(asdict(found)).decode())
        return
    tell(f"today's rules {city.rules.digest[:8]}, the candidate's {candidate.digest[:8]}")
    for line in unseen(city.rules, candidate):
        tell(f"  {line}")
    for name in {**found.today, **found.candidate}:
        ours, theirs = found.today.get(name, 0), found.candidate.get(name, 0)
        tell(f"  {name:24} {ours:8} → {theirs:8}  {theirs - ours:+d}")
    _groups("would be one situation", found.joined)
    _groups("would no longer be one", found.parted)
    for what, areas in (("would be told", found.areas_more), ("would not be told", found.areas_less)):
        for kind, opened_at in areas:
            tell(f"area alert {kind} of {iso(opened_at)} {what}")
    if found.is_none:
        tell("no difference")


def _groups(what: str, groups: Sequence[Sequence[str]]) -> None:
    for cases in groups[:SHOWN_MAX]:
        tell(f"{what}: {printable_line(', '.join(cases))}")
    if len(groups) > SHOWN_MAX:
        tell(f"{what}: {len(groups) - SHOWN_MAX} more, all of them with --json")


def tell_beginning(snapshot: Snapshot) -> None:
    """Say that a replay begins with *snapshot*."""
    tell(
        f"begins with the journal's snapshot of {iso(snapshot.now_ms)} (entry {snapshot.sequence}): what came before it is"
        " not run again",
        err=True,
    )


def _verify(city: str, platform: Platform) -> None:
    from deploy.cli.exported import tell_verdict
    from streams.journal.replay import verify
    from streams.runtime.row_reader import RowReader

    reader = RowReader(platform.wire, f"{city}.replay")
    with progress_of(f"replaying {city}") as progress:
        verdict = verify(
            city,
            bootstrap=platform.kafka,
            wire=platform.wire,
            reader=reader,
            progress=lambda count: progress.step(f"entry {count}", 1),
            begins=tell_beginning,
        )
    tell_left_out(reader)
    tell_verdict(verdict)
