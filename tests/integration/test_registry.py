"""The registry's client against a real registry."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue
from schemas.compat import breaches
from schemas.errors import Fatal, Invalid
from schemas.event import Event
from schemas.json_form import from_json_value
from schemas.model import fingerprint
from schemas.registry import Registry, subject_of
from schemas.standing import differences
from schemas.wire import Wire
from tests.a_schema import a_field, an_event, shipped_contracts, write_contract
from tests.unit.schemas.test_compat import READABLE, UNREADABLE

pytestmark = pytest.mark.cluster

CITY = "wordtown"


def test_every_contract_is_registered_in_every_version_and_comes_back_the_same(cluster: Endpoints) -> None:
    registry = Registry(cluster.registry)
    for name, contract in load_catalogue().items():
        topic = f"{CITY}.{name}"
        schema_id = registry.register(topic, contract)
        assert differences(contract, registry.registered(topic)) == []
        assert fingerprint(Registry(cluster.registry).schema_of(schema_id)) == fingerprint(contract.newest)
        assert registry.version_of(subject_of(topic), schema_id) == len(contract.versions)
        assert (
            registry.register(topic, contract)
            == schema_id
            == Registry(cluster.registry).id_of(topic, contract)
        )


def test_every_example_goes_through_its_frame(cluster: Endpoints) -> None:
    writer, reader = Wire(Registry(cluster.registry)), Wire(Registry(cluster.registry))
    for contract in shipped_contracts():
        name = contract.name if contract.name in load_catalogue() else "source.dlq"
        shown = json.loads((contract.folder / "examples" / "typical.json").read_text(encoding="utf-8"))
        value = from_json_value(contract.newest, shown)
        topic, _, frame = writer.encode(CITY, Event(name, "k", value))
        assert frame is not None
        assert reader.decode(topic, frame) == value


def test_what_an_old_version_wrote_is_still_read_after_the_next_is_out(
    cluster: Endpoints, tmp_path: Path
) -> None:
    note = a_field("note", ["null", "string"], default=None)
    first = write_contract(tmp_path / "1", an_event())
    both = write_contract(tmp_path / "2", an_event(), an_event(note))
    registry = Registry(cluster.registry)
    old_id = registry.register("oldtown.fire.call", first)
    new_id = Registry(cluster.registry).id_of("oldtown.fire.call", both)
    assert old_id != new_id
    assert differences(both, registry.registered("oldtown.fire.call")) == []
    assert differences(first, registry.registered("oldtown.fire.call")) != []


def test_a_change_that_old_records_would_not_survive_is_refused_at_registration(
    cluster: Endpoints, tmp_path: Path
) -> None:
    topic = "newtown.fire.call"
    first = write_contract(tmp_path / "1", an_event())
    bad = write_contract(tmp_path / "2", an_event(), an_event(a_field("note", "string")))
    Registry(cluster.registry).register(topic, first)
    with pytest.raises(Fatal, match=r"refuses newtown\.fire\.call-value") as caught:
        Registry(cluster.registry).id_of(topic, bad)
    assert "bongsu schemas check" in caught.value.hint
    assert differences(first, Registry(cluster.registry).registered(topic)) == []


def test_an_id_that_nobody_registered_is_the_records_fault(cluster: Endpoints) -> None:
    with pytest.raises(Invalid, match="knows no schema id 2000000000"):
        Registry(cluster.registry).schema_of(2_000_000_000)


ALL = [*READABLE, *UNREADABLE]


@pytest.mark.parametrize("change", ALL)
def test_our_offline_verdict_is_the_registrys(cluster: Endpoints, change: str) -> None:
    old, new, *_ = READABLE[change] if change in READABLE else UNREADABLE[change]
    assert _is_accepted(cluster, f"rules-{ALL.index(change)}", old, new) == (breaches(old, new) == [])


def _is_accepted(cluster: Endpoints, subject: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    with SchemaRegistryClient({"url": cluster.registry}) as client:
        client.set_compatibility(subject, level="BACKWARD")
        client.register_schema(subject, Schema(json.dumps(old), "AVRO"))
        try:
            client.register_schema(subject, Schema(json.dumps(new), "AVRO"))
        except SchemaRegistryError as error:
            assert error.http_status_code == 409
            return False
        return True


def test_many_who_register_the_same_words_at_once_all_get_the_same_id(cluster: Endpoints) -> None:
    """Two workers of a new city start together: none is refused because the other was first."""
    contract = load_catalogue()["core.tick"]
    for city in ("attown", "oncetown", "togethertown"):
        with ThreadPoolExecutor(8) as workers:
            asked = [
                workers.submit(Registry(cluster.registry).id_of, f"{city}.core.tick", contract)
                for _ in range(8)
            ]
            assert len({one.result() for one in asked}) == 1


def test_what_is_forgotten_is_unknown_and_can_be_registered_anew(cluster: Endpoints) -> None:
    registry, topic = Registry(cluster.registry), f"{secrets.token_hex(4)}.fire.incident"
    contract = load_catalogue()["fire.incident"]
    registry.register(topic, contract)
    registry.forget(topic)
    assert registry.registered(topic) is None
    registry.forget(topic)  # nothing to do
    registry.register(topic, contract)
    assert registry.registered(topic) is not None
    registry.forget(topic)
