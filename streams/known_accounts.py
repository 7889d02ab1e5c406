"""The gateway's accounts, followed from ``core.account``, and kept beside the spool for a start without Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.gateway.accounts import Accounts
from connectors.gateway.spool import Spool
from schemas.catalogue import topic_name
from schemas.errors import BongsuError, Retriable, Unreachable
from schemas.wire import Wire
from streams.log import log
from streams.runtime.kafka import as_ours, partitions_of, reader
from streams.runtime.records import Record, record_of

AGAIN_S = 2.0
LOOK_S = 0.5


class KnownAccounts:
    """Keeps *accounts* as the topic has them: a key that is revoked is refused within a second."""

    def __init__(
        self,
        city: str,
        accounts: Accounts,
        spool: Spool,
        *,
        bootstrap: str,
        wire: Wire,
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self._topic = topic_name(city, "core.account")
        self._accounts = accounts
        self._spool = spool
        self._bootstrap = bootstrap
        self._wire = wire
        self._before = before
        self._rows: dict[str, bytes] = {}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="accounts", daemon=True)
        self.trouble: str | None = "the accounts are being read"

    def start(self) -> None:
        """Know what was known last, and follow what is said since."""
        for kept in self._spool.accounts():
            self._accounts.put(orjson.loads(kept))
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._before()
                self._follow()
            except (Retriable, Unreachable) as error:
                self.trouble = error.what
                log.warning("accounts cannot be read", why=error.what)
                self._ends.wait(AGAIN_S)
            except BongsuError as error:
                self.trouble = error.what
                log.error("accounts are not followed", why=error.what)
                return

    def _follow(self) -> None:
        consumer = reader(self._bootstrap)
        try:
            (place,) = partitions_of(consumer, [self._topic])
            consumer.assign([TopicPartition(self._topic, place.partition, 0)])
            self._rows = {}
            while not self._ends.is_set():
                self._take(consumer)
        finally:
            consumer.close()

    def _take(self, consumer: Consumer) -> None:
        is_changed = False
        for message in consumer.consume(500, LOOK_S):
            error = message.error()
            if error is None:
                self._put(record_of(message))
                is_changed = True
            elif error.code() == KafkaError._PARTITION_EOF:
                is_changed = is_changed or self.trouble is not None
                self.trouble = None
            elif not error.retriable():
                raise as_ours(KafkaException(error), f"reading {self._topic}")
        if is_changed and self.trouble is None:
            self._spool.keep_accounts(sorted(self._rows.items()))

    def _put(self, record: Record) -> None:
        account_id = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._rows.pop(account_id, None)
            self._accounts.forget(account_id)
            return
        row = self._wire.decode(self._topic, record.value)
        self._rows[account_id] = orjson.dumps(row)
        self._accounts.put(row)
