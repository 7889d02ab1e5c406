"""The AsyncAPI document and the records of the demo agree: each topic, header and field."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.described import described
from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue, topic_name
from tests.shown_records import Shown, always_null, examples_of, undescribed, unshown

MINUTES = 10
PROGRAM = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "subscribe.py"


def shown_by_demo(cluster: Endpoints, folder: Path) -> Iterator[Shown]:
    """Every record that the demo wrote, as a subscriber reads it: by the schema it was written with."""
    environment = {**os.environ, **cluster.as_environment(), "BONGSU_HOME": str(folder / "home")}

    def bongsu(*words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "deploy.cli", *words],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    bongsu("topics", "apply", "--city", "demo")  # a demo leaves what was there before, so its records stay
    try:
        bongsu("demo", "--minutes", str(MINUTES), "--no-browser", "--json")
        places = ("--kafka", cluster.kafka, "--registry", cluster.registry, "--group", "shown", "--until-end")
        topics = [topic_name("demo", name) for name in load_catalogue()]
        with subprocess.Popen(
            [sys.executable, str(PROGRAM), *places, *topics], stdout=subprocess.PIPE
        ) as reader:
            assert reader.stdout is not None
            for line in reader.stdout:
                record = json.loads(line)
                yield Shown(record["topic"], record["headers"], record["value"])
        assert reader.returncode == 0
    finally:
        bongsu("city", "erase", "demo", "--yes")


@pytest.mark.long
@pytest.mark.cluster
@pytest.mark.timeout(1_800)
def test_the_document_and_the_records_of_ten_minutes_of_the_demo_agree(
    cluster: Endpoints, tmp_path: Path
) -> None:
    document, contracts = described("demo"), load_catalogue()
    shown = list(shown_by_demo(cluster, tmp_path))
    assert {"demo.core.situation", "demo.cctv.detection", "demo.mobility.position"} <= {
        one.topic for one in shown
    }
    assert undescribed(document, shown) == []
    assert unshown(document, [*examples_of(document), *shown], always_null=always_null(contracts)) == []
