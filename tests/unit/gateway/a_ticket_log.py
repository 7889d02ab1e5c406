"""The access log of tickets in memory. No Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.access import Written
from connectors.gateway.viewings import Viewings
from schemas.errors import Retriable


@dataclass
class Log:
    """The access log in memory. *is_away*: nothing is written, and nobody is told that it were."""

    now_ms: Any
    rows: list[dict[str, Any]] = field(default_factory=list)
    viewings: Viewings = field(default_factory=Viewings)
    is_away: bool = False

    def write(self, act: Mapping[str, Any]) -> Future[Written]:
        done: Future[Written] = Future()
        if self.is_away:
            done.set_exception(Retriable("Kafka unavailable"))
        elif act["act"] == "first_use" and self.viewings.is_used(act["ticket_hash"]):
            done.set_result(Written(is_used=True))
        else:
            self.viewings.take({**act, "at": self.now_ms()})
            self.rows.append(dict(act))
            done.set_result(Written())
        return done

    def acts(self) -> list[tuple[str, str | None]]:
        return [(one["act"], one.get("reason")) for one in self.rows]
