"""Every component that is installed has a licence that may be used, by a table that agrees with its metadata."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from email.message import Message
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from license_expression import get_spdx_licensing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.manifests.image_list import entries_of
from deploy.manifests.licences import (
    Exempt,
    declared,
    faults,
    is_allowed,
    licences,
    of_installed,
    unlike_metadata,
)

ROOT = Path(__file__).resolve().parents[3]
IMAGE = entries_of((ROOT / "deploy/image/requirements.txt").read_text("utf-8"))
LOCK = entries_of((ROOT / ".ci/requirements.lock").read_text("utf-8"))
TABLE = licences()


def shipped() -> set[str]:
    """The packages that an installation of Bongsu brings: the image's, and the local cluster's own."""
    needs = (Requirement(one) for one in metadata.requires("bongsu") or ())
    plain = {
        canonicalize_name(one.name) for one in needs if one.marker is None or "extra" not in str(one.marker)
    }
    return plain | IMAGE.keys()


def artefacts() -> set[str]:
    """The Java artefacts of the local cluster, and those of the example in Java."""
    locked = tomllib.loads((ROOT / "deploy/local/artefacts.lock.toml").read_text("utf-8"))["artefact"]
    pom = ElementTree.parse(ROOT / "deploy/examples/java/pom.xml")  # noqa: S314 (a file of this repository)
    example = {
        f"{one.findtext('{*}groupId')}:{one.findtext('{*}artifactId')}"
        for one in pom.iterfind("{*}dependencies/{*}dependency")
    }
    assert example
    return {f"{one['group']}:{one['name']}" for one in locked} | example


def npm() -> set[str]:
    """The packages of npm that the examples name. There is no lock of npm in the repository."""
    files = list(ROOT.glob("deploy/examples/*/package.json"))
    assert files and not [*ROOT.glob("deploy/**/package-lock.json"), *ROOT.glob("tests/**/package-lock.json")]
    return {name for one in files for name in json.loads(one.read_text("utf-8"))["dependencies"]}


def about(**fields: str | list[str]) -> Message:
    found = Message()
    for name, value in fields.items():
        for one in [value] if isinstance(value, str) else value:
            found[name.replace("_", "-")] = one
    return found


def test_every_package_of_the_lists_may_be_used() -> None:
    assert list(faults(TABLE.python, IMAGE.keys() | LOCK.keys(), TABLE, shipped=shipped())) == []


def test_the_rows_agree_with_the_metadata_of_what_is_installed() -> None:
    installed = {canonicalize_name(one.metadata["Name"]) for one in metadata.distributions()}
    names = sorted((IMAGE.keys() | LOCK.keys()) & installed)
    assert len(names) > 0.9 * len(LOCK)
    assert [found for name in names if (found := unlike_metadata(name, of_installed(name), TABLE))] == []


def test_every_java_artefact_and_package_of_npm_may_be_used() -> None:
    assert list(faults(TABLE.maven, artefacts(), TABLE, shipped=artefacts())) == []
    assert list(faults(TABLE.npm, npm(), TABLE, shipped=npm())) == []


def test_every_row_is_an_expression_of_spdx() -> None:
    spdx = get_spdx_licensing()
    rows = {**TABLE.python, **TABLE.maven, **TABLE.npm}
    wrong = {name: found for name, row in rows.items() if (found := spdx.validate(row).errors)}
    assert wrong.keys() == {"venusian"}  # SPDX has no identifier for it
    assert wrong.keys() <= TABLE.exempt.keys()


def test_every_reason_is_needed() -> None:
    rows = {**TABLE.python, **TABLE.maven, **TABLE.npm}
    for name in TABLE.exempt:
        unknown = name in LOCK and rows[name] not in declared(of_installed(name), TABLE.names)
        assert unknown or not is_allowed(rows[name], TABLE.allowed), f"{name}: its reason is not needed"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("AGPL-3.0-or-later", "a: AGPL-3.0-or-later is never used"),
        ("MIT AND AGPL-3.0-only", "a: MIT AND AGPL-3.0-only is never used"),
        ("SSPL-1.0", "a: SSPL-1.0 is never used"),
        ("BUSL-1.1", "a: BUSL-1.1 is never used"),
        ("GPL-3.0-only", "a: GPL-3.0-only is not in the list, and no reason is given"),
        ("GPL-2.0-only", "a: GPL-2.0-only is not in the list, and no reason is given"),
        ("LicenseRef-own", "a: LicenseRef-own is not in the list, and no reason is given"),
    ],
)
def test_a_planted_licence_is_refused(row: str, said: str) -> None:
    assert list(faults({"a": row}, {"a"}, TABLE, shipped=())) == [said]


def test_no_reason_helps_the_agpl_and_a_tool_is_not_shipped() -> None:
    excused = replace(TABLE, exempt={"a": Exempt("a tool of the tests", is_tool=True)})
    assert list(faults({"a": "GPL-3.0-only"}, {"a"}, excused, shipped=())) == []
    assert "but it is shipped" in next(faults({"a": "GPL-3.0-only"}, {"a"}, excused, shipped={"a"}))
    assert "never used" in next(faults({"a": "AGPL-3.0-only"}, {"a"}, excused, shipped=()))


@pytest.mark.parametrize("kind", ["python", "maven", "npm"])
def test_a_component_without_a_row_is_refused(kind: str) -> None:
    rows = getattr(TABLE, kind)
    assert list(faults(rows, {*rows, "new"}, TABLE, shipped=())) == ["new: no row in licences.toml"]


def test_a_package_whose_metadata_say_another_licence_or_none_is_refused() -> None:
    table = replace(TABLE, python={"a": "MIT"})
    assert unlike_metadata("a", about(License_Expression="MIT"), table) is None
    assert unlike_metadata("a", about(License="MIT License"), table) is None
    assert "AGPL" in str(unlike_metadata("a", about(License_Expression="AGPL-3.0-only"), table))
    assert "no licence that is known" in str(unlike_metadata("a", about(), table))
    assert "no licence that is known" in str(unlike_metadata("a", about(License="Our own terms"), table))
    own = about(Classifier=["License :: Other/Proprietary License", "Topic :: MIT"])
    assert "no licence that is known" in str(unlike_metadata("a", own, table))


def test_a_reason_does_not_hide_a_licence_that_changed() -> None:
    """An AGPL that the metadata declare is seen, whatever reason the package has."""
    table = replace(TABLE, python={"a": "Unlicense"}, exempt={"a": Exempt("in the public domain")})
    assert unlike_metadata("a", about(License_Expression="Unlicense"), table) is None
    assert "AGPL" in str(unlike_metadata("a", about(License_Expression="AGPL-3.0-only"), table))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("MIT AND Zlib", False),
        ("Zlib OR MIT", True),
        ("MIT AND (Zlib OR Apache-2.0)", True),
        ("MIT AND Zlib OR Apache-2.0", True),
        ("(MIT", False),
        ("MIT MIT", False),
        ("", False),
        ("GPL-2.0-only WITH  Classpath-exception-2.0", True),
    ],
)
def test_an_expression_is_met_by_the_list_alone(expression: str, expected: bool) -> None:
    assert is_allowed(expression, TABLE.allowed) is expected


def test_the_lists_are_read() -> None:
    assert len(artefacts()) > 40 and len(npm()) == 3 and re.match("[a-z]", min(LOCK))
