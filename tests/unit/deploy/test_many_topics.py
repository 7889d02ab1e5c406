"""Topics of many cities: made in requests that a controller takes, each asked for once, for as long as there is progress."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from deploy import topics
from deploy.topics import AT_ONCE, TopicState
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal

CONTRACT = load_catalogue()["fire.incident"]


class SlowCluster:
    """An admin client of a cluster that opens *opens* topics between two looks."""

    def __init__(self, opens: int) -> None:
        self.requests: list[int] = []
        self.asked: list[str] = []
        self.opens, self.open = opens, 0

    def create_topics(self, wanted: list[Any], **_settings: Any) -> dict[str, Future[None]]:
        assert len(wanted) <= AT_ONCE, "excessively large batch"
        self.requests.append(len(wanted))
        self.asked += [one.topic for one in wanted]
        done: Future[None] = Future()
        done.set_result(None)
        return {one.topic: done for one in wanted}

    def states(self, _admin: object, wanted: dict[str, Any]) -> list[TopicState]:
        self.open = min(len(self.asked), self.open + self.opens)
        there = set(self.asked[: self.open])
        return [missing(name) if name not in there else TopicState(name, CONTRACT, 1, {}) for name in wanted]


def missing(name: str) -> TopicState:
    return TopicState(name, CONTRACT, None, {})


def applied(monkeypatch: pytest.MonkeyPatch, cluster: SlowCluster, count: int, settle_s: float) -> list[int]:
    monkeypatch.setattr(topics, "_admin", lambda _bootstrap: cluster)
    monkeypatch.setattr(topics, "_states", cluster.states)
    monkeypatch.setattr(topics, "_metadata", lambda _admin: type("Known", (), {"brokers": {1: None}}))
    monkeypatch.setattr(topics, "SETTLE_S", settle_s)
    monkeypatch.setattr(topics, "SETTLE_EACH_S", 0.0)
    told: list[int] = []
    topics.apply("b:1", [missing(f"c{number}.fire.incident") for number in range(count)], tell=told.append)
    return told


def test_thousands_are_made_in_small_requests_and_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = SlowCluster(opens=300)
    told = applied(monkeypatch, cluster, 1_200, settle_s=0.1)
    assert cluster.requests == [500, 500, 200]
    assert told == [300] * 4


def test_a_slow_cluster_is_waited_for_while_it_makes_progress_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(applied(monkeypatch, SlowCluster(opens=1), 20, settle_s=0.1)) == 20  # 20 looks of 20 ms
    with pytest.raises(Fatal, match="20 topics are still not as their contracts say"):
        applied(monkeypatch, SlowCluster(opens=0), 20, settle_s=0.1)
