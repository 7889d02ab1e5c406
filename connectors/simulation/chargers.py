"""A simulated charger that speaks OCPP 1.6 or 2.0.1. Seeded and pure: time is a parameter, bytes go in and out.

``advance`` lets time pass, ``next_frame`` gives the call to send, ``hear`` takes a frame of the central system. The ledger
says what the charger did: what a central system must have heard in the end, whatever was cut, killed or lost between them.

- It boots once; after a cut it tells its state and what it kept. Nothing else is sent before its boot is accepted.
- A session that the central system blocks is stopped (DeAuthorized). A charger that is inoperative or faulted begins none.
- Cards are made from the seed. Authorize is not asked: a start is refused by the answer to it.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from connectors.formats.ocpp_calls import CALL, ERROR, call_error, call_result
from connectors.simulation import charger_words as words
from connectors.simulation.charger_drafts import drafted, session_name
from connectors.simulation.charger_frames import CentralMessage, HeardFrame, read_message
from connectors.simulation.charger_meter import Meter
from connectors.simulation.charger_orders import ACCEPTED, Orders
from connectors.simulation.charger_outbox import Draft, Outbox
from connectors.simulation.charger_plan import SESSIONS_MAX, ChargerPlan, ChargingSession

HEARTBEAT_S, BOOT_AGAIN_S = 300, 30
FOREVER_MS = 2**62
LATE = "answers too late"
ORDER = ("fault", "mend", "stop", "read", "start", "heartbeat", "boot")
"""Of what is due at the same moment."""


class SimulatedCharger:
    """A charger that begins at *begin_ms*."""

    def __init__(self, plan: ChargerPlan, *, begin_ms: int) -> None:
        self.plan, self._begin_ms = plan, begin_ms
        self._chance = random.Random(f"{plan.seed}/{plan.charger_id}/sessions")  # noqa: S311 (a simulation's)
        self._losses = random.Random(f"{plan.seed}/{plan.charger_id}/losses")  # noqa: S311 (a simulation's)
        self.meter = Meter(self._chance.randrange(5_000_000), begin_ms)
        self.outbox = Outbox(plan, f"{begin_ms:x}")
        self.orders = Orders(plan.version, self.meter)
        self.ledger: deque[ChargingSession] = deque(maxlen=SESSIONS_MAX)
        self.noted: Counter[str] = Counter()
        self.session: ChargingSession | None = None
        self.is_online = self.is_accepted = self.is_faulted = self.is_finished = False
        self._told: dict[int, str] = {}  # by connector: 0 and 1
        self._heartbeat_ms = round((plan.heartbeat_s or HEARTBEAT_S) * 1_000)
        self._faults = deque(plan.faults_s)
        self._due = {"start": begin_ms + self._drawn_ms((0.0, plan.pause_s[1]))}
        self._next_fault()

    def advance(self, now_ms: int) -> None:
        """Do all that is due until *now_ms*, each at its own moment."""
        while True:
            at_ms, name = min(
                ((at, one) for one, at in self._due.items()), key=_in_order, default=(FOREVER_MS, "")
            )
            if at_ms > now_ms:
                break
            del self._due[name]
            self.meter.run_to(at_ms, self.session)
            getattr(self, f"_{name}")(at_ms)
        self.meter.run_to(now_ms, self.session)

    def next_ms(self) -> int:
        """When ``advance`` or ``next_frame`` has something to do, if nothing is heard before."""
        waiting = self.outbox.next_ms(only=self._only) if self.is_online else None
        return min(*self._due.values(), FOREVER_MS, FOREVER_MS if waiting is None else waiting)

    def connected(self, now_ms: int) -> None:
        """Begin to talk: boot, or tell the state anew after a cut."""
        self.advance(now_ms)
        self.is_online = True
        self._told.clear()
        if self.is_accepted:
            self._tell_state(now_ms)
        else:
            self._boot(now_ms)

    def disconnected(self, now_ms: int) -> None:
        """Keep what belongs to sessions; all else is lost."""
        self.advance(now_ms)
        self.is_online = False
        self._due.pop("boot", None)
        self.outbox.disconnected()

    def finish(self, now_ms: int) -> None:
        """End the session that goes on, and begin no other."""
        self.advance(now_ms)
        self.is_finished = True
        self._due.pop("start", None)
        if self.session is not None:
            self._stop(now_ms)

    def next_frame(self, now_ms: int) -> bytes | None:
        """The call to send now, if any."""
        if not self.is_online:
            return None
        return self.outbox.next_frame(now_ms, only=self._only)

    @property
    def _only(self) -> str | None:
        return None if self.is_accepted else "BootNotification"

    def hear(self, frame: str | bytes, now_ms: int) -> HeardFrame:
        """Take a frame of the central system."""
        self.advance(now_ms)
        message = read_message(frame)
        if message is None:
            self.noted["a frame that cannot be read"] += 1
            return HeardFrame()
        if message.kind == CALL:
            return HeardFrame(reply=self._on_order(message, now_ms))
        if message.kind == ERROR:
            return HeardFrame(action=self._on_error(message.unique_id, now_ms))
        return HeardFrame(action=self._on_result(message.unique_id, message.payload, now_ms))

    def _on_order(self, order: CentralMessage, now_ms: int) -> bytes:
        answer = self.orders.on_order(order.action, order.payload, now_ms, self.session)
        if answer is None:
            return call_error(order.unique_id, "NotImplemented")
        if self.is_accepted:
            self._tell_state(now_ms)
        return call_result(order.unique_id, answer)

    def _on_error(self, unique_id: str, now_ms: int) -> str | None:
        draft = self.outbox.refused(unique_id, now_ms)
        if draft is None:
            self.noted[LATE] += 1
            return None
        self.noted[f"{draft.action} refused"] += 1
        if draft.action == "BootNotification":
            self._due["boot"] = now_ms + BOOT_AGAIN_S * 1_000
        return draft.action

    def _on_result(self, unique_id: str, payload: Mapping[str, Any], now_ms: int) -> str | None:
        sent = self.outbox.sent
        if sent is None or sent.unique_id != unique_id:
            self.noted[LATE] += 1
            return None
        draft = sent.draft
        number = payload.get("transactionId")
        if draft.action == "StartTransaction" and draft.session is not None:
            if not isinstance(number, int) or number <= 0:
                self.noted["no number of a session"] += 1
                return self._on_error(unique_id, now_ms)
            draft.session.ids.add(number)
        if draft.session is not None and self._losses.random() * 100 < self.plan.unheard_percent:
            self.noted["answers that got lost"] += 1
            self.outbox.again()
            return draft.action
        self.outbox.answered(unique_id)
        if draft.session is not None:
            self._on_session(draft, draft.session, payload, now_ms)
        elif draft.action == "BootNotification":
            self._on_boot(payload, now_ms)
        return draft.action

    def _on_session(
        self, draft: Draft, session: ChargingSession, payload: Mapping[str, Any], now_ms: int
    ) -> None:
        if draft.action == "StartTransaction":
            session.transaction_id = str(payload["transactionId"])
        info = payload.get("idTagInfo", payload.get("idTokenInfo", {}))
        if info.get("status", ACCEPTED) != ACCEPTED and session is self.session:
            self.noted["sessions blocked"] += 1
            self._stop(now_ms, "DeAuthorized")

    def _on_boot(self, payload: Mapping[str, Any], now_ms: int) -> None:
        interval = payload.get("interval")
        interval_s = interval if isinstance(interval, int) and interval > 0 else HEARTBEAT_S
        if (
            payload.get("status") != ACCEPTED
        ):  # Pending or Rejected: the interval is the wait before the next one
            self._due["boot"] = now_ms + interval_s * 1_000
            return
        self.is_accepted = True
        self._heartbeat_ms = round((self.plan.heartbeat_s or interval_s) * 1_000)
        # spread over the interval, as chargers are that were not switched on at one moment
        self._due["heartbeat"] = now_ms + round(self._losses.random() * self._heartbeat_ms)
        self._tell_state(now_ms)

    def _boot(self, _at_ms: int) -> None:
        self.outbox.tell_first(words.boot(self.plan.version))

    def _heartbeat(self, at_ms: int) -> None:
        self._due["heartbeat"] = at_ms + self._heartbeat_ms
        if self.is_online:
            self.outbox.tell(("Heartbeat", {}))

    def _start(self, at_ms: int) -> None:
        if self.is_faulted or not self.orders.is_operative or self.session is not None:
            self.noted["sessions not begun"] += 1
            self._due["start"] = at_ms + self._drawn_ms(self.plan.pause_s)
            return
        number = self.ledger[-1].number + 1 if self.ledger else 0
        power_w = self._chance.randint(*self.plan.power_w)
        session = ChargingSession(number, at_ms, self.meter.register_wh, power_w)
        name = session_name(self.plan, self._begin_ms, number)
        if self.plan.version == "2.0.1":
            session.transaction_id = name
        self.session = session
        self.ledger.append(session)
        self._draft("Started", session, at_ms, card=name[:12].upper())
        self._due["stop"] = at_ms + self._drawn_ms(self.plan.session_s)
        self._due["read"] = at_ms + round(self.plan.interval_s * 1_000)
        self._tell_state(at_ms)

    def _read(self, at_ms: int) -> None:
        session = self.session
        if session is None:
            return
        self._due["read"] = at_ms + round(self.plan.interval_s * 1_000)
        self._tell_state(at_ms)
        if self._losses.random() * 100 < self.plan.lost_percent:
            is_numbered = self.plan.version == "2.0.1"
            session.lose(session.next_seq if is_numbered else at_ms)
            session.next_seq += is_numbered
        else:
            session.readings += 1
            self._draft("Updated", session, at_ms)

    def _stop(self, at_ms: int, reason: str = "Local") -> None:
        session = self.session
        if session is None:
            return
        if self.plan.version == "1.6":
            self.meter.fill_up()
        session.stop_ms, session.register_stop_wh = at_ms, self.meter.register_wh
        self._draft("Ended", session, at_ms, reason=reason)
        self.session = None
        self.orders.session_ended()
        for name in ("stop", "read"):
            self._due.pop(name, None)
        if not self.is_finished:
            self._due["start"] = at_ms + self._drawn_ms(self.plan.pause_s)
        self._tell_state(at_ms)

    def _draft(self, kind: str, session: ChargingSession, at_ms: int, **said: str) -> None:
        draft = drafted(
            kind,
            self.plan,
            session,
            at_ms,
            register_wh=self.meter.register_wh,
            power_w=0 if kind == "Ended" else self.meter.power_w(session, at_ms),
            is_offline=not self.is_online,
            card=said.get("card", ""),
            reason=said.get("reason"),
        )
        self.outbox.keep(draft)

    def _fault(self, at_ms: int) -> None:
        self.is_faulted = True
        self._stop(at_ms, "Other")
        self._tell_state(at_ms)

    def _mend(self, at_ms: int) -> None:
        self.is_faulted = False
        self._next_fault()
        self._tell_state(at_ms)

    def _next_fault(self) -> None:
        if self._faults:
            begin_s, end_s = self._faults.popleft()
            self._due["fault"] = self._begin_ms + round(begin_s * 1_000)
            self._due["mend"] = self._begin_ms + round(end_s * 1_000)

    def _tell_state(self, at_ms: int) -> None:
        """Tell the state of the connector, and of the charger, where it is another than the one told."""
        states = {1: self._state(at_ms)} | ({0: self._whole_state()} if self.plan.version == "1.6" else {})
        for connector, state in states.items():
            if self.is_online and self.is_accepted and self._told.get(connector) != state:
                self._told[connector] = state
                self.outbox.tell(words.status(self.plan.version, state, at_ms, connector=connector))

    def _whole_state(self) -> words.State:
        return "Faulted" if self.is_faulted else "Available" if self.orders.is_operative else "Unavailable"

    def _state(self, at_ms: int) -> words.State:
        if self.session is None:
            return self._whole_state()
        return "Charging" if self.meter.power_w(self.session, at_ms) else "SuspendedEVSE"

    def _drawn_ms(self, span_s: tuple[float, float]) -> int:
        return round(self._chance.uniform(*span_s) * 1_000)


def _in_order(due: tuple[int, str]) -> tuple[int, int]:
    return due[0], ORDER.index(due[1])
