"""Orders of a central system to a simulated charger, and its answers: SetChargingProfile, ClearChargingProfile,
ChangeAvailability and DataTransfer. Pure: the moment is a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.formats.ocpp_calls import Version
from connectors.simulation.charger_limits import PURPOSES, ChargingProfile, read_profile
from connectors.simulation.charger_meter import Meter
from connectors.simulation.charger_plan import ChargingSession
from schemas.errors import Invalid

ACCEPTED, REJECTED, SCHEDULED, UNKNOWN = "Accepted", "Rejected", "Scheduled", "Unknown"
PROFILES_MAX = 16


class Orders:
    """The orders that a charger follows: its profiles, which are the *meter*'s, and whether it begins sessions. *shown*:
    the data that came last by DataTransfer for its display."""

    def __init__(self, version: Version, meter: Meter) -> None:
        self._version, self._meter = version, meter
        self.is_operative = True
        self.shown: Any = None

    def on_order(
        self, action: str, payload: Mapping[str, Any], now_ms: int, session: ChargingSession | None
    ) -> dict[str, Any] | None:
        """The answer to an order; ``None`` to one that this charger does not know."""
        match action:
            case "SetChargingProfile":
                return {"status": self._set_profile(payload, now_ms, session)}
            case "ClearChargingProfile":
                return {"status": self._clear_profiles(payload)}
            case "ChangeAvailability":
                return {"status": self._change(payload, session)}
            case "DataTransfer":
                self.shown = payload.get("data")
                return {"status": ACCEPTED}
        return None

    def session_ended(self) -> None:
        """Forget the profiles of the session that ended."""
        self._meter.profiles = [one for one in self._meter.profiles if one.purpose != "session"]

    def _set_profile(self, payload: Mapping[str, Any], now_ms: int, session: ChargingSession | None) -> str:
        try:
            profile = read_profile(self._version, payload, now_ms)
        except Invalid:
            return REJECTED
        if profile.purpose == "session" and session is None:
            return REJECTED
        others = [one for one in self._meter.profiles if not _replaces(profile, one)]
        if len(others) >= PROFILES_MAX:
            return REJECTED
        self._meter.profiles = [*others, profile]
        return ACCEPTED

    def _clear_profiles(self, payload: Mapping[str, Any]) -> str:
        is_16 = self._version == "1.6"
        wanted = payload.get("id" if is_16 else "chargingProfileId")
        criteria = payload if is_16 else payload.get("chargingProfileCriteria", {})
        purpose, stack = criteria.get("chargingProfilePurpose"), criteria.get("stackLevel")
        left = [
            one
            for one in self._meter.profiles
            if (wanted is not None and one.profile_id != wanted)
            or (purpose is not None and one.purpose != PURPOSES.get(purpose))
            or (stack is not None and one.stack != stack)
        ]
        is_cleared = len(left) < len(self._meter.profiles)
        self._meter.profiles = left
        return ACCEPTED if is_cleared else UNKNOWN

    def _change(self, payload: Mapping[str, Any], session: ChargingSession | None) -> str:
        wanted = payload.get("type" if self._version == "1.6" else "operationalStatus")
        if wanted not in ("Operative", "Inoperative"):
            return REJECTED
        self.is_operative = wanted == "Operative"
        return SCHEDULED if session is not None and not self.is_operative else ACCEPTED


def _replaces(new: ChargingProfile, old: ChargingProfile) -> bool:
    """Whether *old* goes when *new* comes: one of the same id, or of the same purpose and stack level."""
    return old.profile_id == new.profile_id or (old.purpose, old.stack) == (new.purpose, new.stack)
