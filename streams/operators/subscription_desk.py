"""A city's subscriptions for the gateway (``connectors.gateway.subscription_desk.SubscriptionDesk``), in the log.

Rows of ``core.subscription`` and ``core.delivery`` are followed; changes are written one after the other, each from the row
that was read last. A change is answered when it has come back from the log.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Protocol
from uuid import uuid4

from connectors.base import Sink
from connectors.gateway.accounts import Account, Accounts
from connectors.gateway.deliveries import ALERT, AlertReceiver, WrittenRevision
from connectors.gateway.subscription_desk import Change, Issued, KnownSubscription, Probe
from connectors.subscribers import DELIVERED
from schemas.catalogue import topic_name
from schemas.errors import BongsuError, Invalid, Retriable
from schemas.wire import Wire
from streams.deliver import rows, subscriptions
from streams.deliver.account_bounds import SECRETS, held
from streams.deliver.bodies import probe_delivery
from streams.deliver.subscriptions import Subscription, in_force
from streams.operators.alert_receivers import receivers_of
from streams.operators.publisher import Publisher
from streams.operators.shown_subscriptions import shown
from streams.runtime.follower import Follower, Following
from streams.runtime.kafka import ends_of
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

SETTLES_S = 5.0
"""The longest wait until a written row comes back from the log."""
ENDS_S = 1.0
"""So long the topics' ends, which were asked for, are taken as they were."""
OF_ACCOUNT_MAX, OF_CITY_MAX = 20, 1_000
PROBE_S = 15.0
SECRETS_MAX = 2


class SinkRules(Protocol):
    """Sinks and secrets, as the city and this machine have them."""

    def check(self, one: Subscription) -> None:
        """``Invalid`` for what an account may not choose, with its field."""

    def has_secret(self, one: Subscription) -> bool:
        """Whether its sink signs with secrets that are kept here."""

    def new_secret(self, name: str, number: int) -> tuple[str, str]:
        """(a new secret, the setting that names it)."""

    def forget_secrets(self, one: Subscription, kept: Collection[str] = ()) -> None:
        """Remove the secrets that were generated for *one*, but for those that a setting of *kept* names."""

    def sink(self, one: Subscription) -> Sink: ...


class LogSubscriptions:
    """The subscriptions of one city: *of_file* and those of the log. *accounts*: the gateway's."""

    def __init__(
        self,
        city: str,
        of_file: Sequence[Subscription],
        accounts: Accounts,
        rules: SinkRules,
        following: Following,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
    ) -> None:
        self._city = city
        self._of_file = {one.name: one for one in of_file}
        self._of_rows: dict[str, Subscription] = {}
        self._event_ids: dict[str, str] = {}
        self._deliveries: dict[str, Mapping[str, Any]] = {}
        self._accounts = accounts
        self._rules = rules
        self._bootstrap = bootstrap
        self._now_ms = now_ms
        self._publisher = Publisher(city, "subscriptions", bootstrap=bootstrap, wire=wire)
        self._lock = threading.Lock()
        self._ends_lock = threading.Lock()
        self._ends: tuple[float, dict[str, int]] = (-ENDS_S, {})
        name = f"{city}.gateway.subscriptions"
        self._reader = RowReader(wire, name, check=subscriptions.check_row)
        self._plain = RowReader(wire, name)
        self._rows = Follower(
            "subscriptions",
            topic_name(city, subscriptions.CONTRACT),
            following,
            begin=lambda: None,
            take=self._take,
        )
        self._progress = Follower(
            "deliveries",
            topic_name(city, rows.CONTRACT),
            following,
            begin=self._deliveries.clear,
            take=self._take_progress,
        )

    # -- SubscriptionDesk ------------------------------------------------------------------------------------

    @property
    def trouble(self) -> str | None:
        return self._rows.trouble or self._progress.trouble

    def all(self) -> Sequence[KnownSubscription]:
        """See ``connectors.gateway.subscription_desk.SubscriptionDesk``."""
        found = self._in_force()
        return [self._known(found[name]) for name in sorted(found)]

    def one(self, name: str) -> KnownSubscription | None:
        found = self._in_force().get(name)
        return None if found is None else self._known(found)

    def create(self, account: Account, wish: Mapping[str, Any]) -> Issued:
        about = {name: value for name, value in wish.items() if name != "begin"}
        with self._lock:
            now_ms = self._now_ms()
            one = Subscription(
                **about,
                who=account.name,
                account_id=account.account_id,
                from_beginning=wish["begin"] == "beginning",
                created_at=now_ms,
            )
            self._rules.check(one)
            self._check_room(one)
            secret = None
            if self._rules.has_secret(one):
                secret, setting = self._rules.new_secret(one.name, now_ms)
                one = replace(one, settings={**one.settings, SECRETS: [setting]})
            self._publish(one, now_ms)
        return Issued(self._known(one), secret)

    def change(self, known: KnownSubscription, change: Change) -> KnownSubscription:
        with self._lock:
            one, now_ms = self._current(known), self._now_ms()
            changed = replace(one, state="paused" if change == "pause" else "active")
            if change == "retry":
                changed = replace(changed, retried_at=now_ms)
            if changed != one:
                self._publish(changed, now_ms)
        return self._known(changed)

    def remove(self, known: KnownSubscription) -> None:
        with self._lock:
            one = self._current(known)
            if one.name in self._of_file:
                raise Invalid(
                    "it stands in the city's file",
                    field="state",
                    expected="one that is not of the city's file",
                )
            self._publish(replace(one, state="removed"), self._now_ms())
        self._rules.forget_secrets(one)

    def rotate(self, known: KnownSubscription) -> Issued:
        with self._lock:
            one, now_ms = self._current(known), self._now_ms()
            if one.name in self._of_file or not self._rules.has_secret(one):
                raise Invalid(
                    "its secret is not kept here",
                    field="state",
                    expected="one made over HTTP or by a command",
                )
            secret, setting = self._rules.new_secret(one.name, max(now_ms, one.created_at))
            kept = [setting, *one.settings.get(SECRETS, ())]
            changed = replace(one, settings={**one.settings, SECRETS: kept[:SECRETS_MAX]})
            self._publish(changed, now_ms)
        self._rules.forget_secrets(
            one, kept
        )  # a receiver that has not read the change yet still needs the last one
        return Issued(self._known(changed), secret)

    async def probe(self, known: KnownSubscription) -> Probe:
        one = self._current(known)
        if (why := self._held(one)) is not None:
            raise Invalid(
                f"nothing is delivered for it: {why}", field="state", expected="an account in force"
            )
        event = probe_delivery(self._city, one.name, event_id=uuid4().hex, now_ms=self._now_ms())
        try:
            sink = await asyncio.to_thread(self._rules.sink, one)
            try:
                async with asyncio.timeout(PROBE_S):
                    await sink.deliver([event])
            finally:
                await sink.close()
        except TimeoutError:
            return Probe(event.event_id, "no answer in time")
        except BongsuError as error:
            return Probe(event.event_id, error.what)
        except Exception as error:  # a sink's own fault is told by its kind: its text may hold anything
            return Probe(event.event_id, type(error).__name__)
        return Probe(event.event_id, None)

    # -- rows ------------------------------------------------------------------------------------------------

    def _in_force(self) -> dict[str, Subscription]:
        return in_force(self._of_file, dict(self._of_rows))

    def _current(self, known: KnownSubscription) -> Subscription:
        """The subscription of *known* as it is now, if it is still the same."""
        one = self._in_force().get(known.name)
        if one is None or (one.created_at, one.account_id) != (known.created_at, known.account_id):
            raise Invalid("it was removed meanwhile", field="name", expected="one that is there")
        return one

    def _check_room(self, one: Subscription) -> None:
        found = self._in_force()
        if one.name in found:
            raise Invalid("there is a subscription of that name", field="exists", expected="another name")
        own = sum(each.account_id == one.account_id for each in found.values())
        if own >= OF_ACCOUNT_MAX or len(found) >= OF_CITY_MAX:
            raise Invalid(
                "there are as many subscriptions as there may be",
                field="count",
                expected=f"at most {OF_ACCOUNT_MAX} of an account, {OF_CITY_MAX} of a city",
            )

    def _publish(self, one: Subscription, now_ms: int) -> None:
        """Write *one*, and wait until it is read."""
        event = subscriptions.event_of(one, self._city, now_ms=now_ms)
        event_id = str((event.value or {})["event_id"])
        self._publisher.publish(event)

        def read() -> bool | None:
            return True if self._event_ids.get(one.name) == event_id else None

        if self._rows.wait_until(read, SETTLES_S) is None:
            raise Retriable("it is written, but not read yet")

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        for row in self._reader.rows(records):
            if row.value is None:
                self._of_rows.pop(row.key, None)
                self._event_ids.pop(row.key, None)
            else:
                self._of_rows[row.key] = subscriptions.of_row(row.value)
                self._event_ids[row.key] = row.value["event_id"]

    def _take_progress(self, records: Sequence[Record], _is_all: bool) -> None:
        for row in self._plain.rows(records):
            if row.value is None:
                self._deliveries.pop(row.key, None)
            else:
                self._deliveries[row.key] = row.value

    def of_alert(
        self, revisions: Sequence[WrittenRevision], purposes_of_law: Collection[str]
    ) -> Sequence[AlertReceiver]:
        """See ``connectors.gateway.deliveries.Receivers``."""
        found = self._in_force()
        return receivers_of(
            found.values(),
            dict(self._deliveries),
            revisions,
            topic=topic_name(self._city, ALERT),
            purposes=purposes_of_law,
            held={name: self._held(one) for name, one in found.items()},
        )

    # -- what is shown ---------------------------------------------------------------------------------------

    def _held(self, one: Subscription) -> str | None:
        account = None if one.account_id is None else self._accounts.of_id(one.account_id)
        return held(one, account, now_ms=self._now_ms())

    def _known(self, one: Subscription) -> KnownSubscription:
        progress = self._deliveries.get(one.name)
        if progress is not None and progress["begun_at"] != one.created_at:
            progress = None  # of an earlier one of that name
        lag = None if progress is None else self._lag(progress)
        is_of_file = one.name in self._of_file
        value = shown(one, progress, lag=lag, why_held=self._held(one), is_of_file=is_of_file)
        return KnownSubscription(one.name, one.account_id, one.created_at, value)

    def _lag(self, progress: Mapping[str, Any]) -> int | None:
        with self._ends_lock:
            asked_at, ends = self._ends
            if monotonic() - asked_at > ENDS_S:
                topics = [topic_name(self._city, one) for one in DELIVERED]
                try:
                    found = ends_of(self._bootstrap, topics, is_committed=True)
                except BongsuError:
                    return None
                ends = {topic: end for (topic, _), end in found.items()}
                self._ends = (monotonic(), ends)
        return rows.lag_of(progress, ends)
