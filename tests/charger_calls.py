"""A central system for tests of simulated chargers: pure. It answers as OCPP asks, and remembers what it heard."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.formats.ocpp_calls import Call, read_frame
from connectors.simulation.charger_plan import ChargerPlan
from connectors.simulation.chargers import SimulatedCharger

T0_MS = 1_775_000_000_000


def a_plan(version: str, **changes: Any) -> ChargerPlan:
    about = {"interval_s": 10, "session_s": (60, 120), "pause_s": (5, 30), "answer_s": 20, "retry_s": 5}
    return ChargerPlan(**{"charger_id": "CP-1", "version": version, "seed": 7, **about, **changes})


@dataclass
class Desk:
    """The other end of one charger. *refuses*: calls that it answers with an error. *is_silent*: it answers nothing."""

    charger: SimulatedCharger
    refuses: Callable[[Call], bool] = lambda _: False
    blocks: bool = False
    is_silent: bool = False
    number_of: Callable[[Call], int] | None = None
    heard: list[Call] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    now_ms: int = T0_MS
    _orders: int = 0

    def live(self, seconds: float) -> None:
        """Let time pass, and answer at once."""
        until_ms = self.now_ms + round(seconds * 1_000)
        while True:
            self.charger.advance(self.now_ms)
            while (frame := self.charger.next_frame(self.now_ms)) is not None:
                self._take(frame)
            following = self.charger.next_ms()
            if following > until_ms:
                break
            self.now_ms = max(self.now_ms, following)
        self.now_ms = until_ms
        self.charger.advance(until_ms)

    def order(self, action: str, payload: dict[str, Any]) -> list[Any]:
        self._orders += 1
        frame = json.dumps([2, f"o{self._orders}", action, payload])
        reply = self.charger.hear(frame, self.now_ms).reply
        assert reply is not None
        said: list[Any] = json.loads(reply)
        assert said[1] == f"o{self._orders}"
        return said

    def of(self, action: str) -> list[Call]:
        return [one for one in self.heard if one.action == action]

    def _take(self, frame: bytes) -> None:
        call = read_frame(frame, self.charger.plan.version)
        assert isinstance(call, Call)
        self.heard.append(call)
        if self.is_silent:
            return
        if self.refuses(call):
            self.charger.hear(json.dumps([4, call.unique_id, "InternalError", "", {}]), self.now_ms)
            return
        self.charger.hear(json.dumps([3, call.unique_id, self._answer(call)]), self.now_ms)

    def _answer(self, call: Call) -> dict[str, Any]:
        status = {"status": "Blocked" if self.blocks else "Accepted"}
        match call.action:
            case "BootNotification":
                return {"currentTime": "2026-01-01T00:00:00Z", "interval": 60, "status": "Accepted"}
            case "StartTransaction":
                new = 1_000 + len(self.numbers) if self.number_of is None else self.number_of(call)
                number = self.numbers.setdefault(str(call.payload), new)
                return {"transactionId": number, "idTagInfo": status}
            case "TransactionEvent" if "idToken" in call.payload:
                return {"idTokenInfo": status}
        return {}


def register_of(call: Call) -> Decimal:
    """The register that a reading of either version tells."""
    return Decimal(str(call.payload["meterValue"][0]["sampledValue"][0]["value"]))
