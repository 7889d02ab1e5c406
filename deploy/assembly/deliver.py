"""Assemble the deliveries of a city: its subscriptions, and their sinks with the secrets filled in."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.base import Sink, SinkContext
from connectors.discovery import is_open_to_subscribers, load_sink
from connectors.gateway.published import PublishedAlerts
from connectors.transport.web_page import wall_clock_ms
from deploy.city.cap import publisher_of, signer_of
from deploy.city.city import City, with_secrets
from deploy.city.rules_file import RulesFile
from deploy.faults import UsageFault
from deploy.platform import Platform
from deploy.replica import replica_from
from deploy.sealed_secrets import SEALED, opened
from deploy.settings import home_folder
from schemas.errors import Fatal
from streams.deliver.account_bounds import SECRETS, strange_setting
from streams.deliver.cap_bodies import CapBodies
from streams.deliver.subscriptions import Subscription
from streams.situations.config import RulesConfig
from streams.stages.deliver import DeliverService

FILE_SECRET = re.compile(r"\$\{FILE:([a-z0-9][a-z0-9.-]*)\}")


def deliver_of(city: City, platform: Platform) -> DeliverService:
    rules = RulesFile(city)
    return DeliverService(
        city.name,
        city.file.subscriptions(),
        lambda one: sink_of(city, one),
        purposes=lambda: purposes_of(rules.now(time.time())),
        bootstrap=platform.kafka,
        wire=platform.wire,
        cap=cap_bodies_of(city),
    )


def cap_bodies_of(city: City) -> CapBodies:
    """The city as a sender of CAP to its subscribers."""
    about = with_secrets(city.file.cap.model_dump(include={"key", "certificate"}), "[cap]")
    alerts = PublishedAlerts(publisher_of(city.file, city.rules.spoken))
    return CapBodies(alerts, sign=signer_of(about, city.name))


def purposes_of(rules: RulesConfig) -> list[str]:
    """The purposes for which the law lets agencies read."""
    return [use.purpose for use in rules.law.uses.values()]


def sink_of(city: City, one: Subscription) -> Sink:
    """The sink of a subscription. ``Fatal`` where its settings are wrong on this machine, for one without a secret."""
    settings = _of_account(city, one) if one.account_id is not None else _of_operator(city, one)
    context = SinkContext(city.name, one.name, wall_clock_ms, city.file.deliver.allow_hosts)
    return load_sink(one.sink, settings, context, city.folders)


def _of_operator(city: City, one: Subscription) -> dict[str, Any]:
    """The settings of a subscription that an operator made, with every secret that they name."""
    try:
        return with_secrets(with_own_secrets(city, one), f"subscription '{one.name}'")
    except UsageFault as fault:
        raise Fatal(fault.what, hint=fault.hint) from fault


def _of_account(city: City, one: Subscription) -> dict[str, Any]:
    """The settings of a subscription that an account made over HTTP, with its own generated secrets and no other."""
    if not is_open_to_subscribers(one.sink, city.folders):
        raise Fatal(
            f"subscription '{one.name}': a sink of type '{one.sink}' is not open to subscribers",
            hint="write it as [[subscription]] in the city's file",
        )
    if (name := strange_setting(one, city.name)) is not None:
        raise Fatal(
            f"subscription '{one.name}': its {name} names a secret that is not its own",
            hint="remove it, and make it again without ${…}",
        )
    return with_own_secrets(city, one)


def with_own_secrets(city: City, one: Subscription) -> dict[str, Any]:
    """The settings of *one* with the secrets that were made for it: in files of the home folder, or sealed in the row."""
    settings = with_files(one.settings, secrets_folder())
    if not any(SEALED.fullmatch(each) for each in _secrets(settings)):
        return settings
    try:
        key = replica_from(os.environ).shared_key
    except UsageFault as fault:
        raise Fatal(fault.what, hint=fault.hint) from fault
    filled = [
        opened(each, key, city.name, one.name) if SEALED.fullmatch(each) else each
        for each in _secrets(settings)
    ]
    return {**settings, SECRETS: filled}


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    found = settings.get(SECRETS)
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def secrets_folder() -> Path:
    """The folder of secrets that commands made, for this user alone."""
    return home_folder() / "secrets"


def with_files(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """*settings* with each ``${FILE:name}`` replaced by what stands in that file of *folder*."""

    def fill(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [fill(one) for one in value]
        if isinstance(value, str) and (named := FILE_SECRET.fullmatch(value)):
            return _content(folder / named[1])
        return value

    return {name: fill(value) for name, value in settings.items()}


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Fatal(
            f"the secret {path.name} cannot be read: {error.strerror}",
            hint="make it again: bongsu subscription rotate CITY NAME, or copy the folder 'secrets' from where it was made",
        ) from error
