"""Assemble the gateway's subscriptions: the rows in the log, the sinks that subscribers may choose, and their secrets."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass

from connectors.base import Sink, SinkContext
from connectors.discovery import is_open_to_subscribers, load_sink, sink_types
from connectors.gateway.accounts import Accounts
from connectors.imports import BrokenConnector
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.deliver import secrets_folder, sink_of
from deploy.city.city import City
from deploy.city.subscriptions import of_sink
from deploy.platform import Platform
from deploy.subscription_rows import new_secret
from schemas.errors import Fatal, Invalid
from streams.deliver.account_bounds import SECRETS, is_own_secret, secret_setting, strange_setting
from streams.deliver.subscriptions import Subscription, faults_of
from streams.operators.subscription_desk import LogSubscriptions
from streams.runtime.follower import Following

SIGNED = "webhook"
_ANY_SECRET = "whsec_" + b64encode(bytes(32)).decode()
"""Stands for the secret while settings are checked."""


@dataclass(frozen=True, slots=True)
class CitySinks:
    """The sinks of *city* for subscriptions made over HTTP (``streams.operators.subscription_desk.SinkRules``)."""

    city: City

    def check(self, one: Subscription) -> None:
        """See ``SinkRules``."""
        open_ones = self.open_types()
        if one.sink.replace("-", "_") not in open_ones:
            raise Invalid(
                f"no sink of type {one.sink[:40]!a} is open to subscribers",
                field="sink",
                expected=f"one of: {', '.join(open_ones)}",
            )
        if SECRETS in one.settings:
            raise Invalid(
                "a secret is generated, and shown once", field=f"settings.{SECRETS}", expected="leave it out"
            )
        if (name := strange_setting(one, self.city.name)) is not None:
            raise Invalid(
                "a setting names a secret of the platform",
                field=f"settings.{name[:80]}",
                expected="a value without '${'",
            )
        for fault in faults_of(one):
            is_setting = fault.field in one.settings
            expected = "no secret: none is kept for it" if is_setting else fault.hint
            raise Invalid(
                f"{fault.field[:80]}: {fault.what}",
                field=f"settings.{fault.field[:80]}" if is_setting else fault.field,
                expected=expected,
            )
        self._check_settings(one)

    def open_types(self) -> list[str]:
        """The types of sinks that a subscriber may choose; one that is broken is none."""
        return [name for name in sink_types(self.city.folders) if self._is_open(name)]

    def _is_open(self, name: str) -> bool:
        try:
            return is_open_to_subscribers(name, self.city.folders)
        except BrokenConnector:
            return False

    def _check_settings(self, one: Subscription) -> None:
        settings = dict(one.settings)
        if self.has_secret(one):
            settings[SECRETS] = [secret_setting(self.city.name, one.name, one.created_at)]
        for found in of_sink(("settings",), one.sink, settings, self.city.folders):
            field = ".".join(map(str, found.where))
            raise Invalid(found.what, field=field, expected=found.hint or "as the sink's page says")
        if self.has_secret(one):
            settings[SECRETS] = [_ANY_SECRET]
        context = SinkContext(self.city.name, one.name, wall_clock_ms, self.city.file.deliver.allow_hosts)
        try:
            load_sink(one.sink, settings, context, self.city.folders)
        except Fatal as error:
            field = "settings.url" if "url" in settings else "settings"
            raise Invalid(error.what, field=field, expected=error.hint) from error

    def has_secret(self, one: Subscription) -> bool:
        """See ``SinkRules``: a webhook signs, with secrets that are kept here."""
        return one.sink == SIGNED

    def new_secret(self, name: str, number: int) -> tuple[str, str]:
        return new_secret(self.city.name, name, number=number)

    def forget_secrets(self, one: Subscription, kept: Collection[str] = ()) -> None:
        for file in secrets_folder().glob(f"{self.city.name}.{one.name}.*"):
            setting = f"${{FILE:{file.name}}}"
            if setting not in kept and is_own_secret(setting, one, self.city.name):
                file.unlink(missing_ok=True)

    def sink(self, one: Subscription) -> Sink:
        return sink_of(self.city, one)


def subscriptions_of(
    city: City, platform: Platform, accounts: Accounts, following: Following
) -> LogSubscriptions:
    """The subscriptions of *city*, read by *following*."""
    return LogSubscriptions(
        city.name,
        city.file.subscriptions(),
        accounts,
        CitySinks(city),
        following,
        bootstrap=platform.kafka,
        wire=platform.wire,
        now_ms=wall_clock_ms,
    )
