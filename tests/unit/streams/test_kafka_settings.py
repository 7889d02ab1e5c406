"""Who reads Kafka reads what was committed, and commits nothing by itself."""

from __future__ import annotations

import pytest

from streams.runtime import kafka


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "_session_min_ms", lambda _bootstrap: 6_000)


def test_members_of_a_group_and_readers_alike_see_only_what_was_committed() -> None:
    for settings in (kafka.group_settings("b:1", "city.match"), kafka.reader_settings("b:1")):
        assert settings["isolation.level"] == "read_committed"
        assert settings["enable.auto.commit"] is False
        assert settings["enable.auto.offset.store"] is False
        assert settings["auto.offset.reset"] == "earliest"


def test_a_session_is_never_shorter_than_the_brokers_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "_session_min_ms", lambda _bootstrap: 30_000)
    assert kafka.group_settings("b:1", "city.match")["session.timeout.ms"] == 30_000
