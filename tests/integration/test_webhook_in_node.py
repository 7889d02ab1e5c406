"""Deliveries of the sink webhook are verified by the specification's library for JavaScript, with exchanged secrets too."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.signed_deliveries import NEW, OLD, STRANGE, a_delivery, sent

PACKAGE = "standardwebhooks@1.1.1"
VERIFY = """
const { Webhook } = require("standardwebhooks");
const told = JSON.parse(require("fs").readFileSync(0, "utf8"));
const verdict = (secret, body, headers) => {
  try { return new Webhook(secret).verify(body, headers).id; } catch (error) { return error.message; }
};
console.log(JSON.stringify(told.map(({ secret, body, headers }) => verdict(secret, body, headers))));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node with npm")
    made = tmp_path_factory.mktemp("webhooks")
    (made / "package.json").write_text("{}")
    (made / "verify.js").write_text(VERIFY)
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    subprocess.run([npm, "install", *quiet, PACKAGE], cwd=made, check=True, capture_output=True)
    return made


@pytest.mark.long
def test_the_library_in_another_language_verifies_what_was_sent(folder: Path) -> None:
    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    (before,) = sent([OLD], a_delivery(), now_ms=now_ms)
    (between,) = sent([NEW, OLD], a_delivery(), now_ms=now_ms)
    (after,) = sent([NEW], a_delivery(), now_ms=now_ms)
    (stale,) = sent([NEW], a_delivery(), now_ms=lambda: now_ms() - 3_600_000)
    asked = [
        (OLD, before), (NEW, between), (OLD, between), (NEW, after),
        (NEW, before), (OLD, after), (STRANGE, between), (NEW, stale),
    ]  # fmt: skip
    told = [{"secret": key, "body": one.body.decode(), "headers": dict(one.headers)} for key, one in asked]
    told.append({**told[1], "body": between.body.decode().replace("3", "4")})
    done = subprocess.run(
        ["node", "verify.js"],  # noqa: S607 (found as a user finds it)
        input=json.dumps(told),
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    unsigned = "No matching signature found"
    assert json.loads(done.stdout) == [
        *["e-1"] * 4, unsigned, unsigned, unsigned, "Message timestamp too old", unsigned,
    ]  # fmt: skip
