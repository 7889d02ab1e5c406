"""The metadata of a committed offset, and the names of workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from deploy.assembly.slots import take_slot
from schemas.errors import Retriable
from streams.match.core.step import PartitionProgress
from streams.match.worker import offsets as module
from streams.match.worker.offsets import Left, left_from, taken_over, text_of

STANDING = PartitionProgress(next_offset=90, watch_offset=7, first_offset=12, watermark_ms=1_772_967_600_000)


def test_what_is_left_is_found_again() -> None:
    left = left_from(text_of(STANDING, "town.match.host.0"), 90)
    assert left is not None
    assert (left.standing, left.owner) == (STANDING, "town.match.host.0")


def test_a_partition_that_was_given_up_names_nobody() -> None:
    left = left_from(text_of(STANDING, None), 90)
    assert left is not None
    assert left.owner is None


@pytest.mark.parametrize("text", [None, "", "by hand", "2 a 1 2 3", "1 a 1 2", "1 a 1 -2 3", "1 a b c d"])
def test_what_another_wrote_is_nothing_of_ours(text: str | None) -> None:
    assert left_from(text, 90) is None


class Committed:
    """A consumer of a group that committed these offsets."""

    def __init__(self, *found: TopicPartition) -> None:
        self._found = found

    def committed(self, _asked: Sequence[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert timeout > 0
        return list(self._found)

    def close(self) -> None:
        pass


def test_progress_at_offset_0_is_progress_and_only_what_was_never_committed_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = PartitionProgress(next_offset=0, watch_offset=7, first_offset=0, watermark_ms=3)
    found = Committed(
        TopicPartition("t", 0, 0, metadata=text_of(fresh, "us")),
        TopicPartition("t", 1, 0),
        TopicPartition("t", 2, -1001),
    )
    monkeypatch.setattr(module, "consumer_of", lambda _: found)
    places = [("t", 0), ("t", 1), ("t", 2)]
    assert taken_over("", "group", places, us="us") == {("t", 0): Left(fresh, "us"), ("t", 1): 0}


def test_whoever_did_not_release_a_partition_is_fenced_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owners = ["other", None, "us"]
    found = Committed(
        *(TopicPartition("t", n, 90, metadata=text_of(STANDING, owner)) for n, owner in enumerate(owners))
    )
    fenced: list[str] = []
    monkeypatch.setattr(module, "consumer_of", lambda _: found)
    monkeypatch.setattr(module, "transactional_producer", lambda _, owner: fenced.append(owner))
    assert len(taken_over("", "group", [("t", 0), ("t", 1), ("t", 2)], us="us")) == 3
    assert fenced == ["other"]


def test_two_workers_have_two_names_and_the_next_has_the_name_of_one_that_ended(tmp_path: Path) -> None:
    first, held = take_slot(tmp_path, "town.match")
    second, other = take_slot(tmp_path, "town.match")
    assert first != second
    held.close()
    third, again = take_slot(tmp_path, "town.match")
    assert third == first
    other.close()
    again.close()


def test_a_worker_that_is_killed_leaves_its_name_to_the_next(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from deploy.assembly.slots import take_slot;"
        "print(take_slot(Path(sys.argv[1]), 'town.match')[0], flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    dead = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=20
    )
    name, held = take_slot(tmp_path, "town.match")
    assert name == dead.stdout.strip()
    held.close()


def test_progress_is_committed_with_its_offset_and_its_owner() -> None:
    (named,) = module.committed_of({("t", 3): STANDING}, "us")
    assert (named.topic, named.partition, named.offset) == ("t", 3, 90)
    assert named.metadata == "1 us 7 12 1772967600000"
    (released,) = module.committed_of({("t", 3): STANDING}, None)
    assert released.metadata == "1 - 7 12 1772967600000"


class Failing(Committed):
    """A consumer whose group cannot be asked."""

    def committed(self, _asked: Sequence[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert timeout == 10
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


class OnePlaceFails:
    """The answer for a place that Kafka does not tell."""

    error = KafkaError(KafkaError._TIMED_OUT)


def test_a_group_that_cannot_be_asked_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = OnePlaceFails()
    for consumer in (Failing(), Committed(TopicPartition("t", 0, 90), found)):
        settings: list[Any] = []

        def consumer_of(
            given: Any, consumer: Committed = consumer, settings: list[Any] = settings
        ) -> Committed:
            settings.append(given)
            return consumer

        monkeypatch.setattr(module, "consumer_of", consumer_of)
        with pytest.raises(Retriable, match="reading the committed offsets of group: _TIMED_OUT"):
            taken_over("b:1", "group", [("t", 0)], us="us")
        assert settings[0]["isolation.level"] == "read_uncommitted", "its owner may be dead"


def test_after_a_fencing_the_progress_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    later = PartitionProgress(next_offset=95, watch_offset=7, first_offset=12, watermark_ms=1)

    def consumer_of(_settings: Any) -> Committed:
        asked.append(1)
        offset, progress = (90, STANDING) if len(asked) == 1 else (95, later)
        return Committed(TopicPartition("t", 0, offset, metadata=text_of(progress, "other")))

    monkeypatch.setattr(module, "consumer_of", consumer_of)
    monkeypatch.setattr(module, "transactional_producer", lambda _, owner: owner)
    assert taken_over("", "group", [("t", 0)], us="us") == {("t", 0): Left(later, "other")}
    asked.clear()
    assert taken_over("", "group", [("t", 0)], us="other") == {("t", 0): Left(STANDING, "other")}
    assert len(asked) == 1, "nobody was fenced"
