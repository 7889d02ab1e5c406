"""A refusal names the fault, and a command that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli.source import source
from tests.unit.gateway.an_app import REPORT, a_gateway

CITY = """
name = "springfield"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[rule]]
name = "joint-incident"
"""


def test_the_command_that_a_refusal_names_shows_the_same(tmp_path: Path) -> None:
    with a_gateway(tmp_path) as here:
        answer = here.post([{**REPORT, "event_time": "never"}])
    assert answer.status_code == 422
    named = re.search(r"'bongsu source (try \S+) FILE'", answer.json()["how"])
    assert named is not None
    words = named[1].split()
    (tmp_path / "springfield.toml").write_text(CITY, encoding="utf-8")
    (tmp_path / "body.json").write_bytes(b'[{"event_time": "never"}]')
    words[1] = words[1].replace("springfield", str(tmp_path / "springfield.toml"))
    done = CliRunner().invoke(source, [*words, str(tmp_path / "body.json")])
    assert done.exception is None, done.exception
    assert "set aside" in done.output


@pytest.mark.parametrize("text", ["!!!!", "", "e30"])
def test_a_cloud_event_whose_base64_is_none_is_refused_whole(tmp_path: Path, text: str) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/cad", "type": "report", "data_base64": text}
    with a_gateway(tmp_path) as here:
        answer = here.post(event, content_type="application/cloudevents+json")
        assert here.bodies() == []
    assert answer.status_code == 422
    assert answer.json()["field"] in ("data_base64", "data")
