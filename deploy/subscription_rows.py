"""A city's subscriptions and how far their receivers are, for the commands that make, list and change them."""

from __future__ import annotations

import os
import secrets as chance
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connectors.transport.private_files import private_file, private_folder
from deploy.faults import UsageFault
from deploy.platform import Platform
from deploy.replica import replica_from
from deploy.sealed_secrets import NONCE_BYTES, sealed
from deploy.topic_values import tell_left_out
from schemas.catalogue import topic_name
from streams.deliver.rows import lag_of
from streams.deliver.subscriptions import CONTRACT, State, Subscription, check_row, event_of, in_force, of_row

if TYPE_CHECKING:
    from deploy.city.city import City

DELIVERY = "core.delivery"
SECRET_BYTES = 32
SECRETS_MAX = 2
"""Secrets of a webhook: while one is exchanged for another, both sign."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A city's subscriptions by name, those of its file among them, and the rows of their receivers."""

    of_file: Mapping[str, Subscription]
    of_rows: Mapping[str, Subscription]
    deliveries: Mapping[str, Mapping[str, Any]]

    @property
    def all(self) -> dict[str, Subscription]:
        return in_force(self.of_file, self.of_rows)


def standing(platform: Platform, city: City) -> Standing:
    """The subscriptions that are now in the city's file and in its topics."""
    from deploy.topics import ensure_topics
    from streams.runtime.row_reader import RowReader
    from streams.runtime.tables import read_rows

    ensure_topics(platform.kafka, [city.name])
    reader = RowReader(platform.wire, f"{city.name}.subscriptions", check=check_row)
    plain = RowReader(platform.wire, f"{city.name}.subscriptions")
    rows = read_rows(platform.kafka, topic_name(city.name, CONTRACT), reader).rows
    deliveries = read_rows(platform.kafka, topic_name(city.name, DELIVERY), plain).rows
    tell_left_out(reader, plain)
    return Standing(
        {one.name: one for one in city.file.subscriptions()},
        {name: of_row(row.value) for name, row in rows.items() if row.value is not None},
        {name: row.value for name, row in deliveries.items() if row.value is not None},
    )


def named(found: Standing, city: City, name: str) -> Subscription:
    """The subscription *name*. ``UsageFault`` lists those there are."""
    if (one := found.all.get(name)) is None:
        known = ", ".join(sorted(found.all)) or "none"
        raise UsageFault(f"{city.name} has no subscription '{name[:64]}'", hint=f"it has: {known}")
    return one


def publish(platform: Platform, city: City, one: Subscription, *, now_ms: int) -> None:
    """Write *one* to ``core.subscription``."""
    from streams.runtime.kafka import transactional_producer
    from streams.runtime.transaction import transaction

    producer = transactional_producer(platform.kafka, f"{city.name}.subscriptions")
    with transaction(producer, platform.wire, city.name) as outbox:
        outbox.put(event_of(one, city.name, now_ms=now_ms))


def changed(one: Subscription, *, state: State | None = None, retried_at: int | None = None) -> Subscription:
    """*one* in another state, or with the time of a retry."""
    if state is not None:
        one = replace(one, state=state)
    return one if retried_at is None else replace(one, retried_at=retried_at)


def lags(platform: Platform, city: City, found: Standing) -> dict[str, int]:
    """Subscription → the count of offsets above its receiver's place."""
    from connectors.subscribers import DELIVERED
    from streams.runtime.kafka import ends_of

    ends = ends_of(platform.kafka, [topic_name(city.name, one) for one in DELIVERED], is_committed=True)
    at = {topic: end for (topic, _), end in ends.items()}
    return {name: lag_of(row, at) for name, row in found.deliveries.items()}


def new_secret(city: str, name: str, *, number: int) -> tuple[str, str]:
    """A webhook's new secret: (the secret, the setting that stands for it in the row).

    Where there is a ``BONGSU_SHARED_KEY`` the setting holds the secret sealed, since ``deliver`` may have another home; else
    it names a private file of the home folder.
    """
    from deploy.assembly.deliver import secrets_folder

    secret = "whsec_" + b64encode(chance.token_bytes(SECRET_BYTES)).decode()
    if (key := replica_from(os.environ).shared_key) is not None:
        return secret, sealed(secret, key, city, name, number, nonce=chance.token_bytes(NONCE_BYTES))
    file = private_file(private_folder(secrets_folder()) / f"{city}.{name}.{number}")
    with file.open("w", encoding="utf-8") as to:
        to.write(secret + "\n")
        to.flush()
        os.fsync(to.fileno())
    return secret, f"${{FILE:{file.name}}}"


def rotated(one: Subscription, setting: str) -> Subscription:
    """*one* with *setting* as its first secret; the one before still signs, an older one no longer does."""
    kept = [setting, *one.settings.get("secrets", ())][:SECRETS_MAX]
    return replace(one, settings={**one.settings, "secrets": kept})
