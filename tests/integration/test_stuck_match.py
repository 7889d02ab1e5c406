"""A worker whose match is stuck in a call to Kafka ends at once, so that it is started again at once."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENDS_S = 15.0
"""Half of the time for which a producer waits for Kafka's first response, and ample for an interpreter to end."""
WORKER = """
import asyncio, sys
from schemas.errors import Fatal
from schemas.registry import Registry
from schemas.wire import Wire
from streams.match.core.config import MatchConfig
from streams.match.worker.loop import MatchLoop
from streams.match.worker.service import MatchService

kafka = sys.argv[1]

def nothing_to_open(group):
    raise AssertionError("Kafka answered")

loop = MatchLoop("town", MatchConfig.model_validate({}), bootstrap=kafka, wire=Wire(Registry(f"http://{kafka}")),
                 name="town.match.test", open_reader=nothing_to_open)
try:
    asyncio.run(MatchService(loop, stuck_s=0.2).run())
except Fatal as error:
    print(error.what, flush=True)
"""


def test_the_process_of_a_stuck_match_ends_before_kafka_responds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts connections and never responds
        kafka = f"127.0.0.1:{mute.getsockname()[1]}"
        command = [sys.executable, "-c", WORKER, kafka]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as worker:
            assert worker.stdout is not None
            said = worker.stdout.readline()
            try:
                worker.wait(ENDS_S)
            finally:
                worker.kill()
    assert "stuck" in said
    assert worker.returncode == 0
