"""The demo on the real bus: each rule answers through its connectors, soon and with its evidence."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import orjson
import pytest

from deploy.settings import Endpoints

WITHIN_S = 120
RULES = {"joint-incident", "unconfirmed", "traffic-impact", "wanted", "disaster", "vulnerable", "surge"}


@pytest.mark.cluster
def test_each_rule_answers_within_two_minutes_of_a_warm_start(cluster: Endpoints, tmp_path: Path) -> None:
    environment = {**os.environ, **cluster.as_environment(), "BONGSU_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "deploy.cli", "demo", "--json", "--minutes", "4"]
    alerts: dict[str, float] = {}
    joined: set[str] = set()
    told = tmp_path / "told"
    begun = monotonic()
    with (
        told.open("w") as said,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=said, text=True) as demo,
    ):
        assert demo.stdout
        for line in demo.stdout:
            shown = orjson.loads(line)
            value = shown["value"]
            if shown["topic"] == "demo.core.alert":
                alerts.setdefault(value["rule"], monotonic() - begun)
            if shown["topic"] == "demo.core.situation" and value["rule"] == "joint-incident":
                seen = len(value["evidence"]) > len(value["incidents"]) > 0
                joined |= {"agencies"} if len(value["agencies"]) > 1 else set()
                joined |= {"smoke and call"} if seen and value["kind"].startswith("fire") else set()
            if set(alerts) >= RULES and len(joined) == 2:
                break
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert set(alerts) >= RULES and len(joined) == 2, (alerts, joined, told.read_text()[-2_000:])
    assert max(alerts.values()) <= WITHIN_S, alerts
    assert demo.returncode == 0
    assert "refused" not in told.read_text()


@pytest.mark.skipif(shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None, reason="no mosquitto")
def test_the_broker_ends_with_the_demo_however_that_ends(tmp_path: Path) -> None:
    code = (
        "import sys, os; from pathlib import Path; from deploy.demo.devices import broker_running\n"
        "one = broker_running(Path(sys.argv[1])); print(one.__enter__(), flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    port = int(killed.stdout)
    until = monotonic() + 10
    while monotonic() < until and _listens(port):
        sleep(0.02)
    assert killed.returncode == -9 and not _listens(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
