"""``bongsu situation``: what is going on, and everything one situation rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
import orjson

from deploy.cli.group import Group
from deploy.cli.parameters import CITY
from deploy.faults import UsageFault
from deploy.platform import reach
from deploy.show import dispatch_lines, metres, progress_of, track_lines
from deploy.telling import tell, tell_event
from deploy.times import iso
from deploy.topic_values import demand_ran, values_of
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from schemas.printable import printable_line, printable_value

if TYPE_CHECKING:
    from rich.text import Text

    from streams.journal.snapshot import Snapshot
    from streams.situations.explain import Explanation


@click.group(cls=Group)
def situation() -> None:
    """Show what is going on, and why.

    \b
    Example:  bongsu situation list demo
    """


@situation.command("list")
@click.argument("city_name", metavar="CITY", type=CITY)
@click.option("--all", "with_closed", is_flag=True, help="closed ones too")
@click.option("--json", "as_json", is_flag=True, help="one situation a line, as JSON")
def list_(city_name: str, with_closed: bool, as_json: bool) -> None:
    """Show what is going on in CITY.

    \b
    Example:  bongsu situation list demo
    """
    from rich.console import Console
    from rich.table import Table

    from deploy.city.city import load_city

    city, platform = load_city(city_name), reach()
    demand_ran(platform, city)
    newest: dict[str, dict[str, Any]] = {}
    for value in values_of(platform, city.name, "core.situation"):
        newest[value["situation_id"]] = value
    shown = [value for value in newest.values() if with_closed or value["status"] != "closed"]
    shown.sort(key=lambda value: (value["opened_at"], value["situation_id"]))
    if as_json:
        schema = load_catalogue()["core.situation"].newest
        for value in shown:
            tell(orjson.dumps(to_json_value(schema, value)).decode())
        return
    table = Table("situation", "kind", "status", "agencies", "incidents", "cameras", "revision", box=None)
    for value in shown:
        table.add_row(*map(_cell, _cells(value)))
    Console().print(table if shown else _cell(f"nothing is going on in {city.name}"))


def _cells(value: dict[str, Any]) -> list[str]:
    members = [str(len(value[name])) for name in ("incidents", "cameras")]
    agencies = ", ".join(value["agencies"])
    return [value["situation_id"], value["kind"], value["status"], agencies, *members, str(value["revision"])]


def _cell(words: str) -> Text:
    """*words* as they are: rich would take ``[bold]`` in them for its own."""
    from rich.text import Text

    return Text(printable_line(words))


@situation.command()
@click.argument("situation_id", metavar="ID")
@click.option("--city", "city_name", type=CITY, required=True, help="whose situation it is")
@click.option("--json", "as_json", is_flag=True, help="one record a line, as JSON")
def show(situation_id: str, city_name: str, as_json: bool) -> None:
    """Show everything one situation rests on.

    Each revision, its alerts, grants and filings, and what units were told.

    ID is one of 'bongsu situation list CITY', and may be cut short. The rules run over the journal again to say of each
    revision what came in, which rule with which version and numbers decided, what tied the reports together, and which
    report was nearest to joining and why it did not.

    \b
    Example:  bongsu situation show 3f2a --city demo
    """
    from deploy.city.city import load_city
    from streams.journal.replay import explained

    city, platform = load_city(city_name), reach()
    demand_ran(platform, city)
    with progress_of(f"replaying {city.name}") as progress:
        why = _why_of(
            explained(
                city.name,
                situation_id,
                bootstrap=platform.kafka,
                wire=platform.wire,
                progress=lambda count: progress.step(f"entry {count}", 1),
                begins=_tell_beginning,
            )
        )
    found = 0
    for contract in (
        "core.situation",
        "core.alert",
        "core.grant",
        "core.dispatch",
        "core.track",
        "core.filing",
    ):
        schema = load_catalogue()[contract].newest
        for value in values_of(platform, city.name, contract):
            if value["situation_id"].startswith(situation_id):
                found += 1
                shown = to_json_value(schema, value)
                reason = why.get((value["situation_id"], value["revision"]))
                if contract == "core.situation" and reason is not None:
                    shown["explanation"] = asdict(reason)
                if as_json:
                    tell(orjson.dumps(shown).decode())
                else:
                    tell_event(_lines(contract, printable_value(shown)), contract)
    if not found:
        raise UsageFault(
            f"no situation {situation_id} in {city.name}",
            hint=f"see: bongsu situation list {city.name} --all",
        )


def _why_of(explanations: Iterable[Explanation]) -> dict[tuple[str, int], Explanation]:
    """The explanations by situation and revision; none, with a message, where the journal no longer reaches back."""
    from streams.journal.beginning import BeginningGone

    try:
        return {(one.situation_id, one.revision): one for one in explanations}
    except BeginningGone as gone:
        tell(f"without why: {gone.what}", err=True)
        return {}


def _tell_beginning(snapshot: Snapshot) -> None:
    tell(
        f"the journal begins with its snapshot of {iso(snapshot.now_ms)}: of what was decided before, the last revision then"
        " says why",
        err=True,
    )


def _lines(contract: str, value: dict[str, Any]) -> str:
    match contract:
        case "core.situation":
            members = "".join(
                f"\n    {one['agency']} {one['agency_case_no']}: {one['kind']}, {one['status']}"
                for one in value["incidents"]
            )
            proofs = "".join(
                f"\n    rests on {one['topic']}[{one['partition']}]@{one['offset']}"
                f" ({metres(one['distance_m'])}, {one['seconds']} s)"
                for one in value["evidence"]
            )
            head = (
                f"revision {value['revision']}: {value['kind']}, {value['status']}, because {value['reason']}"
            )
            return f"{head} (rule {value['rule']} {value['rule_version']}){members}{proofs}{_why(value)}"
        case "core.dispatch":
            return dispatch_lines(value)
        case "core.track":
            return track_lines(value)
        case "core.alert":
            return f"alert to {value['audience']}: {value['message_type']} {value['revision']}: {value['headline']}"
        case "core.filing":
            case = f", case {value['agency_case_no']}" if value["agency_case_no"] else ""
            by = value["filed_by"]
            return (
                f"filing {value['filing_id']} with {value['agency']}: {value['status']} {value['revision']}{case}"
                f" (by {by['account_id']}, {by['role']}, at {value['filed_at']})"
            )
        case _:
            end = value["revoked_at"] or f"expires {value['expires_at']}"
            return (
                f"grant of {value['camera_id']} (rank {value['rank']}, {metres(value['distance_m'])}) to "
                f"{value['granted_to']} for {value['purpose']}, {value['legal_ground']}: {end} {value['reason'] or ''}"
            )


def _why(value: dict[str, Any]) -> str:
    """The explanation of this revision by a replay; empty where the journal no longer reaches back."""
    told = value.get("explanation")
    if told is None:
        return ""
    lines = [
        f"came in: {told['came_in']} (journal {told['sequence']})",
        f"decided by {told['decided_by']} with {told['decided_with']} (numbers {told['numbers']})",
    ]
    lines += [f"tied: {tie}" for tie in told["ties"]]
    lines.append(_otherwise(told["nearly"], holds_reports=bool(value["incidents"])))
    lines += [f"{one['action']} by {one['account_id']} at {one['at']}" for one in value["actions"]]
    if value["listed_under"]:
        lines.append(f"stands beneath {value['listed_under']}")
    if value["situations"]:
        lines.append(f"{len(value['situations'])} situations beneath it")
    return "".join(f"\n    {line}" for line in lines)


def _otherwise(nearly: str | None, *, holds_reports: bool) -> str:
    """The report or the condition that was nearest to changing the answer."""
    if not holds_reports:
        return f"otherwise: {nearly or 'nothing is known of it any more'}"
    return (
        f"nearest that did not join: {nearly}" if nearly else "nearest that did not join: none anywhere near"
    )
