"""The example of every help and the commands of every README run as they stand, against the real parts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.cli import main
from deploy.settings import VARIABLES, Endpoints
from tests.command_examples import PLACEHOLDER, commands, examples_of, readme_commands, readmes

pytestmark = pytest.mark.cluster

NOT_RUN = {
    "up": "starts a cluster of its own: test_cluster_life does",
    "up --secure": "starts a cluster of its own: test_secure_cluster does",
    "down": "ends the cluster: test_cluster_life does",
    "down --erase": "ends the cluster: test_cluster_life does",
    "fetch -o bongsu-parts": "fetches 200 MB: test_fetching does with less",
    "demo": "goes on until Ctrl-C: test_odd_paths plays it",
    "demo --minutes 3": "takes three minutes: test_odd_paths plays it",
    "demo --city mukdahan": "goes on until Ctrl-C: tests/unit/deploy/test_demo_river.py reads what it sends",
    "demo --city jeju": "goes on until Ctrl-C: tests/unit/deploy/test_demo_island.py reads what it sends",
    "demo --city bucheon": "goes on until Ctrl-C: tests/unit/deploy/test_demo_search.py reads what it sends",
    "demo --story": "takes a minute: test_demo plays it",
    "run demo": "goes on until Ctrl-C: test_spine_life runs a city",
    "up --port kafka=9092 --port registry=8081 --port redis=6379": "starts a cluster: test_local_home fixes ports",
    "up --home /srv/bongsu --port kafka=9092 --port registry=8081 --port redis=6379 --port kafka-metrics=9404": (
        "writes outside the tests' folders"
    ),
    "up --port kafka-metrics=9404": "starts a cluster: tests/integration/test_broker_metrics.py does",
    "user password desk-3 --city demo": "asks for it at a terminal: tests/integration/test_sign_in.py sets one",
    "city check lakeside": "needs the file of the step before it: tests/unit/deploy/test_own_city.py checks one",
    "topics apply": "makes the topics of every city: it runs here with --city",
    "schemas register": "registers the schemas of every city: it runs here with --city",
    "logs -f": "goes on until Ctrl-C",
    "dlq show 3f2a --bytes > record.json": "needs the id of a record: test_set_aside shows one",
    "dlq show EVENT_ID": "needs the id of a record: test_set_aside shows one",
    "dlq retry EVENT_ID": "needs the id of a record: test_set_aside feeds one again",
    "situation show 3f2a --city demo": "needs the id of a situation: test_spine shows one",
    "key revoke 1f2e3d4c5b6a --city demo": "needs the id of a key: test_rules_change revokes one",
    "key rotate demo police --old-until 1h": "needs a key: test_rotated_key rotates one",
    "subscription rotate demo hook": "needs a webhook: tests/unit/deploy/test_subscription_rows.py rotates one",
    "sharing diff": "needs a secure cluster: test_sharing_apply has one",
    "sharing diff --json": "needs a secure cluster: test_sharing_apply has one",
    "sharing apply": "needs a secure cluster: test_sharing_apply has one",
    "source new our_calls": "writes into the source tree: tests/contract/test_a_new_source.py does",
    "source show our_calls": "needs the source before it",
    "source try our_calls calls.jsonl --set 'url=\"http://calls.example/list\"'": "needs the source before it",
}
"""Commands that are not run here, and why. Their words are checked by tests/unit/deploy/test_hints.py."""
NOT_RUN_OF = {"bench": "measures for minutes: tests/bench has smaller runs"}
FIRST = (
    "city new",
    "source new our_calls --in",
    "topics apply",
    "schemas register",
    "play",
    "user add",
    "key add",
    "subscription add",
    "replay demo --export",
)
LAST = ("user disable", "subscription remove", "city erase")
"""Some commands need what others made."""


def named() -> list[str]:
    """Each command once, in an order in which each finds what it needs."""
    found = {one for _, command in commands() for one in examples_of(command)}
    found |= {one for path in readmes() for one in readme_commands(path.read_text(encoding="utf-8"))}
    whole = sorted(one for one in found if not PLACEHOLDER.search(one))

    def turn(command: str) -> int:
        first = next((place for place, one in enumerate(FIRST) if command.startswith(one)), len(FIRST))
        last = next((place for place, one in enumerate(LAST, 1) if command.startswith(one)), 0)
        return first + last

    return sorted(whole, key=turn)


def is_run(command: str) -> bool:
    return command not in NOT_RUN and command.split(maxsplit=1)[0] not in NOT_RUN_OF


@pytest.fixture(scope="module")
def here(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.mark.parametrize("command", [one for one in named() if is_run(one)])
def test_it_runs_as_it_stands(
    command: str, here: Path, cluster: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    for name, value in {"HOME": here, "BONGSU_HOME": here / "home", "SHELL": "/bin/bash"}.items():
        monkeypatch.setenv(name, str(value))
    for component, variable in VARIABLES.items():
        monkeypatch.setenv(variable, getattr(cluster, component))
    words = shlex.split(command)
    if words[0] == "play":  # a worker that ends beside it ends its process
        subprocess.run([sys.executable, "-m", "deploy.cli", *words], check=True, timeout=120)
        return
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0


def test_what_is_not_run_is_still_named_somewhere() -> None:
    assert NOT_RUN.keys() - set(named()) == set()


def test_most_are_run() -> None:
    assert len([one for one in named() if is_run(one)]) > 30
