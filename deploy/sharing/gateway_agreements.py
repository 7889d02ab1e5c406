"""A city's agreements at its gateway: the same file as for Kafka, read again when it changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from connectors.gateway.agreed import AgreedRights
from deploy.faults import UsageFault
from deploy.sharing.agreement_file import VARIABLE, load_sharing, sharing_file
from deploy.sharing.agreements import Sharing
from schemas.errors import BongsuError
from streams.log import facts_of, log

LOOK_MS = 1_000


def agreed_rights_of(sharing: Sharing, city: str, agency: str, now: datetime) -> AgreedRights | None:
    """The agency's rights in *city* at *now*; ``None`` where it has no agreement and the city is not closed."""
    entries = list(sharing.of(city, agency))
    if not entries:
        about = sharing.cities.get(city)
        return None if about is None or not about.closed else AgreedRights(f"{agency} has no agreement")
    holding = [one for one in entries if one.holds(now)]
    if not holding:
        last = max(entries, key=lambda one: one.valid_until)
        return AgreedRights(f"{last.title} ended {last.valid_until.isoformat()}")
    reads = [one for one in holding if one.may == "read"]
    return AgreedRights(
        "; ".join(f"{one.title}: {one.may} {', '.join(one.topics)} for {one.purpose}" for one in holding),
        reads=frozenset(topic for one in reads for topic in one.topics),
        publishes=frozenset(topic for one in holding if one.may == "publish" for topic in one.topics),
        purposes=frozenset(one.purpose for one in reads),
    )


def usual_sharing() -> Sharing:
    """The agreements. ``UsageFault`` for a wrong file of one's own; a sample that does not fit one's own cities is none."""
    try:
        return load_sharing()
    except UsageFault as fault:
        if os.environ.get(VARIABLE):
            raise
        log.warning("agreements left out", **facts_of(fault))
        return Sharing()


def check_agreed(city: str, agency: str, lacks: Callable[[AgreedRights], str | None]) -> None:
    """``UsageFault`` with the agreement where *lacks* finds what is wider than it."""
    agreed = agreed_rights_of(usual_sharing(), city, agency, datetime.now(UTC))
    if agreed is not None and (wide := lacks(agreed)) is not None:
        raise UsageFault(
            f"{agency} in {city}: {wide}", hint=f"ask for no more than {sharing_file()} says: {agreed.told}"
        )


class CityAgreements:
    """The agreements of *city* as its file says now. A wrong version of it changes nothing and is logged."""

    def __init__(self, city: str) -> None:
        self._city = city
        self._looked_ms = 0
        self._mark = _mark()
        self._sharing = usual_sharing()

    def __call__(self, agency: str, now_ms: int) -> AgreedRights | None:
        if not 0 <= now_ms - self._looked_ms < LOOK_MS:
            self._looked_ms = now_ms
            self._look()
        return agreed_rights_of(self._sharing, self._city, agency, datetime.fromtimestamp(now_ms / 1000, UTC))

    def _look(self) -> None:
        if (mark := _mark()) == self._mark:
            return
        self._mark = mark
        try:
            self._sharing = load_sharing()
        except BongsuError as error:
            log.error("agreements not read", **facts_of(error))


def _mark() -> tuple[int, int] | None:
    with suppress(OSError):
        about = sharing_file().stat()
        return about.st_mtime_ns, about.st_size
    return None
