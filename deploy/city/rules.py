"""The ``[[rule]]`` entries of a file, checked against the settings of the rules that they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from deploy.city.check import of_rules
from deploy.city.findings import Found, of_validation
from deploy.laws import law_named
from schemas.errors import BongsuError
from streams.situations.config import RulesConfig
from streams.situations.languages import kind_names
from streams.situations.rules.in_force import CheckedEntry, CityRules, rule_file
from streams.situations.sections import ShadowEntry
from streams.situations.terms import JOINT_INCIDENT

ENTRY = ("name", "shadow")
"""The keys of a ``[[rule]]`` beside its settings."""


def rules_of(
    raw: Mapping[str, Any], law: Any, base: Mapping[str, Any]
) -> tuple[RulesConfig | None, list[Found]]:
    """The rules of a file, and all faults in them. ``None`` for the rules where there is a fault, or where the law or the
    city's own table has one that is reported already."""
    found = of_rules(raw)
    try:
        profile = law_named(law) if isinstance(law, str) else None
    except BongsuError as error:
        found.append(Found(("law",), error.what, error.hint))
        return None, found
    if profile is None or not all(isinstance(one, str) for one in base.values()):
        return None, found
    told = {one.where[:3] for one in found}
    rules = [
        (n, _with_energy(_with_the_air(one, raw), raw))
        for n, one in enumerate(raw.get("rule", ()))
        if isinstance(one, dict) and ("rule", n, "name") not in told
    ]
    config, more = _in_force({**base, "law": profile}, rules)
    found += [one for one in more if one.where[:3] not in told]
    return (None if found else config), found


def _in_force(
    base: dict[str, Any], rules: Sequence[tuple[int, dict[str, Any]]]
) -> tuple[RulesConfig | None, list[Found]]:
    """The rules in force and the shadow rules of *rules*, on top of the law's and city's values in *base*."""
    found: list[Found] = []
    tried = [(n, one) for n, one in rules if one.get("shadow", False)]
    joint = next(
        ((n, one) for n, one in rules if one["name"] == JOINT_INCIDENT and not one.get("shadow", False)), None
    )
    place, said = joint or (0, {})
    config = None
    try:
        config = CityRules.model_validate({**base, **_numbers(said)})
    except ValidationError as error:
        found += _of_numbers(error, said, place, RulesConfig)
    entries: list[CheckedEntry] = []
    for number, rule in rules:
        if rule["name"] == JOINT_INCIDENT or rule.get("shadow", False):
            continue
        model = rule_file(rule["name"]).Numbers
        try:
            model.model_validate(_numbers(rule))
            entries.append(CheckedEntry(name=rule["name"], numbers=_numbers(rule)))
        except ValidationError as error:
            found += _of_numbers(error, rule, number, model)
    if config is None:
        return None, found
    shadows: list[ShadowEntry] = []
    for number, rule in tried:
        try:
            shadow = ShadowEntry(name=rule["name"], numbers=_numbers(rule))
            CityRules.model_validate({**config.canonical(), "others": entries, "shadows": [shadow]})
            shadows.append(shadow)
        except ValidationError as error:
            found += _of_numbers(error, rule, number, rule_file(rule["name"]).Numbers)
    if found:
        return None, found
    further = {**_further_names(config), **config.further_names}
    whole = {**config.canonical(), "others": entries, "shadows": shadows, "further_names": further}
    return CityRules.model_validate(whole), found


def _with_the_air(rule: dict[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """*rule*, and for that of zones what the city's file says of its ground and its drones, unless it says so itself. Faults
    in those tables are reported with them."""
    if rule["name"] != "zone":
        return rule
    terrain, drones = raw.get("terrain", {}), raw.get("drone", ())
    known = {
        one["id"]: one["known_as"] for one in drones if isinstance(one, dict) and {*one} >= {"id", "known_as"}
    }
    its = dict(terrain) if isinstance(terrain, dict) else {}
    return {**its, **({"drones": known} if known else {}), **rule}


def _with_energy(rule: dict[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """*rule*, and for that of surplus the price of ``[energy]``, unless it says its own."""
    energy = raw.get("energy")
    is_its = rule["name"] == "surplus" and isinstance(energy, dict) and "price" in energy
    return {"price": energy["price"], **rule} if is_its and isinstance(energy, dict) else rule


def _further_names(config: RulesConfig) -> dict[str, dict[str, str]]:
    """The names of kinds in each language but the city's that there are headlines in."""
    return {code: kind_names(code) for code in config.headlines if code != config.spoken}


def _numbers(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key not in ENTRY}


def _of_numbers(
    error: ValidationError, rule: Mapping[str, Any], number: int, model: type[BaseModel]
) -> list[Found]:
    """The faults of one ``[[rule]]``. A fault in a value of the law is reported for the law's file."""
    found = of_validation(error, rule, model, ("rule", number), also=ENTRY)
    return [
        Found(
            ("law",),
            one.what.replace(f"rule.{number}.law", "the law's profile", 1),
            "mend its file in deploy/laws",
        )
        if one.where[2:3] == ("law",) and "law" not in rule
        else one
        for one in found
    ]
