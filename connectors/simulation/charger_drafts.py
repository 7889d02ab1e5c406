"""Messages of a session of a simulated charger, in either version, as they are queued. Pure."""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

from connectors.simulation import charger_words as words
from connectors.simulation.charger_outbox import Draft
from connectors.simulation.charger_plan import ChargerPlan, ChargingSession


def session_name(plan: ChargerPlan, begin_ms: int, number: int) -> str:
    """The session's own name: of another beginning, another one. 32 hexadecimal digits."""
    said = f"{plan.seed}/{plan.charger_id}/{begin_ms}/{number}"
    return blake2b(said.encode(), digest_size=16).hexdigest()


def drafted(
    kind: str,
    plan: ChargerPlan,
    session: ChargingSession,
    at_ms: int,
    *,
    register_wh: Decimal,
    power_w: int,
    is_offline: bool,
    card: str = "",
    reason: str | None = None,
) -> Draft:
    """The message *kind* (Started, Updated, Ended) of *session*; its number is taken from the session."""
    if plan.version == "1.6":
        match kind:
            case "Started":
                return Draft(words.start_16(at_ms, register_wh, card), session)
            case "Updated":
                return Draft(words.reading_16(at_ms, register_wh, power_w), session, at_ms)
        return Draft(words.stop_16(at_ms, register_wh, reason or "Local"), session)
    seq_no = session.next_seq
    session.next_seq += 1
    event = words.transaction_event(
        kind,
        at_ms,
        register_wh,
        power_w=power_w,
        transaction_id=str(session.transaction_id),
        seq_no=seq_no,
        is_offline=is_offline,
        card=card or None,
        reason=reason,
    )
    return Draft(event, session, seq_no if kind == "Updated" else None)
