"""Calls of chargers over OCPP 1.6 and 2.0.1 as events, and the answers to them. Pure: state in, state out.

- A session and its readings are ``mobility.charge``; the states of a charger's connectors are ``mobility.hub``.
- The number of a session of 1.6 is derived from what StartTransaction says, under a secret: repeated, it is the same number,
  and it does not tell the card. Two sessions of a charger may share one within years: a ``started`` with another
  ``event_id`` begins another session.
- Cards and tokens (idTag, idToken) are read for the answer alone: no event, state or note holds one.
- Messages of a session of 2.0.1 are numbered from 0: ``missing_before`` counts those that had not come.
- A charger's clock that cannot be right (1970, the future) loses no energy: the event's time is then when it was heard.
- A call repeated gives events of the same ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import SourceContext
from connectors.formats.ocpp_calls import Call, CallFault
from connectors.formats.records import plausible_time
from connectors.formats.times import iso_ms
from connectors.subjects.charger_hubs import connector_states, hub_said
from connectors.subjects.charging_replies import Terms, reply
from connectors.subjects.charging_sessions import Charger, kept, numbered, transaction_number
from connectors.subjects.meter_values import EXPORT_REGISTER, REGISTER, measured
from connectors.subjects.plausible import UNKNOWN_IDS
from connectors.subjects.vehicles import HUB, Telemetry
from schemas.errors import Invalid
from schemas.event import Event

CHARGE_TOPIC = "mobility.charge"
INT_MAX, WIDE_MAX = 2**31 - 1, 10**18
SESSIONS_MAX, CONNECTORS_MAX = 64, 64
"""Remembered of a charger; the oldest go first."""
STATES = {
    "Available": "available",
    "Preparing": "blocked",
    "Finishing": "blocked",
    "Occupied": "blocked",
    "Charging": "charging",
    "SuspendedEV": "charging",
    "SuspendedEVSE": "charging",
    "Reserved": "reserved",
    "Unavailable": "inoperative",
    "Faulted": "out_of_order",
}
"""A connector's state in OCPP 1.6 or 2.0.1 → in ``mobility.hub``. *blocked*: a vehicle stands there and does not charge."""
WRONG_CLOCK = "clock of a charger cannot be right"
_KINDS = {"Started": "started", "Updated": "updated", "Ended": "ended"}
_REGISTERS = (REGISTER, EXPORT_REGISTER, "phases", "unit", "context", "is_signed")
_OF_KIND = {"started": "Transaction.Begin", "ended": "Transaction.End"}

State = Mapping[str, Any]
"""Memory of one charger between its calls: JSON-able, empty at the very beginning."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a call: *payload* of its CALLRESULT, to be sent when *events* are durable; *state* for the next call."""

    events: list[Event]
    payload: dict[str, Any]
    state: dict[str, Any]
    noted: Counter[str]
    skipped: Counter[str]


def on_call(
    charger: Charger, call: Call, state: State, *, context: SourceContext, at_ms: int, terms: Terms
) -> Outcome:
    """The events of *call*, heard at *at_ms*, and its answer. ``CallFault`` where a value cannot be; *state* then stays."""
    hearing = _Hearing(charger, call, state, Telemetry(context, at_ms), at_ms)
    try:
        number = hearing.take()
    except Invalid as error:
        raise CallFault(
            error.what, code="PropertyConstraintViolation", unique_id=call.unique_id, field=error.field
        ) from None
    told = hearing.told
    return Outcome(
        told.events,
        reply(call, at_ms=at_ms, terms=terms, transaction_id=number),
        {"connectors": hearing.connectors, "sessions": hearing.sessions},
        told.noted,
        told.skipped,
    )


class _Hearing:
    """One call as it is being read, beside copies of the state that it may change."""

    def __init__(self, charger: Charger, call: Call, state: State, told: Telemetry, at_ms: int) -> None:
        self.charger, self.call, self.told, self.at_ms = charger, call, told, at_ms
        self.connectors: dict[str, str] = dict(state.get("connectors", {}))
        self.sessions: dict[str, dict[str, Any]] = dict(state.get("sessions", {}))

    def take(self) -> int | None:
        """The number of a session that 1.6 begins; ``None`` of any other call."""
        payload = self.call.payload
        match self.call.action:
            case "StatusNotification":
                self._status(payload)
            case "MeterValues":
                self._meter_values(payload)
            case "StartTransaction":
                return self._start(payload)
            case "StopTransaction":
                self._stop(payload)
            case "TransactionEvent":
                self._transaction_event(payload)
        return None

    def _status(self, payload: Mapping[str, Any]) -> None:
        text = payload.get("timestamp")
        event_ms = self.at_ms if text is None else self._time(text)[0]
        connector = _integer(payload, "connectorId")
        is_16 = self.call.version == "1.6"
        key = str(connector) if is_16 else f"{_integer(payload, 'evseId')}.{connector}"
        state = STATES[payload["status" if is_16 else "connectorStatus"]]
        self.connectors = kept({**self.connectors, key: state}, CONNECTORS_MAX)
        counts = sorted(Counter(connector_states(self.connectors)).items())
        said = hub_said(self.charger, counts, is_stale=False)
        when = self.at_ms if text is None else text
        self.told.tell(
            HUB, (key, when, state, *counts), event_ms=event_ms, position=self.charger.position, said=said
        )

    def _meter_values(self, payload: Mapping[str, Any]) -> None:
        is_16 = self.call.version == "1.6"
        number = _integer(payload, "connectorId" if is_16 else "evseId")
        transaction_id = self._known(_wide(payload, "transactionId")) if "transactionId" in payload else None
        said = {"connector_id" if is_16 else "evse_id": number, "transaction_id": transaction_id}
        for one in payload["meterValue"]:
            self._readings(one, said)

    def _start(self, payload: Mapping[str, Any]) -> int:
        number = transaction_number(self.charger, payload)
        connector = _integer(payload, "connectorId")
        self._remember(str(number), {"connector_id": connector})
        said = {"connector_id": connector, "transaction_id": str(number), "context": _OF_KIND["started"]}
        register = {REGISTER: str(_wide(payload, "meterStart")), "unit": "Wh"}
        self._tell("started", payload["timestamp"], {**said, **register})
        return number

    def _stop(self, payload: Mapping[str, Any]) -> None:
        transaction_id = self._known(_wide(payload, "transactionId"))
        said = {**self._place_of(transaction_id), "transaction_id": transaction_id}
        for one in payload.get("transactionData", ()):
            self._readings(one, said)
        register = {REGISTER: str(_wide(payload, "meterStop")), "unit": "Wh", "context": _OF_KIND["ended"]}
        reason = payload.get("reason", "Local")  # the standard: left out when it is Local
        self._tell("ended", payload["timestamp"], {**said, **register, "ended_reason": reason})

    def _transaction_event(self, payload: Mapping[str, Any]) -> None:
        info, kind = payload["transactionInfo"], _KINDS[payload["eventType"]]
        transaction_id = _id(info["transactionId"])
        seq_no = _integer(payload, "seqNo")
        missing = self._missing_before(transaction_id, seq_no, is_start=kind == "started")
        evse = payload.get("evse")
        place = {"evse_id": _integer(evse, "id")} if evse else {}
        if evse and "connectorId" in evse:
            place["connector_id"] = _integer(evse, "connectorId")
        self._remember(transaction_id, place)
        said = {
            **self._place_of(transaction_id),
            "transaction_id": transaction_id,
            "seq_no": seq_no,
            "trigger": payload["triggerReason"],
            "charging_state": info.get("chargingState"),
            "is_offline": payload.get("offline"),
        }
        values: list[Mapping[str, Any]] = payload.get("meterValue", [])
        told = 0
        for one in values:
            is_first = kind == "updated" and not told
            told += self._readings(one, {**said, "missing_before": missing if is_first else None})
        if told and kind == "updated":
            return
        reason = info.get("stoppedReason", "Local") if kind == "ended" else None
        own = _register_of(values, _OF_KIND[kind]) if kind in _OF_KIND else {}
        self._tell(
            kind, payload["timestamp"], {**said, **own, "missing_before": missing, "ended_reason": reason}
        )

    def _readings(self, value: Mapping[str, Any], said: Mapping[str, Any]) -> int:
        """Tell what a ``meterValue`` says, an event a context; how many there are."""
        found = measured(value["sampledValue"], self.told.noted, self.told.skipped)
        if not found:
            self.told.skipped["a reading without a known value"] += 1
        for fields in found.values():
            self._tell("reading", value["timestamp"], {**said, **fields})
        return len(found)

    def _tell(self, kind: str, timestamp: str, said: Mapping[str, Any]) -> None:
        event_ms, is_wrong = self._time(timestamp)
        every = {
            "charger_id": self.charger.charger_id,
            "is_signed": False,
            **said,
            "kind": kind,
            "is_clock_wrong": is_wrong,
        }
        # all that the call says, and nothing that depends on what was heard before it or when: repeated, it has the same id
        beside = {"missing_before", "is_clock_wrong"}
        if every.get("transaction_id") is not None:
            beside |= {"evse_id", "connector_id"}
        identity = (timestamp, *(f"{name}={every[name]}" for name in sorted(every.keys() - beside)))
        self.told.tell(CHARGE_TOPIC, identity, event_ms=event_ms, position=self.charger.position, said=every)

    def _time(self, text: str) -> tuple[int, bool]:
        """Epoch ms, and whether it is the moment of hearing because the charger's clock cannot be right."""
        said_ms = iso_ms(text, "timestamp", is_utc=True, noted=self.told.noted)
        try:
            return plausible_time(said_ms, self.at_ms, "timestamp"), False
        except Invalid:
            self.told.noted[WRONG_CLOCK] += 1
            return self.at_ms, True

    def _known(self, number: int) -> str | None:
        """The session's number as text; ``None``, noted, for those by which chargers say that they were given none."""
        if number == 0 or str(number) in UNKNOWN_IDS:
            self.told.noted["a session without a number"] += 1
            return None
        return str(number)

    def _remember(self, transaction_id: str, said: Mapping[str, Any]) -> None:
        known = self.sessions.pop(transaction_id, {})
        self.sessions = kept({**self.sessions, transaction_id: {**known, **said}}, SESSIONS_MAX)

    def _place_of(self, transaction_id: str | None) -> dict[str, Any]:
        known = self.sessions.get(transaction_id or "", {})
        return {name: known.get(name) for name in ("evse_id", "connector_id")}

    def _missing_before(self, transaction_id: str, seq_no: int, *, is_start: bool) -> int:
        """As ``charging_sessions.numbered``; a gap, and a number again, are noted."""
        known = self.sessions.get(transaction_id, {})
        numbers = numbered(known, seq_no, is_start=is_start)
        if numbers.is_again:
            self.told.noted["a number of a session again, or late"] += 1
        elif numbers.missing:
            self.told.noted["gap in the numbers of a session"] += 1
        self._remember(transaction_id, numbers.known)
        return numbers.missing


def _integer(said: Mapping[str, Any], name: str) -> int:
    value: int = said[name]
    if not 0 <= value <= INT_MAX:
        raise Invalid(f"{name} cannot be", field=name, expected="0 to 2147483647")
    return value


def _wide(said: Mapping[str, Any], name: str) -> int:
    value: int = said[name]
    if abs(value) > WIDE_MAX:
        raise Invalid(f"{name} cannot be", field=name, expected="18 digits")
    return value


def _register_of(values: Sequence[Mapping[str, Any]], context: str) -> dict[str, Any]:
    """The registers that *values* tell of *context*, for the event that it belongs to; each is a reading as well.

    An interval is told by its reading alone, so that nobody adds it twice.
    """
    own: dict[str, Any] = {}
    for one in values:
        found = measured(one["sampledValue"], Counter(), Counter()).get(context, {})
        if REGISTER in found or EXPORT_REGISTER in found:
            own = {name: found[name] for name in _REGISTERS if name in found}
    return own


def _id(text: str) -> str:
    if not text.strip():
        raise Invalid("transactionId is empty", field="transactionInfo.transactionId", expected="an id")
    return text
