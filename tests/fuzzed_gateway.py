"""The gateway over real HTTP in this process, and schemathesis against its OpenAPI document."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from deploy.assembly.stages import free_port
from tests.living_city import wait_until
from tests.unit.gateway.a_reading_city import CITY, Reader
from tests.unit.gateway.an_app import NOON_MS

READY_S = 20.0
NAMED = 0.8
"""The share of path parameters that name what is there; the rest are of the fuzzer's making, and mostly answered 404."""
CONFIG = """
[checks.positive_data_acceptance]
# beside their forms, parameters have bounds that JSON Schema cannot say: south below north, a cursor of the same filters
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "413", "415", "422"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "413", "415", "422", "428"]
[[operations]]
# the body is in the source's own form, which no schema tells: an empty one is refused all the same
include-path = "/v1/{city}/sources/{source}"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413", "415", "422"]
"""


@contextmanager
def serving(reader: Reader) -> Iterator[str]:
    """The address of a server with *reader*'s application."""
    reader.here.gateway.wrong_keys.usual = 1e9  # requests with wrong keys are part of the test, not an attack
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(reader.here.app, port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, READY_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(READY_S)


def named_in(reader: Reader) -> str:
    """Configuration that lets path parameters name what *reader* has: made-up names alone would reach little but 404."""
    there = {
        "city": [CITY],
        "source": sorted(reader.here.gateway.sources),
        "booking_id": ["r-1"],
        "case_id": ["case-1"],
        "name": ["desk"],
        **{
            f"{one}_id": [row.key for row in reader.city.rows(f"core.{one}", now_ms=NOON_MS)]
            for one in ("situation", "grant")
        },
    }
    lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}" for name, values in there.items()]
    bound = [f'"path.{name}" = {{ dictionary = "{name}", probability = {NAMED} }}' for name in there]
    return "\n".join([*lines, "[parameters]", *bound, ""])


def fuzz(
    url: str,
    reader: Reader,
    role: str,
    *,
    seed: int,
    examples: int,
    folder: Path,
    phases: str,
    only: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis with every check; its exit status is 1 when it finds something."""
    config = folder / "schemathesis.toml"
    config.write_text(named_in(reader) + CONFIG, encoding="utf-8")
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{url}/openapi.json",
        "--header", f"Authorization: Bearer {reader.keys[role]}", "--checks", "all", "--phases", phases,
        "--seed", str(seed), "--max-examples", str(examples), "--continue-on-failure", "--no-color", "--warnings", "off",
        "--generation-database", "none", "--workers", "1",
    ]  # fmt: skip
    if only:
        command += ["--include-path-regex", only]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
