"""Many clients of one gateway at once, in processes of their own: each gets each event, also when it is cut and resumed."""

from __future__ import annotations

import pytest

from tests.bench.events import measure


def test_each_of_some_clients_gets_each_event_though_some_are_cut() -> None:
    found = measure(clients=20, rate=20, seconds=3, cut=6, seed=22)
    assert found.faults == ()
    assert found.received == 20 * 60
    assert found.resumed >= 6


@pytest.mark.long
def test_a_thousand_clients_get_twenty_events_a_second_though_a_hundred_are_cut() -> None:
    found = measure(clients=1_000, rate=20, seconds=30, cut=100, seed=22)
    assert found.faults == ()
    assert found.received == 1_000 * 600
    assert found.resumed >= 100
    assert found.memory <= 200
