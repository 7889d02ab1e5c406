"""Wishes of the city for a charger, of the circumstances at a moment. Pure.

- *Windows*: times in which chargers may take so many watts at most. A window becomes a profile of the charger, which
  ends with the window by itself; one that is taken back is cleared.
- *Rewards*: times in which a kWh is rewarded with so much. A charger is told by DataTransfer, for its display; OCPP has
  no message for it.
- *Closures*: areas and times in which chargers begin no session and are out of service; sessions that go on may end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.formats.ocpp_calls import Version
from connectors.subjects.charger_list import ListedCharger
from connectors.subjects.charging_replies import Terms
from streams.chargers.closed_chargers import ClosedChargers

PROFILE_ID = 7_301
"""The id of the one profile that this system gives a charger: a new one replaces it."""
PROFILE, REWARD, AVAILABILITY = "profile", "reward", "availability"
VENDOR_ID, REWARD_ID = "bongsu", "surplus"
"""The vendor and the message of the DataTransfer that tells a reward."""


@dataclass(frozen=True, slots=True)
class PowerWindow:
    """From *begin_ms* to before *end_ms* a charger may take *limit_w* watts. *chargers*: ids; ``None``: all."""

    begin_ms: int
    end_ms: int
    limit_w: float
    chargers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RewardWindow:
    """From *begin_ms* to before *end_ms* a kWh is rewarded with *reward*, a decimal. *chargers*: ids; ``None``: all."""

    begin_ms: int
    end_ms: int
    reward: str
    chargers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Windows, closures and rewards that bear on chargers."""

    windows: Sequence[PowerWindow] = ()
    closures: Sequence[ClosedChargers] = ()
    rewards: Sequence[RewardWindow] = ()


class CircumstancesNow(Protocol):
    """Tells the circumstances; ``None`` while they are not known: then nothing is ordered, and nothing taken back.

    The stage asks it every few seconds, in its event loop: it must not wait.
    """

    def __call__(self) -> Circumstances | None: ...


def none_known() -> Circumstances:
    """Circumstances of a city in which nothing tells any."""
    return Circumstances()


def with_closures(
    power: Circumstances | None, closures: Sequence[ClosedChargers] | None
) -> Circumstances | None:
    """Return *power* with *closures*; ``None`` while one of them is not known, so that neither is taken back."""
    return None if power is None or closures is None else replace(power, closures=closures)


@dataclass(frozen=True, slots=True)
class Order:
    """A CALL that a charger is to get. *key*: of what it is about, ``PROFILE``, ``REWARD`` or ``AVAILABILITY``."""

    key: str
    action: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Orders that a charger was given and has answered, or is to be given. *window*: begin and end in ms, watts.
    *reward*: begin and end in ms, for a kWh."""

    window: tuple[int, int, float] | None = None
    is_open: bool = True
    reward: tuple[int, int, str] | None = None

    def kept(self) -> dict[str, Any]:
        """It, JSON-able."""
        told = {"window": None if self.window is None else list(self.window), "is_open": self.is_open}
        return told if self.reward is None else {**told, "reward": list(self.reward)}


def asked_from(kept: Mapping[str, Any] | None) -> Asked:
    """Read the result of ``Asked.kept``; of a charger that was asked for nothing there is none."""
    if not kept:
        return Asked()
    window, reward = kept["window"], kept.get("reward")
    return Asked(
        None if window is None else (window[0], window[1], window[2]),
        kept["is_open"],
        None if reward is None else (reward[0], reward[1], reward[2]),
    )


@dataclass(frozen=True, slots=True)
class Wishes:
    """*terms*: of the answers to the charger. *asked*: what it should have been asked for."""

    terms: Terms
    asked: Asked = Asked()


def wishes_for(
    charger: ListedCharger, circumstances: Circumstances, *, at_ms: int, interval_s: int
) -> Wishes:
    """The wishes for *charger* at *at_ms*. Of several windows the lowest limit counts, then the one that ends first; of
    several rewards the one that began first."""
    in_force = [
        (one.begin_ms, one.end_ms, one.limit_w)
        for one in circumstances.windows
        if _holds(one, charger, at_ms)
    ]
    rewards = [
        (one.begin_ms, one.end_ms, one.reward) for one in circumstances.rewards if _holds(one, charger, at_ms)
    ]
    window = min(in_force, key=lambda one: (one[2], one[1]), default=None)
    is_open = not any(
        charger.charger_id in one.chargers and one.closure.is_in_force(at_ms)
        for one in circumstances.closures
    )
    return Wishes(
        Terms(interval_s, takes_sessions=is_open), Asked(window, is_open, min(rewards, default=None))
    )


def orders_between(before: Asked, after: Asked, version: Version, *, at_ms: int) -> list[Order]:
    """The orders that make of a charger asked for *before* one asked for *after*."""
    orders = []
    if after.window is not None and after.window != before.window:
        orders.append(Order(PROFILE, "SetChargingProfile", _profile(after.window, version)))
    elif after.window is None and before.window is not None and at_ms < before.window[1]:
        # one whose time is over has ended by itself
        payload = {"id" if version == "1.6" else "chargingProfileId": PROFILE_ID}
        orders.append(Order(PROFILE, "ClearChargingProfile", payload))
    if after.reward is not None and after.reward != before.reward:
        orders.append(Order(REWARD, "DataTransfer", _told(after.reward)))
    elif after.reward is None and before.reward is not None and at_ms < before.reward[1]:
        orders.append(Order(REWARD, "DataTransfer", _told((before.reward[0], at_ms, before.reward[2]))))
    if after.is_open != before.is_open:
        status = "Operative" if after.is_open else "Inoperative"
        whole = {"connectorId": 0, "type": status} if version == "1.6" else {"operationalStatus": status}
        orders.append(Order(AVAILABILITY, "ChangeAvailability", whole))
    return orders


def after_order(before: Asked, after: Asked, key: str) -> Asked:
    """*before*, once the order of *key* towards *after* is answered."""
    if key == PROFILE:
        return replace(before, window=after.window)
    return replace(before, reward=after.reward) if key == REWARD else replace(before, is_open=after.is_open)


def _told(reward: tuple[int, int, str]) -> dict[str, Any]:
    """The payload of DataTransfer, of one form in both versions: its data is text in 1.6."""
    begin_ms, end_ms, amount = reward
    data = {"reward_per_kwh": amount, "begins_at": _iso(begin_ms), "ends_at": _iso(end_ms)}
    return {"vendorId": VENDOR_ID, "messageId": REWARD_ID, "data": json.dumps(data)}


def _profile(window: tuple[int, int, float], version: Version) -> dict[str, Any]:
    begin_ms, end_ms, limit_w = window
    schedule: dict[str, Any] = {
        "startSchedule": _iso(begin_ms),
        "duration": max(1, (end_ms - begin_ms) // 1_000),
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": round(limit_w, 1)}],
    }
    profile: dict[str, Any] = {
        "stackLevel": 0,
        "chargingProfileKind": "Absolute",
        "validFrom": _iso(begin_ms),
        "validTo": _iso(end_ms),
    }
    if version == "1.6":
        purpose = {"chargingProfileId": PROFILE_ID, "chargingProfilePurpose": "ChargePointMaxProfile"}
        return {"connectorId": 0, "csChargingProfiles": {**profile, **purpose, "chargingSchedule": schedule}}
    purpose_2 = {"id": PROFILE_ID, "chargingProfilePurpose": "ChargingStationMaxProfile"}
    return {
        "evseId": 0,
        "chargingProfile": {**profile, **purpose_2, "chargingSchedule": [{"id": PROFILE_ID, **schedule}]},
    }


def _holds(one: PowerWindow | RewardWindow, charger: ListedCharger, at_ms: int) -> bool:
    is_its = one.chargers is None or charger.charger_id in one.chargers
    return is_its and one.begin_ms <= at_ms < one.end_ms


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
