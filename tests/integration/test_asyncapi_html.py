"""AsyncAPI's own generator makes a page of the document, as the subscribers' page says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.described import described
from schemas.asyncapi import as_text

PACKAGES = ("@asyncapi/generator@2.8.4", "@asyncapi/html-template@3.3.1")
PAGE = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "README.md"


@pytest.mark.long
def test_the_generator_makes_a_page_of_every_topic(tmp_path: Path) -> None:
    npm, npx = shutil.which("npm"), shutil.which("npx")
    if npm is None or npx is None:
        pytest.skip("needs Node with npm")
    (tmp_path / "package.json").write_text("{}")
    document = described("demo")
    (tmp_path / "asyncapi.json").write_text(as_text(document), encoding="utf-8")
    install = [npm, "install", "--ignore-scripts", *PACKAGES]
    generate = [
        npx,
        "ag",
        "asyncapi.json",
        "@asyncapi/html-template",
        "-o",
        "html",
        "--param",
        "singleFile=true",
    ]
    said = PAGE.read_text(encoding="utf-8")
    for command in (install, generate):
        assert " ".join([Path(command[0]).name, *command[1:]]) in said
        environment = {**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    html = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert [one["address"] for one in document["channels"].values() if one["address"] not in html] == []
