"""Values that a charger's meter tells in OCPP 1.6 and 2.0.1, in watt-hours and watts. Pure; decimals, never floats.

- What a value leaves out is OCPP's default: Energy.Active.Import.Register, at the Outlet, Sample.Periodic, Wh, a
  multiplier of 0.
- A value without a phase is the total. Without a total the lines that are told (L1, L2, L3, each once, as ``L1`` or
  ``L1-N``) are added up; values between lines and of the neutral never are. *phases* says which were added.
- A register is not an interval: each has its field, and neither is made of the other.
- Signed data of 1.6 holds no number: passed over, noted. The number beside a signature of 2.0.1 is read.
- What is no number, has another unit or is told twice with two values is unknown (null), noted; its neighbours are read.
- Energy and power elsewhere than at the outlet, and other measurands, are left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

from connectors.formats.records import NUMBER

REGISTER, EXPORT_REGISTER = "register_wh", "export_register_wh"
POWER, CHARGE = "power_w", "state_of_charge_percent"
FIELDS = {
    "Energy.Active.Import.Register": REGISTER,
    "Energy.Active.Export.Register": EXPORT_REGISTER,
    "Energy.Active.Import.Interval": "interval_wh",
    "Energy.Active.Export.Interval": "export_interval_wh",
    "Power.Active.Import": POWER,
    "SoC": CHARGE,
}
"""Measurand → field of ``mobility.charge``."""
_ENERGY_UNITS = {"Wh": 0, "kWh": 3}
_POWER_UNITS = {"W": 0, "kW": 3}
"""Unit → power of ten."""
LINES = {"L1": "L1", "L2": "L2", "L3": "L3", "L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
DIGITS_MAX = 24
"""Digits of a value before and after its point: a register of a power station for an age has fewer."""
_EXACT = Context(prec=200)

Told = dict[str | None, list[tuple[Decimal, str | None]]]
"""Phase → the values told of it, each with its unit."""


def measured(
    samples: Sequence[Mapping[str, Any]], noted: Counter[str], skipped: Counter[str]
) -> dict[str, dict[str, Any]]:
    """Context → the fields of ``mobility.charge`` that *samples* (``sampledValue``) tell.

    A context of which nothing is known is left out.
    """
    told: dict[str, dict[str, Told]] = {}
    signed = set[str]()
    for sample in samples:
        context = sample.get("context", "Sample.Periodic")
        if sample.get("format") == "SignedData" or "signedMeterValue" in sample:
            signed.add(context)
        field = _field(sample, noted, skipped)
        if field is None:
            continue
        value = _value(sample, field, noted)
        if value is not None:
            phases = told.setdefault(context, {}).setdefault(field, {})
            phases.setdefault(sample.get("phase"), []).append((value, _unit(sample)))
    found = {context: _fields(fields, noted) for context, fields in told.items()}
    return {
        context: {**fields, "context": context, "is_signed": context in signed}
        for context, fields in found.items()
        if fields
    }


def plain(value: Decimal) -> str:
    """*value* in digits, without an exponent and without noughts at the end of a fraction."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _field(sample: Mapping[str, Any], noted: Counter[str], skipped: Counter[str]) -> str | None:
    if sample.get("format") == "SignedData":
        noted["signed data passed over"] += 1
        return None
    measurand = sample.get("measurand", "Energy.Active.Import.Register")
    field = FIELDS.get(measurand)
    if field is None:
        skipped[f"measurand {measurand}"] += 1
        return None
    location = sample.get("location", "Outlet")
    if field != CHARGE and location != "Outlet":  # the battery is the vehicle's, wherever it is read
        skipped[f"measured at {location}"] += 1
        return None
    return field


def _unit(sample: Mapping[str, Any]) -> str | None:
    """The unit as it is told, in 1.6 or in 2.0.1."""
    unit: str | None = sample.get("unit", sample.get("unitOfMeasure", {}).get("unit"))
    return unit


def _value(sample: Mapping[str, Any], field: str, noted: Counter[str]) -> Decimal | None:
    """The value in Wh, W or percent; ``None``, noted, where it is none."""
    said = sample["value"]
    if isinstance(said, str) and not (len(said) <= 80 and NUMBER.fullmatch(said.strip())):
        noted[f"{field}: no number"] += 1
        return None
    multiplier = sample.get("unitOfMeasure", {}).get("multiplier", 0)
    unit = _unit(sample)
    if field == CHARGE:
        power = 0 if unit in (None, "Percent", "Wh") else None  # "Wh": the schema of 2.0.1 puts it in unasked
    else:
        units, usual = (_POWER_UNITS, "W") if field == POWER else (_ENERGY_UNITS, "Wh")
        power = units.get(usual if unit is None else unit)
    if power is None:
        noted[f"{field}: another unit"] += 1
        return None
    if abs(multiplier) > DIGITS_MAX:
        noted[f"{field}: beyond what can be"] += 1
        return None
    number = Decimal(said.strip() if isinstance(said, str) else said)
    exponent, digits = number.as_tuple().exponent, len(number.as_tuple().digits)
    least = int(exponent) + power + multiplier
    if not number:
        return Decimal(0)
    if least < -DIGITS_MAX or least + digits > DIGITS_MAX:
        noted[f"{field}: beyond what can be"] += 1
        return None
    return number.scaleb(power + multiplier, _EXACT)


def _fields(fields: Mapping[str, Told], noted: Counter[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, told in fields.items():
        total = _total(field, told, noted)
        if total is None:
            continue
        value, unit, phases = total
        if field == REGISTER:
            found |= {REGISTER: plain(value), "phases": phases, "unit": unit or "Wh"}
        elif field == CHARGE and not 0 <= value <= 100:
            noted["battery beyond what can be"] += 1
        else:
            found[field] = float(value) if field in (POWER, CHARGE) else plain(value)
    return found


def _total(field: str, told: Told, noted: Counter[str]) -> tuple[Decimal, str | None, list[str]] | None:
    """The total, its unit, and the lines that were added up; ``None``, noted, where there is none."""
    if None in told:
        chosen, lines = [told[None]], []
    else:
        phases = [phase for phase in told if phase in LINES]
        lines = sorted(LINES[str(phase)] for phase in phases)
        chosen = [told[phase] for phase in phases]
        if not phases:
            noted[f"{field}: no phase that can be added"] += 1
            return None
    if len(set(lines)) != len(lines) or any(len({one for one, _ in values}) > 1 for values in chosen):
        noted[f"{field}: told twice"] += 1
        return None
    total = Decimal(0)
    for values in chosen:
        total = _EXACT.add(total, values[0][0])
    return total, chosen[0][0][1], lines
