"""``bongsu sharing``: the agreements by which agencies share, held against the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import orjson

from deploy.cli.group import Group
from deploy.telling import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.sharing.agreed_rights import RightChange

AS_JSON = click.option("--json", "as_json", is_flag=True, help="one change a line, as JSON")


@click.group(cls=Group)
def sharing() -> None:
    """Hold the cluster to the agreements by which agencies share.

    They stand in the file that BONGSU_SHARING names; without it, in a sample.

    \b
    Example:  bongsu sharing diff
    """


@sharing.command()
@AS_JSON
def diff(as_json: bool) -> int:
    """Say what 'sharing apply' would change.

    Ends with 0 where the cluster has what the agreements say, else with 1.

    \b
    Example:  bongsu sharing diff --json
    """
    from datetime import UTC, datetime

    from deploy.sharing.agreement_file import load_sharing
    from deploy.sharing.cluster_rights import ClusterRights, acts_of
    from deploy.sharing.gateway_ends import beyond

    agreed = load_sharing()
    now = datetime.now(UTC)
    found = ClusterRights().differences(agreed, now=now) + beyond(agreed, now, ends=False)
    tell_changes(found, as_json=as_json)
    words = acts_of(found)
    tell(f"would be: {words}" if found else "the cluster has what the agreements say", err=True)
    return 1 if found else 0


@sharing.command("apply")
@click.option(
    "--loop", is_flag=True, help="again every 15 seconds, and at each end of an agreement, until Ctrl-C"
)
@AS_JSON
def apply_(loop: bool, as_json: bool) -> None:
    """Make the cluster have what the agreements say.

    An agency's principal, password and rights are made where they are missing. What no agreement covers any more is
    removed: its open connections get nothing more.

    \b
    Example:  bongsu sharing apply
              bongsu sharing apply --loop
    """
    from deploy.sharing.keeping import apply_once, keep, log_changes

    log_changes()
    if loop:
        keep(lambda made: tell_changes(made, as_json=as_json))
        return
    from deploy.sharing.cluster_rights import acts_of

    made = apply_once()
    tell_changes(made, as_json=as_json)
    tell(acts_of(made), err=True)


def tell_changes(found: Sequence[RightChange], *, as_json: bool) -> None:
    from deploy.sharing.cluster_rights import facts_of

    for one in found:
        if as_json:
            tell(orjson.dumps({"act": one.act, **facts_of(one)}).decode())
        else:
            tell(one.words, fg="green" if one.act.startswith("add") else "red")
