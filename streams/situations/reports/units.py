"""Units that an agency sent to a happening: who they are, and what they may look for. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streams.situations.config import RulesConfig
from streams.situations.law import Use
from streams.situations.model import Incident

SENT = ("dispatched", "arrived")


def is_sent(incident: Incident) -> bool:
    """Whether units are on their way to it, or there."""
    return not incident.lapsed and incident.status in SENT and bool(incident.units)


def unit_name(agency: str, unit: str) -> str:
    """As a grant names it."""
    return f"{agency}/{unit}"


def unit_uses(members: Iterable[Incident], config: RulesConfig) -> dict[str, Use]:
    """Unit → what it may look for: the use of its agency's domain. None for no use in law, and none for companies'."""
    uses: dict[str, Use] = {}
    for incident in members:
        use = None if incident.agency in config.companies else config.law.uses.get(incident.domain)
        if use is not None and is_sent(incident):
            units = incident.units[: config.dispatch.units_max]
            uses |= {unit_name(incident.agency, unit): use for unit in units}
    return uses


def units_left_out(incident: Incident, config: RulesConfig) -> int:
    """The number of its units beyond `units_max`, which see no camera."""
    has_use = incident.domain in config.law.uses and incident.agency not in config.companies
    return max(0, len(incident.units) - config.dispatch.units_max) if has_use else 0
