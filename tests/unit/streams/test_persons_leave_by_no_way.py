"""Sightings of persons, candidates and routes leave by no way that knows no case, and no stage of situations takes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

import deploy
from connectors.discovery import config_model
from connectors.subscribers import ALL, DELIVERED, STREAMED, Subscriber
from deploy.topics import settings_of
from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value
from schemas.masking import masked
from streams.deliver.subscriptions import Subscription, faults_of
from streams.journal.replay import COMPARED
from streams.match.core.forms import FORMS
from streams.stages.situation_intake import is_of_a_case
from streams.stages.situations import INPUTS

LAWS = Path(deploy.__file__).parent / "laws"
PERSONS = ("cctv.person", "police.missing", "core.candidate", "core.route")
READERS = [Subscriber(), Subscriber("112"), Subscriber("112", True), Subscriber(ALL), Subscriber(ALL, True)]
SUBSCRIPTION = Subscription("desk", "police", "json_lines", {"path": "x"}, audience=ALL)


def example(contract: str, name: str = "typical") -> dict[str, Any]:
    one = load_catalogue()[contract]
    found: dict[str, Any] = orjson.loads((one.folder / "examples" / f"{name}.json").read_bytes())
    return found


def texts(value: Any) -> set[str]:
    """Every text in *value*."""
    if isinstance(value, Mapping):
        return set().union(*map(texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(texts, value))
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("contract", PERSONS)
@pytest.mark.parametrize("reader", READERS)
def test_no_subscriber_may_read_them_whatever_its_audience_and_purpose(
    contract: str, reader: Subscriber
) -> None:
    named = {"audience": "112", "granted_to": "112", "agencies": ["112"]}
    assert not reader.may_read(contract, {**example(contract), **named})
    assert contract not in {*DELIVERED, *STREAMED}


@pytest.mark.parametrize("contract", PERSONS)
def test_no_subscription_and_so_no_sink_can_name_them(contract: str) -> None:
    assert [one.field for one in faults_of(replace(SUBSCRIPTION, contracts=(contract,)))] == ["contracts"]
    assert faults_of(replace(SUBSCRIPTION, contracts=("core.alert",))) == []


@pytest.mark.parametrize("contract", PERSONS)
def test_neither_the_match_nor_the_situations_nor_their_journal_takes_them(contract: str) -> None:
    assert contract not in {form.contract for form in FORMS}
    assert contract not in INPUTS
    assert contract not in COMPARED


@pytest.mark.parametrize("contract", ["cctv.person", "police.missing"])
def test_nobody_pushes_a_case_or_a_sighting_as_an_event_of_its_own(contract: str) -> None:
    with pytest.raises(ValueError, match="one of"):
        config_model("city_events")(contract=contract)


def test_no_law_profile_asks_for_fewer_hours_than_a_sighting_and_its_dlq_are_kept() -> None:
    laws = [tomllib.loads(path.read_text("utf-8")) for path in sorted(LAWS.glob("*.toml"))]
    hours = [law["missing_persons"]["sighting_hours"] for law in laws if "missing_persons" in law]
    assert len(hours) >= 2
    for name in ("cctv.person", "cctv.person.dlq"):
        kept_ms = load_catalogue()[name].retention_ms
        assert kept_ms is not None and kept_ms <= min(hours) * 3_600_000, name


def test_a_segment_of_sightings_is_closed_within_an_hour_so_that_it_goes_within_two() -> None:
    settings = settings_of(load_catalogue()["cctv.person"])
    assert (settings["retention.ms"], settings["segment.ms"]) == ("86400000", "3600000")


def test_an_answer_about_a_candidate_is_no_action_on_a_situation() -> None:
    newest = load_catalogue()["core.action"].newest
    assert is_of_a_case("core.action", from_json_value(newest, example("core.action", "answer")))
    assert not is_of_a_case("core.action", from_json_value(newest, example("core.action")))
    assert not is_of_a_case("fire.incident", {})


@pytest.mark.parametrize(
    ("contract", "left"),
    [
        ("cctv.person", {"cam-7", "onvif"}),
        ("police.missing", {"112", "open", "dementia"}),
        ("core.candidate", {"open"}),
        ("core.route", {"on_foot", "2026-03-08T08:40:00.000+00:00"}),
    ],
)
def test_masked_they_tell_no_person_and_no_place(contract: str, left: set[str]) -> None:
    shown = masked(contract, example(contract), identifying=False, located=False)
    common = {"event_id", "city", "source", "event_time", "received_time", "from_time", "until_time"}
    ids = {"case_id", "candidate_id"}
    told = {name: value for name, value in shown.items() if name not in common | ids}
    for hop in told.get("hops", ()):
        hop.pop("candidate_id")
    assert texts(told) == left
