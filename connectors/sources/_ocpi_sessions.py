"""Sessions of OCPI 2.2.1 as ``mobility.charge``. Pure.

- The energy is ``kwh``, the session's own total: what came since it was last told is ``interval_wh`` of a reading. It is no
  register, for it begins at nothing with each session. Charging periods' ENERGY is the same energy again and is not added;
  POWER and STATE_OF_CHARGE of the newest period are told.
- Tokens, contracts and costs are not read: they are the driver's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.formats.records import a_number, an_id, note_unknown, plausible_time
from connectors.formats.times import iso_ms
from connectors.sources._ocpi_parts import OWNER
from connectors.subjects.plausible import known_id
from connectors.subjects.vehicles import Telemetry
from schemas.errors import Invalid

CHARGE = "mobility.charge"
SESSIONS_MAX = 1_000
"""Remembered, the ended ones too: a list tells them for a while."""
RUNNING, ENDED, RESERVED = ("ACTIVE", "PENDING"), ("COMPLETED", "INVALID"), "RESERVATION"
NO_CHARGE, LESS = "reservation, no charge", "a session has less energy than before"
BEFORE, OLDER = "session said before", "session older than what was said before"
PERSONAL = ("cdr_token", "authorization_reference", "auth_id", "total_cost")
"""Left out of what is set aside."""
KWH_MAX, DIGITS_MAX = 10_000.0, 9
CONNECTOR_MAX = 2**31 - 1
SESSION_FIELDS = ("kwh", "charging_periods", "start_date_time", "status", "end_date_time")
KEPT = (
    *OWNER,
    "start_date_time",
    "end_date_time",
    "kwh",
    "location_id",
    "evse_uid",
    "connector_id",
    "status",
    "last_updated",
)


def is_session(said: Mapping[str, Any]) -> bool:
    """Whether it is a session as 2.2 and later have it; an older one names its location otherwise and is left out."""
    return said.keys() >= {"start_date_time", "location_id", "evse_uid"} and "cdr_location" not in said


def without_person(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in PERSONAL}


def tell_session(
    said: Mapping[str, Any], told: Telemetry, known: dict[str, Any], position: Mapping[str, Any] | None
) -> None:
    """Tell what is new of a whole session, and remember it. ``Invalid`` where it is wrong: nothing is told of it then."""
    session_id = "*".join(known_id(an_id(said.get(name), name), name) for name in OWNER)
    before: dict[str, Any] = known.get(session_id, {})
    updated_ms = _time(said, "last_updated", told)
    if said.get("status") == RESERVED:
        told.skipped[NO_CHARGE] += 1
        return
    if before and updated_ms <= before["at_ms"]:
        told.skipped[BEFORE if updated_ms == before["at_ms"] else OLDER] += 1
        return
    total, is_ended = _wh(said), _is_ended(said, told)
    started_ms = _time(said, "start_date_time", told)
    ended_ms = _time(said, "end_date_time", told) if is_ended and said.get("end_date_time") else updated_ms
    common = {**_place(said), "transaction_id": session_id, "is_signed": False, "is_clock_wrong": False}
    measured = _measured(said, told)
    if not before:
        _tell(told, "started", started_ms, common, position)
    gained = total - Decimal(before.get("wh", "0"))
    if gained < 0:
        told.noted[LESS] += 1
    elif gained or measured:
        energy = {"interval_wh": _text(gained)} if gained else {}
        at_ms = min(updated_ms, ended_ms)
        _tell(told, "reading", at_ms, {**common, **measured, **energy}, position, updated_ms)
    elif before and not is_ended:
        _tell(told, "updated", updated_ms, common, position)
    if is_ended and not before.get("is_ended"):
        _tell(told, "ended", ended_ms, common, position)
    known.pop(session_id, None)
    whole = {name: said[name] for name in KEPT if said.get(name) is not None}
    known[session_id] = {
        "at_ms": updated_ms,
        "wh": _text(max(total, Decimal(before.get("wh", "0")))),
        "is_ended": is_ended or before.get("is_ended", False),
        "said": whole,
    }


def _tell(
    told: Telemetry,
    kind: str,
    event_ms: int,
    said: Mapping[str, Any],
    position: Mapping[str, Any] | None,
    *beside: int,
) -> None:
    identity = (kind, said["transaction_id"], event_ms, *beside)
    told.tell(CHARGE, identity, event_ms=event_ms, position=position, said={**said, "kind": kind})


def _place(said: Mapping[str, Any]) -> dict[str, Any]:
    """The charger, as its location and EVSE name it, and the connector where it has a number."""
    owner = [an_id(said.get(name), name) for name in OWNER[:2]]
    place = [known_id(an_id(said.get(name), name), name) for name in ("location_id", "evse_uid")]
    connector = str(said.get("connector_id") or "")
    is_number = connector.isascii() and connector.isdigit() and int(connector[:10]) <= CONNECTOR_MAX
    return {
        "charger_id": "*".join([*owner, *place]),
        "connector_id": int(connector[:10])
        if is_number and len(connector) <= len(str(CONNECTOR_MAX))
        else None,
    }


def _time(said: Mapping[str, Any], name: str, told: Telemetry) -> int:
    return plausible_time(iso_ms(said.get(name), name, is_utc=True, noted=told.noted), told.at_ms, name)


def _wh(said: Mapping[str, Any]) -> Decimal:
    kwh = a_number(said.get("kwh"), "kwh")
    if not 0 <= kwh <= KWH_MAX:
        raise Invalid("kwh cannot be", field="kwh", expected=f"0 to {KWH_MAX:.0f}")
    return round(Decimal(repr(kwh)) * 1000, DIGITS_MAX)


def _text(wh: Decimal) -> str:
    """As digits, without an exponent or zeros behind the point."""
    text = f"{wh:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_ended(said: Mapping[str, Any], told: Telemetry) -> bool:
    status = said.get("status")
    if status not in (*RUNNING, *ENDED):
        note_unknown(told.noted, "session status", str(status))
    return status in ENDED


def _measured(said: Mapping[str, Any], told: Telemetry) -> dict[str, Any]:
    """Power and charge of the newest charging period."""
    periods = said.get("charging_periods") or []
    if not isinstance(periods, list) or not all(isinstance(one, dict) for one in periods):
        raise Invalid(
            "charging_periods is no list of objects", field="charging_periods", expected="a list of objects"
        )
    newest: dict[str, Any] = max(periods, key=lambda one: str(one.get("start_date_time") or ""), default={})
    dimensions = newest.get("dimensions") or []
    if not isinstance(dimensions, list) or not all(isinstance(one, dict) for one in dimensions):
        raise Invalid(
            "dimensions is no list of objects",
            field="charging_periods.dimensions",
            expected="a list of objects",
        )
    volumes = {one.get("type"): one.get("volume") for one in dimensions if isinstance(one.get("type"), str)}
    found: dict[str, Any] = {}
    if volumes.get("POWER") is not None:
        found["power_w"] = a_number(volumes["POWER"], "charging_periods.dimensions.volume")
    if volumes.get("STATE_OF_CHARGE") is not None:
        share = a_number(volumes["STATE_OF_CHARGE"], "charging_periods.dimensions.volume")
        if 0 <= share <= 100:
            found["state_of_charge_percent"] = share
        else:
            told.noted["charge beyond 0 to 100"] += 1
    return found
