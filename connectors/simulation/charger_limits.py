"""Charging profiles as a charger holds them: how many watts it may draw at a moment. Pure.

Of each purpose the valid profile of the highest stack level counts; the charger's own limit and the session's are both kept,
so the lower one rules (OCPP 1.6, 3.13; 2.0.1, K01). A profile of a session stands before the default of all sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from connectors.formats.ocpp_calls import Version
from connectors.formats.times import iso_ms
from schemas.errors import Invalid

Purpose = Literal["charger", "default", "session"]
PURPOSES: dict[str, Purpose] = {
    "ChargePointMaxProfile": "charger",
    "ChargingStationMaxProfile": "charger",
    "ChargingStationExternalConstraints": "charger",
    "TxDefaultProfile": "default",
    "TxProfile": "session",
}
VOLTS, PHASES = 230, 3


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """A limit over time. *begin_ms* ``None``: with each session. *periods*: (milliseconds after the beginning, watts)."""

    profile_id: int
    purpose: Purpose
    stack: int
    valid_from_ms: int | None
    valid_until_ms: int | None
    begin_ms: int | None
    duration_ms: int | None
    periods: tuple[tuple[int, int], ...]

    def watts(self, at_ms: int, session_ms: int) -> int | None:
        """The limit at *at_ms* of a session that began at *session_ms*; ``None`` where there is none."""
        begin = session_ms if self.begin_ms is None else self.begin_ms
        after = at_ms - begin
        is_valid = (self.valid_from_ms is None or at_ms >= self.valid_from_ms) and (
            self.valid_until_ms is None or at_ms < self.valid_until_ms
        )
        if not is_valid or after < 0 or (self.duration_ms is not None and after >= self.duration_ms):
            return None
        return next((watts for start, watts in reversed(self.periods) if start <= after), None)

    def edges(self, session_ms: int) -> Iterator[int]:
        """The moments at which the limit may change."""
        begin = session_ms if self.begin_ms is None else self.begin_ms
        yield from (begin + start for start, _ in self.periods)
        if self.duration_ms is not None:
            yield begin + self.duration_ms
        yield from (one for one in (self.valid_from_ms, self.valid_until_ms) if one is not None)


def allowed_w(profiles: Collection[ChargingProfile], at_ms: int, session_ms: int) -> int | None:
    """The limit of all *profiles* together; ``None`` where there is none."""

    def of(purpose: Purpose) -> int | None:
        stacked = sorted((one for one in profiles if one.purpose == purpose), key=lambda one: -one.stack)
        told = (one.watts(at_ms, session_ms) for one in stacked)
        return next((watts for watts in told if watts is not None), None)

    session = of("session")
    limits = (of("charger"), of("default") if session is None else session)
    return min((one for one in limits if one is not None), default=None)


def read_profile(version: Version, order: Mapping[str, Any], at_ms: int) -> ChargingProfile:
    """The profile of a SetChargingProfile. ``Invalid`` where it is none, or one that this charger cannot follow."""
    try:
        told = order["csChargingProfiles" if version == "1.6" else "chargingProfile"]
        schedule = told["chargingSchedule"] if version == "1.6" else told["chargingSchedule"][0]
        kind, unit = told["chargingProfileKind"], schedule["chargingRateUnit"]
        if kind not in ("Absolute", "Relative"):
            raise Invalid("a recurring profile", field="chargingProfileKind", expected="Absolute or Relative")
        begin = None if kind == "Relative" else _ms(schedule, "startSchedule")
        return ChargingProfile(
            profile_id=told["chargingProfileId" if version == "1.6" else "id"],
            purpose=PURPOSES[told["chargingProfilePurpose"]],
            stack=told["stackLevel"],
            valid_from_ms=_ms(told, "validFrom"),
            valid_until_ms=_ms(told, "validTo"),
            begin_ms=at_ms if begin is None and kind == "Absolute" else begin,
            duration_ms=schedule["duration"] * 1_000 if "duration" in schedule else None,
            periods=tuple(
                (one["startPeriod"] * 1_000, _watts(one, unit)) for one in schedule["chargingSchedulePeriod"]
            ),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise Invalid("no charging profile", field=str(error), expected="one of OCPP") from None


def _watts(period: Mapping[str, Any], unit: str) -> int:
    limit = Decimal(str(period["limit"]))
    return int(limit if unit == "W" else limit * VOLTS * period.get("numberPhases", PHASES))


def _ms(told: Mapping[str, Any], name: str) -> int | None:
    return iso_ms(told[name], name, is_utc=True) if name in told else None
