"""A producer that was fenced logs that once, as information, and nothing goes raw to the terminal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.settings import Endpoints
from streams.match.worker.choice import make_producer
from streams.runtime.clients import producer_of
from streams.runtime.kafka import transactional_producer


@pytest.mark.parametrize("make", [producer_of, make_producer])
def test_a_fenced_producer_writes_nothing_raw(
    cluster: Endpoints,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[dict[str, Any]], Any],
) -> None:
    monkeypatch.setattr(logging.getLogger("bongsu"), "propagate", True)
    its_id = f"fenced.{uuid4().hex[:8]}"
    admin = AdminClient(
        {"bootstrap.servers": cluster.kafka}
    )  # kept: it takes its futures with it when it goes
    (made,) = admin.create_topics([NewTopic(its_id, 1, 1)]).values()
    made.result(30)
    with caplog.at_level(logging.INFO, logger="bongsu"):
        old = transactional_producer(cluster.kafka, its_id, make=make)
        transactional_producer(cluster.kafka, its_id, make=make)
        with pytest.raises(KafkaException, match="FENCED"):
            old.begin_transaction()
            old.produce(its_id, b"value", key=b"key")
            old.flush(10)
            old.commit_transaction(10)
        old.poll(0)
    said = [one for one in caplog.records if one.name == "bongsu.kafka"]
    assert any("fenced" in one.getMessage() for one in said)
    assert all(
        one.levelno == logging.INFO
        for one in said
        if "epoch" in one.getMessage() or "fenced" in one.getMessage()
    )
    raw = capfd.readouterr()
    assert "%3|" not in raw.err and "%0|" not in raw.err and "rdkafka#" not in raw.out
