"""``[[subscription]]`` of a city's file: its form, the faults that no model finds, and what it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.discovery import BadConfig, location_of, read_config, sink_types
from connectors.imports import BrokenConnector, import_connector
from connectors.locations import Folders
from deploy.city.findings import Found, Where, near, of_faults, value_at
from schemas.validation import Fault
from streams.deliver.subscriptions import Subscription, faults_of
from streams.situations.terms import Severity

Corner = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]


class SubscriptionFile(BaseModel):
    """One ``[[subscription]]``: what its receiver gets, and the settings of its sink's own model."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    who: str = Field(pattern=r"\S", description="the agency or subscriber that it is for")
    sink: str = Field(description="the type of its sink, such as webhook")
    audience: str | None = Field(
        None, description="the rows it may have: an agency's own, '*' for all; absent: public alerts only"
    )
    purposes: tuple[str, ...] = Field((), description="what they are used for; absent: no identifying field")
    contracts: tuple[str, ...] = Field(
        (), description="of core.situation, core.alert, core.grant; absent: all"
    )
    kinds: tuple[str, ...] = Field((), description="kinds of the tree, each with all below it; absent: all")
    area: tuple[Corner, ...] = Field((), description="a polygon: corners [lat, lon]; absent: the whole city")
    severity_from: Severity | None = Field(None, description="the least severity; absent: any")
    language: str = Field("en", description="the language of its texts")
    format: Literal["json", "cap"] = Field("json", description="CloudEvents as JSON, or alerts as CAP 1.2")
    begin: Literal["end", "beginning"] = Field(
        "end", description="where a new one begins: with what comes, or with all that the log has"
    )

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    def as_subscription(self) -> Subscription:
        return Subscription(
            **{name: getattr(self, name) for name in _SAME},
            settings=self.settings,
            from_beginning=self.begin == "beginning",
        )


_SAME = (
    *("name", "who", "sink", "audience", "purposes", "contracts", "kinds", "area", "severity_from"),
    *("language", "format"),
)


class DeliverFile(BaseModel):
    """``[deliver]``: where deliveries may go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow_hosts: tuple[str, ...] = Field(
        (), description="hosts of private networks, or without TLS, to which webhooks may be sent"
    )


def of_subscriptions(raw: Mapping[str, Any], folders: Folders = ()) -> list[Found]:
    """The faults of ``[[subscription]]`` beside its fields' values: names, kinds, secrets, the settings of sinks."""
    found: list[Found] = []
    names: set[str] = set()
    tables = raw.get("subscription")
    for number, table in enumerate(tables if isinstance(tables, list) else []):
        if not isinstance(table, Mapping):
            continue
        where: Where = ("subscription", number)
        name = table.get("name")
        if isinstance(name, str) and name in names:
            what = f"subscription.{number}.name = {name!r}: a subscription of that name is there already"
            found.append(Found((*where, "name"), what, "give each subscription a name of its own"))
        names.add(str(name))
        settings = {key: value for key, value in table.items() if key not in SubscriptionFile.model_fields}
        found += _of_content(where, table, settings)
        if isinstance(table.get("sink"), str):
            found += of_sink(where, table["sink"], settings, folders)
    return found


def _of_content(where: Where, table: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Found]:
    """Faults that the subscription itself finds, if its fields have their types."""
    try:
        one = SubscriptionFile.model_validate(dict(table)).as_subscription()
    except ValueError:  # the model has told of it
        return
    for fault in faults_of(one):
        yield Found(
            (*where, fault.field), f"{'.'.join(map(str, where))}.{fault.field}: {fault.what}", fault.hint
        )


def of_sink(where: Where, kind: str, settings: Mapping[str, Any], folders: Folders) -> list[Found]:
    """The faults of *settings* for a sink of the type *kind*; what names a secret is judged when it is filled in."""
    try:
        read_config(kind, settings, folders=folders, kind="sink")
    except BrokenConnector as error:
        return [Found((*where, "sink"), error.what, error.hint)]
    except BadConfig as error:
        if any(one.where == ("type",) for one in error.problems) and "type" not in settings:
            what = f"{'.'.join(map(str, where))}.sink = {kind!r}: no sink is of that type"
            return [Found((*where, "sink"), what, near(kind.replace("-", "_"), sink_types(folders)))]
        model: type[BaseModel] = import_connector(location_of("sink", kind, folders)).Config
        faults = [one for one in error.problems if not _is_filled_later(one, settings)]
        return of_faults(faults, settings, model, where, SubscriptionFile.model_fields)
    return []


def _is_filled_later(fault: Fault, settings: Mapping[str, Any]) -> bool:
    """Whether the value at fault is the name of a secret, which only its reader sees."""
    value = value_at(settings, fault.where)
    return isinstance(value, str | list | tuple) and "${" in str(value)
