"""A killed broker is told apart from one with a clean shutdown, and its controller is started alone."""

from __future__ import annotations

from pathlib import Path

from deploy.local.fence import alone, has_run, was_killed
from deploy.local.kafka import LEADERS_KEPT, SETTINGS


def test_a_broker_that_said_goodbye_to_its_disk_was_not_killed(tmp_path: Path) -> None:
    assert not was_killed(tmp_path)  # never started
    assert not has_run(tmp_path)
    (tmp_path / "__cluster_metadata-0").mkdir()
    assert was_killed(tmp_path)
    (tmp_path / ".kafka_cleanshutdown").write_text("")
    assert not was_killed(tmp_path)
    assert has_run(tmp_path), "without a controlled shutdown its registration stands, and must be fenced"


def test_the_controller_alone_is_the_same_node_and_listens_to_itself_only() -> None:
    settings = alone(SETTINGS.substitute(kafka=20_001, controller=20_002, data="data"))
    kept = dict(line.split("=", 1) for line in settings.splitlines())
    assert kept["process.roles"] == "controller"
    assert kept["listeners"] == "CONTROLLER://127.0.0.1:20002"
    assert (kept["node.id"], kept["log.dirs"]) == ("1", "data")
    assert "advertised.listeners" not in kept


def test_one_node_keeps_its_leaders_until_it_has_stopped_and_several_do_not() -> None:
    """A cluster of brokers hands its leaders over; only one node alone would take them away from itself."""
    assert LEADERS_KEPT == "controlled.shutdown.enable=false\n"
    assert "controlled.shutdown" not in SETTINGS.template
    assert "controlled.shutdown.enable=false" in alone(
        SETTINGS.substitute(kafka=1, controller=2) + LEADERS_KEPT
    )
