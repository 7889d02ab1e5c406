from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalogue import (
    contract_name,
    contract_of,
    load_catalogue,
    milliseconds,
    read_contract,
    topic_name,
)
from schemas.errors import Fatal, Invalid
from tests.a_schema import an_event, write_contract

DAY_MS = 86_400_000


def test_a_citys_topic_leads_to_its_contract_and_back() -> None:
    assert topic_name("houston", "fire.incident") == "houston.fire.incident"
    assert contract_name("houston.fire.incident") == "fire.incident"
    assert contract_of("houston.fire.incident").key == "incident_id"


@pytest.mark.parametrize("topic", ["houston.fire.picnic", "houston", "", "__consumer_offsets"])
def test_a_topic_of_another_is_none_of_ours(topic: str) -> None:
    with pytest.raises(Invalid, match="not in the catalogue"):
        contract_of(topic)


def test_what_is_set_aside_has_one_schema_wherever_it_comes_from() -> None:
    found = load_catalogue()
    aside = {name for name in found if name.endswith(".dlq")}
    assert {"source.dlq", "fire.incident.dlq", "police.incident.dlq", "place.camera.dlq"} <= aside
    assert all(found[name].newest == found["source.dlq"].newest for name in aside)
    assert "dlq" not in found


def test_reference_data_is_kept_and_ticks_are_gone_in_an_hour() -> None:
    found = load_catalogue()
    assert (found["place.camera"].cleanup, found["place.camera"].retention_ms) == ("compact", None)
    assert found["core.tick"].retention_ms == milliseconds("1h")
    assert found["core.situation"].retention_ms == 30 * DAY_MS


@pytest.mark.parametrize("text", ["30", "a month", "30m", "-1d", ""])
def test_a_retention_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="hours or days"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("file", "text"),
    [("topic.toml", "owner ="), ("topic.toml", ""), ("v1.avsc", "{"), ("topic.toml", "key = 1")],
)
def test_a_contract_that_cannot_be_read_is_named(file: str, text: str, tmp_path: Path) -> None:
    folder = write_contract(tmp_path, an_event()).folder
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(Fatal, match=r"contract fire\.call: "):
        read_contract(folder)
