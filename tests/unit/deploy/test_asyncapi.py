"""The AsyncAPI document holds every topic, field and header, and its examples fill every field."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main
from deploy.described import described
from deploy.topics import settings_of
from schemas.asyncapi import Platform, as_text, asyncapi
from schemas.catalogue import DLQ, load_catalogue, topic_name
from schemas.event import Event
from schemas.json_form import from_json_value, to_json_value
from schemas.rows import RowCodec
from streams.dlq.fold import Aside
from streams.match.native.evidence_frames import HEADERS
from streams.runtime.records import BORROWED, headers_of
from tests.shown_records import Shown, always_null, examples_of, fields_of, undescribed, unshown

DOCUMENT = described()
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
RELEASED = tomllib.loads(
    (Path(__file__).parents[1] / "schemas" / "released_fields.toml").read_text(encoding="utf-8")
)
"""Written apart from the schemas."""


def contract_called(name: str) -> Any:
    return load_catalogue()["source.dlq" if name == DLQ else name]


def released(name: str, version: int, table: Mapping[str, Mapping[str, str]] = RELEASED) -> set[str]:
    """The fields of a contract's version, by the table."""
    fields: set[str] = set()
    for number in range(1, version + 1):
        for word in table[name][f"v{number}"].split():
            if word.startswith("-"):
                fields.remove(word[1:])
            else:
                fields.add(word.removeprefix("+"))
    return fields


def with_payload(message: Mapping[str, Any]) -> list[Any]:
    return [one for one in message["examples"] if "payload" in one]


def test_every_topic_of_the_catalogue_is_a_channel_and_no_other() -> None:
    addresses = set()
    for channel in described("daejeon")["channels"].values():
        among = channel.get("parameters", {}).get("contract", {}).get("enum")
        addresses |= {channel["address"].replace("{contract}", one) for one in among or [""]}
    assert addresses == {topic_name("daejeon", name) for name in load_catalogue()}


def test_without_a_city_it_is_a_parameter_of_every_channel() -> None:
    for channel in DOCUMENT["channels"].values():
        assert channel["address"].startswith("{city}.")
        assert "city" in channel["parameters"]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_channel_says_what_its_contract_says(name: str) -> None:
    contract, channel = contract_called(name), DOCUMENT["channels"][name]
    about = channel["bindings"]["kafka"]
    settings = about["topicConfiguration"]
    assert about["partitions"] == contract.partitions
    assert settings["cleanup.policy"] == [contract.cleanup]
    assert settings["retention.ms"] == (-1 if contract.retention_ms is None else contract.retention_ms)
    assert settings.keys() == settings_of(contract).keys()
    assert (channel["x-key"], channel["x-owner"]) == (contract.key, contract.owner)
    assert MESSAGES[name]["x-personal"] == {
        "identifying": list(contract.personal.identifying),
        "located": list(contract.personal.located),
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_no_field_comes_goes_or_is_renamed_without_a_version(name: str) -> None:
    message, versions = MESSAGES[name], contract_called(name).versions
    assert message["x-version"] == len(versions) == len(RELEASED[name])
    assert fields_of(message["payload"]) == released(name, len(versions))
    for number, schema in enumerate(versions, 1):
        assert fields_of({"schema": schema}) == released(name, number), number


def test_every_contract_is_in_the_table_and_no_other() -> None:
    assert RELEASED.keys() == MESSAGES.keys()


@pytest.mark.parametrize("change", ["removed", "renamed", "added"])
def test_a_field_changed_without_a_version_is_found(change: str) -> None:
    payload = deepcopy(MESSAGES["fire.incident"]["payload"])
    fields = payload["schema"]["fields"]
    address = next(one for one in fields if one["name"] == "address")
    if change == "removed":
        fields.remove(address)
    elif change == "renamed":
        address["name"] = "street"
    else:
        fields.append({**address, "name": "street"})
    assert fields_of(payload) != released("fire.incident", MESSAGES["fire.incident"]["x-version"])


ALWAYS_NULL = always_null(load_catalogue())


def test_the_examples_show_every_topic_header_and_field_and_nothing_else() -> None:
    examples = list(examples_of(DOCUMENT))
    assert undescribed(DOCUMENT, examples) == []
    assert unshown(DOCUMENT, examples, always_null=ALWAYS_NULL) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_every_example_can_be_written_with_its_payload_and_read_again(name: str) -> None:
    schema = MESSAGES[name]["payload"]["schema"]
    codec = RowCodec(schema, max_bytes=MESSAGES[name]["x-max-bytes"])
    for one in with_payload(MESSAGES[name]):
        value = from_json_value(schema, one["payload"])
        assert to_json_value(schema, codec.decode(codec.encode(value))) == one["payload"]


def planted(record: Shown) -> list[str]:
    return undescribed(DOCUMENT, [*examples_of(DOCUMENT), record])


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (Shown("demo.fire.picnic", {}, {}), "demo.fire.picnic: no such topic"),
        (Shown("demo.fire.incident.dlq.dlq", {}, {}), "demo.fire.incident.dlq.dlq: no such topic"),
        (Shown("demo.fire.incident", {"ce_mood": "calm"}, {}), "fire.incident: no header ce_mood"),
        (Shown("demo.source.dlq", {"bongsu-played": "1"}, {}), "dlq: no header bongsu-played"),
        (Shown("demo.fire.incident", {}, {"street": None}), "fire.incident: no field street"),
        (Shown("demo.fire.incident", {}, {"position": {"z": 1}}), "fire.incident: no field position.z"),
        (
            Shown("demo.core.situation", {}, {"evidence": [{}, {"x": 1}]}),
            "core.situation: no field evidence.x",
        ),
        (Shown("demo.fire.incident", {}, None), "fire.incident: no tombstones"),
    ],
)
def test_a_topic_header_or_field_that_the_document_lacks_is_found(record: Shown, fault: str) -> None:
    assert planted(record) == [fault]


def test_a_tombstone_of_a_compacted_topic_and_a_dlq_of_any_contract_are_described() -> None:
    assert planted(Shown("demo.core.state", {}, None)) == []
    assert planted(Shown("a-city.fire.incident.dlq", {}, {})) == []


def test_a_topic_header_or_field_that_nothing_shows_is_found() -> None:
    def shown(document: Any) -> list[str]:
        return unshown(document, examples_of(document), always_null=ALWAYS_NULL)

    document = deepcopy(DOCUMENT)
    messages = document["components"]["messages"]
    for one in with_payload(messages["core.situation"]):
        one["payload"]["incidents"][0]["position"] = None
        one["payload"]["evidence"] = []
    found = shown(document)
    assert {"core.situation: field evidence not shown", "core.situation: field evidence.topic not shown"} <= {
        *found
    }
    assert "core.situation: field incidents.position.lat not shown" in found
    assert all(one.startswith("core.situation: field ") for one in found)

    document = deepcopy(DOCUMENT)
    document["components"]["messages"]["fire.incident"]["headers"]["properties"]["ce_mood"] = {}
    assert shown(document) == ["fire.incident: header ce_mood not shown"]

    document = deepcopy(DOCUMENT)
    messages = document["components"]["messages"]
    messages["fire.incident"]["examples"] = []
    assert shown(document) == ["fire.incident: not shown"]
    records = [one for one in examples_of(DOCUMENT) if one.topic == "demo.fire.incident"]
    assert unshown(document, [*examples_of(document), *records], always_null=ALWAYS_NULL) == []


def an_event(name: str) -> Event:
    times = {"event_time": 1_772_960_400_000, "received_time": 1_772_960_400_000}
    return Event(name, "k", {"event_id": "e", "city": "daejeon", "source": "s", **times})


OF_CAMERAS_AND_VEHICLES = (
    "cctv.detection",
    "cctv.person",
    "cctv.plate",
    "drone.position",
    "mobility.position",
)


def written(name: str) -> set[str]:
    """The headers that the platform writes on records of a contract, in all the ways it writes them."""
    there = {header for header, _ in headers_of(an_event(name), topic=f"daejeon.{name}", played=True)}
    aside = Aside("daejeon.source.dlq", b"k", {"event_id": "e", "attempts": 1, "first_at": 0})
    return there | {header for header, _ in aside.headers()} | {BORROWED} | set(HEADERS)


def test_every_header_that_is_written_is_described_and_no_other() -> None:
    described_ones = {name: set(one["headers"]["properties"]) for name, one in MESSAGES.items()}
    for name, headers in described_ones.items():
        assert headers <= written(name)
        wanted = {"ce_id", "ce_type", "ce_time"} if name in OF_CAMERAS_AND_VEHICLES else set(HEADERS)
        assert wanted <= headers and headers - wanted <= written("fire.incident") - set(HEADERS)
        assert all(set(one["headers"]) <= headers for one in MESSAGES[name]["examples"])
    assert set().union(*described_ones.values()) == written("fire.incident")


def test_headers_of_plays_retries_and_borrowed_places_stand_where_they_occur_alone() -> None:
    def having(header: str) -> set[str]:
        return {name for name, one in MESSAGES.items() if header in one["headers"]["properties"]}

    assert having(BORROWED) == {"source.place"}
    assert having("bongsu-retry-of").isdisjoint(
        {"core.state", "core.source", "source.place", "core.journal", DLQ}
    )
    assert {"fire.incident", "core.alert"} <= having("bongsu-retry-of")
    assert {"fire.incident", "place.camera", "core.tick"} <= having("bongsu-played")
    assert having("bongsu-played").isdisjoint({"core.situation", "mobility.speed", "source.place", DLQ})


def test_the_same_catalogue_gives_the_same_bytes_in_whatever_order_it_was_read() -> None:
    def bare(catalogue: Mapping[str, Any]) -> str:
        platform = Platform("1", settings_of, lambda _: {"ce_id": "Its id."}, lambda _: [("ce_id", b"e")])
        return as_text(asyncapi(catalogue, platform))

    backwards = dict(reversed(list(load_catalogue().items())))
    assert list(backwards) != list(load_catalogue())
    assert bare(backwards) == bare(load_catalogue())
    assert as_text(described()) == as_text(DOCUMENT)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(("schemas", "asyncapi", *words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_writes_to_a_file_what_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--city", "demo") == 0
    printed = capsys.readouterr().out
    assert run("--city", "demo", "-o", str(tmp_path / "a.json")) == 0
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == printed
    assert json.loads(printed)["channels"]["fire.incident"]["address"] == "demo.fire.incident"


def test_an_unknown_city_and_a_file_that_cannot_be_written_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--city", "atlantis") == 2
    assert run("-o", str(tmp_path / "none" / "a.json")) == 1
    assert "cannot be written: No such file" in capsys.readouterr().err
