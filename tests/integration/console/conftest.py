"""One Chromium, and one city for all modules here that need no other. What a test reports has a place of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from tests.a_console import ConsoleCity, chromium
from tests.living_city import LivingCity

HIGHWAY = """
[[source]]
name = "highway"
speaks_for = ["highway-patrol"]
type = "city_events"
contract = "police.incident"
push = true
[[subscription]]
name = "archive"
who = "operator"
audience = "*"
sink = "json_lines"
contracts = ["core.alert"]
path = "{path}"
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package")
def city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleCity]:
    """A city with 119, 112 and a highway patrol."""
    folder = tmp_path_factory.mktemp("console")
    living = LivingCity(f"console-{free_port()}", folder, cluster)
    found = ConsoleCity(living, more=HIGHWAY.replace("{path}", str(folder / "alerts")))
    with found.running():
        words = ("key", "add", "highway-patrol", "--city", str(living.file), "--source", "highway")
        found.keys["highway"] = living.bongsu(*words).stdout.split()[-1]
        yield found
