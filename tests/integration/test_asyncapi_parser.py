"""AsyncAPI's own parser calls the document valid, and finds what is wrong in one that is not.

It looks neither into Avro payloads nor at examples: tests/unit/deploy/test_asyncapi.py does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from deploy.described import described
from schemas.asyncapi import as_text

PACKAGES = ("@asyncapi/parser@3.6.6", "@asyncapi/avro-schema-parser@3.1.0")
CHECK = """
const { Parser } = require("@asyncapi/parser");
const { AvroSchemaParser } = require("@asyncapi/avro-schema-parser");
const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());
parser.parse(require("fs").readFileSync(process.argv[2], "utf8")).then(({ document, diagnostics }) => {
  const counts = document && {
    channels: document.channels().all().length,
    operations: document.operations().all().length,
    messages: document.messages().all().length,
  };
  const found = diagnostics.map((one) => `${one.severity} ${one.path.join("/")}: ${one.message}`);
  console.log(JSON.stringify({ counts, found }));
});
"""
Parse = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Parse:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("needs Node with npm")
    folder = tmp_path_factory.mktemp("parser")
    (folder / "package.json").write_text("{}")
    (folder / "check.js").write_text(CHECK)
    quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
    subprocess.run([npm, "install", *quiet, *PACKAGES], cwd=folder, check=True, capture_output=True)

    def parsed(document: dict[str, Any]) -> dict[str, Any]:
        path: Path = folder / "document.json"
        path.write_text(as_text(document), encoding="utf-8")
        ran = subprocess.run([node, "check.js", path.name], cwd=folder, check=True, capture_output=True)
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    return parsed


@pytest.mark.long
@pytest.mark.parametrize("city", [None, "demo"])
def test_the_document_is_valid_without_a_remark(parse: Parse, city: str | None) -> None:
    document = described(city)
    count = len(document["channels"])
    assert parse(document) == {
        "counts": {"channels": count, "operations": count, "messages": count},
        "found": [],
    }


def without_a_message(document: dict[str, Any]) -> None:
    del document["components"]["messages"]["fire.incident"]


def retained_for_a_word(document: dict[str, Any]) -> None:
    kafka = document["channels"]["fire.incident"]["bindings"]["kafka"]
    kafka["topicConfiguration"]["retention.ms"] = "30d"


def sent_to_no_channel(document: dict[str, Any]) -> None:
    document["operations"]["send.fire.incident"]["channel"]["$ref"] = "#/channels/fire.picnic"


@pytest.mark.long
@pytest.mark.parametrize("fault", [without_a_message, retained_for_a_word, sent_to_no_channel])
def test_a_planted_fault_is_found(parse: Parse, fault: Callable[[dict[str, Any]], None]) -> None:
    document = deepcopy(described())
    fault(document)
    found = parse(document)["found"]
    assert any("fire.incident" in one for one in found), found
