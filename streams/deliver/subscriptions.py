"""Subscriptions: what each receiver gets, and whether an event is for it. Pure.

A subscription is a ``[[subscription]]`` of the city's file or a row of ``core.subscription``. Kinds, area and severity
narrow situations and alerts. A grant has neither kind nor severity: its audience and its area alone narrow it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from connectors.subscribers import DELIVERED, Subscriber, is_cleared
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.kinds import load_kinds
from streams.deliver.polygon import Corner, meets
from streams.situations.terms import LANGUAGE, SEVERITIES

CONTRACT = "core.subscription"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
CORNERS_MAX = 1_000
SETTINGS_BYTES_MAX = 16_384
SECRET_WORDS = ("secret", "token", "password", "key")
"""Words in the name of a setting whose value must be the name of a secret."""
SECRET_NAME = re.compile(r"\$\{(FILE:|SEALED:)?[A-Za-z0-9._-]+\}")
"""``${NAME}`` of the environment, ``${FILE:name}`` of the home folder's private files, or a secret sealed in the row."""
FORMATS = ("json", "cap")
ALERT = "core.alert"
"""The contract of what goes out as CAP."""
State = Literal["active", "paused", "removed"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """The events that one receiver gets, and where they are sent.

    *contracts* and *kinds*: empty for all. *severity_from*: the least severity, ``None`` for any. *area*: the corners of a
    polygon, empty for everywhere. *format*: ``cap`` delivers alerts alone, as messages of CAP 1.2. *created_at*: what came
    before is not delivered, unless it begins *from_beginning*. *retried_at*: when somebody last had a dead receiver tried
    again. *account_id*: the account that made it over HTTP, whose rights bound it; ``None``: an operator made it, by the
    city's file or a command.
    """

    name: str
    who: str
    sink: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    audience: str | None = None
    purposes: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    area: tuple[Corner, ...] = ()
    severity_from: str | None = None
    language: str = "en"
    format: str = "json"
    state: State = "active"
    from_beginning: bool = False
    created_at: int = 0
    retried_at: int | None = None
    account_id: str | None = None

    def wants(self, contract: str, value: Mapping[str, Any], *, reader: Subscriber) -> bool:
        """Whether the event *value* (of *contract*) goes to this receiver, which reads as *reader*."""
        if contract not in self._contracts or not reader.may_read(contract, value):
            return False
        if (
            self.area
        ):  # only what the reader may see is compared: an area drawn small would tell a masked place
            seen = reader.shown(contract, {name: value.get(name) for name in ("position", "area")})
            if not meets(self.area, seen["position"], seen["area"]):
                return False
        return contract == "core.grant" or self._wants_kind_and_severity(value)

    @property
    def _contracts(self) -> Collection[str]:
        return (ALERT,) if self.format == "cap" else self.contracts or DELIVERED

    def _wants_kind_and_severity(self, value: Mapping[str, Any]) -> bool:
        tree, kind = load_kinds(), value["kind"]
        if self.kinds and not any(tree.is_a(kind, one) for one in self.kinds):
            return False
        return self.severity_from is None or rank(value["severity"]) <= rank(self.severity_from)

    def reader(self, purposes_of_law: Collection[str]) -> Subscriber:
        """The reader that stands for this receiver under a law with *purposes_of_law*."""
        return Subscriber(self.audience, is_cleared(self.purposes, purposes_of_law))


def rank(severity: str) -> int:
    """The place of *severity* among all, the gravest first; a word that is none of them is the least."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def of_row(value: Mapping[str, Any]) -> Subscription:
    """The subscription of a row of ``core.subscription``. ``Invalid`` for one that this version cannot use."""
    try:
        settings = orjson.loads(value["settings"])
    except orjson.JSONDecodeError:
        raise Invalid("settings are no JSON", field="settings", expected="a JSON object") from None
    plain: dict[str, Any] = {name: value[name] for name in _PLAIN}
    plain |= {name: tuple(value[name]) for name in ("purposes", "contracts", "kinds")}
    made = Subscription(
        **plain,
        area=tuple((one["lat"], one["lon"]) for one in value["area"]),
        settings=settings,
    )
    for fault in faults_of(made):
        raise Invalid(f"{fault.field}: {fault.what}", field=fault.field, expected=fault.hint)
    return made


_PLAIN = (
    *("name", "who", "sink", "audience", "severity_from", "language", "format"),
    *("state", "from_beginning", "created_at", "retried_at", "account_id"),
)


def event_of(subscription: Subscription, city: str, *, now_ms: int) -> Event:
    """The row of *subscription* in ``core.subscription``."""
    row: dict[str, Any] = {name: getattr(subscription, name) for name in _PLAIN}
    row |= {name: list(getattr(subscription, name)) for name in ("purposes", "contracts", "kinds")}
    row["area"] = [{"lat": lat, "lon": lon} for lat, lon in subscription.area]
    row["settings"] = orjson.dumps(dict(subscription.settings), option=orjson.OPT_SORT_KEYS).decode()
    common = event_fields(
        city,
        "subscriptions",
        event_id=derived_id("subscription", city, subscription.name, subscription.state, now_ms),
        event_time_ms=now_ms,
        received_ms=now_ms,
    )
    return Event(CONTRACT, subscription.name, common | row)


def check_row(_key: str, value: Mapping[str, Any]) -> None:
    """``Invalid`` for a row that cannot be used."""
    of_row(value)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a subscription: its field, what is wrong, and what to write."""

    field: str
    what: str
    hint: str


def faults_of(one: Subscription) -> list[Fault]:
    """All faults of *one*, but for those of its sink's own settings."""
    found = []
    if not NAME.fullmatch(one.name):
        found.append(Fault("name", "no name for a subscription", "lower-case letters, digits and '-'"))
    if not one.who.strip():
        found.append(Fault("who", "empty", "the agency or account that it is for"))
    for contract in one.contracts:
        if contract not in DELIVERED:
            found.append(Fault("contracts", f"{contract!a} is not delivered", f"of {', '.join(DELIVERED)}"))
    for kind in one.kinds:
        if kind not in load_kinds():
            found.append(Fault("kinds", f"{kind!a}: no such kind", "schemas/kinds.toml has all"))
    if one.severity_from is not None and one.severity_from not in SEVERITIES:
        found.append(Fault("severity_from", "no such severity", f"one of {', '.join(SEVERITIES)}"))
    if not re.fullmatch(LANGUAGE, one.language):
        found.append(Fault("language", "no language tag", "such as en or ko"))
    if one.format not in FORMATS:
        found.append(Fault("format", "no such format", f"one of {', '.join(FORMATS)}"))
    if one.format == "cap" and not set(one.contracts) <= {ALERT}:
        found.append(
            Fault("contracts", "CAP carries alerts alone", f"{ALERT} alone, none, or the format json")
        )
    return [*found, *_of_area(one.area), *_of_settings(one.settings)]


def _of_area(area: Sequence[Corner]) -> list[Fault]:
    hint = "three or more corners [lat, lon] in degrees"
    if area and not 3 <= len(area) <= CORNERS_MAX:
        return [Fault("area", "no polygon", hint)]
    if any(not (abs(lat) <= 90 and abs(lon) <= 180) for lat, lon in area):
        return [Fault("area", "a corner that is no place on earth", hint)]
    return []


def _of_settings(settings: Any) -> list[Fault]:
    if not isinstance(settings, Mapping):
        return [Fault("settings", "no table of settings", "settings by name")]
    if len(orjson.dumps(dict(settings))) > SETTINGS_BYTES_MAX:
        return [Fault("settings", "too long", f"at most {SETTINGS_BYTES_MAX} bytes")]
    return [
        Fault(name, "a secret in clear text", "write ${NAME}, and set the environment variable NAME")
        for name, value in settings.items()
        if any(word in name.lower() for word in SECRET_WORDS) and not _is_named(value)
    ]


def _is_named(value: Any) -> bool:
    """Whether *value* names secrets and holds none."""
    if isinstance(value, str):
        return SECRET_NAME.fullmatch(value) is not None
    if isinstance(value, list | tuple):
        return all(map(_is_named, value))
    return not isinstance(value, Mapping) or all(map(_is_named, value.values()))


def in_force(
    of_file: Mapping[str, Subscription], of_rows: Mapping[str, Subscription]
) -> dict[str, Subscription]:
    """The subscriptions there are, by name. One of the city's file wins over a row of its name, which then says only whether
    it is paused and when it was retried."""
    found = {name: one for name, one in of_rows.items() if one.state != "removed"}
    for name, one in of_file.items():
        row = found.get(name)
        found[name] = one if row is None else replace(one, state=row.state, retried_at=row.retried_at)
    return found
