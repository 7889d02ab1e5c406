"""Keys and subscriptions that agreements do not cover any more: found, and ended by the records of ``key revoke`` and
``subscription remove``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.gateway.accounts import KEY, PUBLISH, told
from connectors.gateway.roles import SUBSCRIBE
from connectors.transport.web_page import wall_clock_ms
from deploy.account_rows import publish, rows_of
from deploy.city.city import City, load_city
from deploy.platform import Platform, reach
from deploy.sharing.agreed_rights import Act, RightChange
from deploy.sharing.agreements import Sharing
from deploy.sharing.gateway_agreements import agreed_rights_of
from deploy.subscription_rows import changed, standing
from deploy.subscription_rows import publish as publish_subscription
from schemas.catalogue import topic_name
from streams.deliver.subscriptions import Subscription
from streams.runtime.kafka import known_topics

REVOKE: Act = "revoke key"
REMOVE: Act = "remove subscription"


def keys_beyond(
    sharing: Sharing, city: str, rows: Iterable[Mapping[str, Any]], now: datetime
) -> list[RightChange]:
    """The keys among *rows*, good or out of date but not revoked, that have more than what is agreed. Pure."""
    found = []
    for row in rows:
        agreed = agreed_rights_of(sharing, city, row["name"], now)
        if agreed is None or row["revoked_at"] is not None:
            continue
        why = agreed.lacks_for_key(
            subscribes=SUBSCRIBE in row["roles"],
            publishes=PUBLISH in row["roles"],
            purposes=row["purposes"],
        )
        if why is not None:
            found.append(_end(REVOKE, city, row["name"], f"{why}: {agreed.told}", row["account_id"]))
    return found


def subscriptions_beyond(
    sharing: Sharing, city: str, ones: Iterable[Subscription], now: datetime
) -> list[RightChange]:
    """The subscriptions among *ones* that have more than what is agreed. Pure."""
    found = []
    for one in ones:
        agreed = agreed_rights_of(sharing, city, one.who, now)
        if agreed is None or one.state == "removed":
            continue
        contracts = ("core.alert",) if one.format == "cap" else one.contracts
        if (why := agreed.lacks_for_subscription(contracts, one.purposes)) is not None:
            found.append(_end(REMOVE, city, one.who, f"{why}: {agreed.told}", one.name))
    return found


def _end(act: Act, city: str, agency: str, why: str, name: str) -> RightChange:
    return RightChange(act, f"{city}.{agency}", why, about=name)


def beyond(sharing: Sharing, now: datetime, *, ends: bool) -> list[RightChange]:
    """All of them, of the cities that have their topics here; *ends*: end them, too. A city's own file is left as it is."""
    platform, found = reach(), list[RightChange]()
    known = known_topics(platform.kafka)
    for name in sharing.cities:
        if topic_name(name, "core.account") in known:
            found += _of_city(platform, load_city(name), sharing, now, ends=ends)
    return found


def _of_city(
    platform: Platform, city: City, sharing: Sharing, now: datetime, *, ends: bool
) -> list[RightChange]:
    keys, subscriptions = rows_of(platform, city, KEY), standing(platform, city)
    made = {name: one for name, one in subscriptions.of_rows.items() if name not in subscriptions.of_file}
    revoked = keys_beyond(sharing, city.name, keys.values(), now)
    removed = subscriptions_beyond(sharing, city.name, made.values(), now)
    if ends:
        now_ms = wall_clock_ms()
        for one in revoked:
            row = {**keys[one.about], "revoked_at": now_ms}
            publish(platform, city, told(city.name, row, now_ms=now_ms))
        for one in removed:
            gone = changed(made[one.about], state="removed")
            publish_subscription(platform, city, gone, now_ms=now_ms)
    return [*revoked, *removed]
