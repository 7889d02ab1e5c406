"""The door of the chargers' server: which handshakes are refused, and why. Pure, but for the count of wrong keys."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

WRONG_PER_MINUTE = 30
"""Wrong keys of one address in a minute that are answered 401; further ones are answered 429. A right key always enters."""
ADDRESSES_MAX = 4_096
MINUTE_MS = 60_000
PATH_LETTERS_MAX = 512


@dataclass(frozen=True, slots=True)
class Refusal:
    """*reason*: for the metric."""

    status: HTTPStatus
    reason: str
    text: str


UNKNOWN = Refusal(
    HTTPStatus.NOT_FOUND, "unknown", "no such city or charger: the path is /ocpp/CITY/CHARGER\n"
)
SHUT_OUT = Refusal(HTTPStatus.FORBIDDEN, "shut_out", "this charger is refused\n")
WRONG_KEY = Refusal(HTTPStatus.UNAUTHORIZED, "wrong_key", "HTTP Basic with the charger's id and its key\n")
TOO_OFTEN = Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too_often", "too many wrong keys\n")
FULL = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "full", "too many chargers are connected\n")
CLOSED = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "not_ready", "not ready yet\n")


@dataclass(slots=True)
class WrongKeys:
    """Wrong keys by address within the current minute; the addresses unused for longest are forgotten."""

    _counts: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)

    def refusal(self, address: str, now_ms: int) -> Refusal:
        """Count a wrong key of *address*, and return how it is refused."""
        minute = now_ms // MINUTE_MS
        began, count = self._counts.pop(address, (minute, 0))
        count = count + 1 if began == minute else 1
        self._counts[address] = (minute, count)
        if len(self._counts) > ADDRESSES_MAX:
            self._counts.popitem(last=False)
        return WRONG_KEY if count <= WRONG_PER_MINUTE else TOO_OFTEN


def charger_at(path: str, city: str) -> str | None:
    """The charger that the *path* of a handshake names, in *city*; ``None`` where it names none."""
    if len(path) > PATH_LETTERS_MAX:
        return None
    match urlsplit(path).path.split("/"):
        case ["", "ocpp", told, charger] if unquote(told) == city:
            return unquote(charger)
    return None
