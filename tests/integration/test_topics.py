"""Topics become what their contracts say, on a real broker."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from deploy.city.names import CITIES
from deploy.cli import main
from deploy.settings import VARIABLES, Endpoints
from deploy.topics import apply, demand_order, ensure_topics, plan, topic_states
from schemas.catalogue import load_catalogue
from schemas.errors import Fatal

pytestmark = pytest.mark.cluster


@pytest.fixture
def town() -> str:
    """A city name that no other test has: the cluster may be a permanent one."""
    return f"town-{secrets.token_hex(4)}"


def settings_in(cluster: Endpoints, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    described = admin.describe_configs([resource])[resource].result(20)
    return {name: entry.value for name, entry in described.items()}


def test_a_city_gets_every_topic_once_and_as_its_contract_says(cluster: Endpoints, town: str) -> None:
    changes = plan(cluster.kafka, [town])
    assert {one.topic for one in changes} == {f"{town}.{name}" for name in load_catalogue()}
    assert all(one.state == "missing" for one in changes)
    apply(cluster.kafka, changes)
    assert plan(cluster.kafka, [town]) == []
    assert {one.state for one in topic_states(cluster.kafka, [town])} == {"well"}
    apply(cluster.kafka, changes)  # another worker that planned the same a moment ago

    incident, camera = (settings_in(cluster, f"{town}.{name}") for name in ("fire.incident", "place.camera"))
    assert (incident["cleanup.policy"], incident["retention.ms"]) == ("delete", str(30 * 86_400_000))
    assert (camera["cleanup.policy"], camera["retention.ms"]) == ("compact", "-1")
    tick = settings_in(cluster, f"{town}.core.tick")
    assert int(tick["segment.ms"]) < int(tick["retention.ms"]) == 3_600_000


def test_a_setting_changed_by_hand_is_put_back_and_no_other(cluster: Endpoints, town: str) -> None:
    ensure_topics(cluster.kafka, [town])
    topic = f"{town}.fire.incident"
    alter(cluster, topic, "retention.ms", "1000")
    (change,) = plan(cluster.kafka, [town])
    assert (change.topic, change.state) == (topic, "differs")
    assert change.settings == {"retention.ms": ("1000", "2592000000")}
    ensure_topics(cluster.kafka, [town])
    assert settings_in(cluster, topic)["retention.ms"] == "2592000000"


def test_partitions_of_a_topic_that_exists_are_left_to_a_person(cluster: Endpoints, town: str) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    topic = f"{town}.fire.incident"
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(20)
    ensure_topics(cluster.kafka, [town])  # its settings are corrected, its partitions are not changed
    found = {one.topic: one for one in topic_states(cluster.kafka, [town])}
    assert found[topic].state == "repartition"
    assert found[topic].partitions == 3
    assert plan(cluster.kafka, [town]) == []


def test_the_command_shows_what_would_change_then_does_it(
    cluster: Endpoints,
    town: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, variable in VARIABLES.items():
        monkeypatch.setenv(variable, getattr(cluster, name))
    file = tmp_path / f"{town}.toml"
    file.write_text((CITIES / "demo.toml").read_text(encoding="utf-8").replace('"demo"', f'"{town}"', 1))
    city = ("--city", str(file))

    assert states(capsys, ("topics", "list", *city, "--json")) == {"missing"}
    assert states(capsys, ("topics", "apply", *city, "--json")) == {"missing"}
    assert states(capsys, ("topics", "list", *city, "--json")) == {"well"}
    assert run(("schemas", "diff", *city)) == 1
    assert run(("schemas", "register", *city)) == 0
    assert run(("schemas", "diff", *city)) == 0


def alter(cluster: Endpoints, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    admin.incremental_alter_configs([resource])[resource].result(20)
    deadline = time.monotonic() + 20
    while (
        settings_in(cluster, topic)[name] != value
    ):  # a broker learns the controller's decision a moment later
        assert time.monotonic() < deadline


def run(words: Sequence[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def states(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> set[Any]:
    assert run(words) == 0
    return {json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()}


def test_a_city_of_which_a_topic_has_lost_its_order_is_not_run(cluster: Endpoints, town: str) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    for contract in ("core.situation", "cctv.detection"):
        admin.create_topics([NewTopic(f"{town}.{contract}", 8, 1)])[f"{town}.{contract}"].result(20)
    with pytest.raises(Fatal, match=rf"{town}\.core\.situation has 8 partitions where 1 belongs"):
        demand_order(ensure_topics(cluster.kafka, [town]))
    admin.delete_topics([f"{town}.core.situation"])[f"{town}.core.situation"].result(20)
    demand_order(ensure_topics(cluster.kafka, [town]))
