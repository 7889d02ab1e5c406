"""Hold a cluster to its agreements for as long as this process runs: ends of validity are not Kafka's work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler

from connectors.transport.private_files import private_file, private_folder
from deploy.local.home import Home
from deploy.settings import home_folder
from deploy.sharing.agreed_rights import RightChange
from deploy.sharing.agreement_file import load_sharing
from deploy.sharing.agreements import Sharing
from deploy.sharing.cluster_rights import ClusterRights, facts_of, log
from deploy.sharing.gateway_ends import beyond
from deploy.telling import tell
from schemas.errors import BongsuError
from streams.log import log_to

EVERY_S = 15.0
LOG_BYTES, LOGS = 1 << 20, 5


def log_changes() -> None:
    """Log every change to HOME/logs/sharing.log."""
    folder = private_folder(Home(home_folder()).logs)
    file = private_file(folder / "sharing.log")
    log_to(RotatingFileHandler(file, maxBytes=LOG_BYTES, backupCount=LOGS, encoding="utf-8"), logging.INFO)


def apply_once() -> list[RightChange]:
    """Make the cluster have what the agreements say now."""
    return make_so(load_sharing())


def make_so(sharing: Sharing) -> list[RightChange]:
    """Change the cluster's rights first, then end keys and subscriptions; log each change."""
    now = datetime.now(UTC)
    made = ClusterRights().apply(sharing, now=now)
    ended = beyond(sharing, now, ends=True)
    for one in ended:
        log.info(one.act.replace(" ", "_"), **facts_of(one))
    return [*made, *ended]


def keep(on_made: Callable[[Sequence[RightChange]], None]) -> None:
    """Do so again and again, until Ctrl-C. A file that is wrong, or a Kafka that does not answer, is told; the agreements
    that were read last end in time all the same."""
    last: Sharing | None = None
    told = ""
    tell("holding the cluster to the agreements; end with Ctrl-C", err=True)
    try:
        while True:
            troubles = []
            try:
                last = load_sharing()
            except BongsuError as error:
                troubles.append(error)
            try:
                if last is not None:
                    on_made(make_so(last))
            except BongsuError as error:
                troubles.append(error)
            words = "\n".join(f"{one.what}; {one.hint}" for one in troubles)
            if words and words != told:
                tell(words, fg="yellow", err=True)
            told = words
            time.sleep(pause_s(last, datetime.now(UTC)))
    except KeyboardInterrupt:
        tell("ended: nothing ends agreements in time until the next 'sharing apply'", err=True)


def pause_s(sharing: Sharing | None, now: datetime) -> float:
    """Seconds until the next look: at the end of an agreement, if one comes sooner."""
    end = None if sharing is None else sharing.next_end(now)
    return EVERY_S if end is None else min(EVERY_S, max(0.0, (end - now).total_seconds()) + 0.05)
