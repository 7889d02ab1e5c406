"""The SBOM names each package of a locked list with its version, licence and hashes, in the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import cyclonedx.schema
import jsonschema_rs
import pytest

from deploy.manifests.image_list import entries_of
from deploy.manifests.licences import licences
from deploy.manifests.sbom import sbom
from schemas.errors import Invalid

ROOT = Path(__file__).resolve().parents[3]
ROWS = {"a": "MIT", "b": "Apache-2.0 OR MIT"}
LISTS = ("deploy/image/requirements.txt", ".ci/requirements.lock")


@pytest.mark.parametrize("path", LISTS)
def test_it_names_every_package_of_the_list(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    found = json.loads(sbom(text, path, licences().python))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert [one["name"] for one in found["components"]] == sorted(entries_of(text))
    hashes = [one["content"] for c in found["components"] for one in c["externalReferences"][0]["hashes"]]
    assert len(hashes) == text.count("--hash=sha256:") and len(hashes) > len(found["components"])
    assert all(one["licenses"][0]["expression"] for one in found["components"])
    refs = [one["bom-ref"] for one in found["components"]]
    assert len(set(refs)) == len(refs)


@pytest.fixture(scope="module")
def cyclonedx_schema() -> jsonschema_rs.Validator:
    """CycloneDX's own schema of version 1.6, as its library for Python has it."""
    folder = Path(cyclonedx.schema.__file__).parent / "_res"
    read = {one.name: json.loads(one.read_text("utf-8")) for one in folder.glob("*.SNAPSHOT.schema.json")}
    beside = [(f"http://cyclonedx.org/schema/{name}", one) for name, one in read.items()]
    registry = jsonschema_rs.Registry(beside, draft=jsonschema_rs.Draft7)
    return jsonschema_rs.Draft7Validator(
        read["bom-1.6.SNAPSHOT.schema.json"], registry=registry, validate_formats=True
    )


@pytest.mark.parametrize("path", LISTS)
def test_it_is_valid_by_the_schema_of_cyclonedx(path: str, cyclonedx_schema: jsonschema_rs.Validator) -> None:
    found = json.loads(sbom((ROOT / path).read_text("utf-8"), path, licences().python))
    cyclonedx_schema.validate(found)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "package"),
        ("licenses", [{"license": {"id": "Not-A-Licence"}}]),
        (
            "externalReferences",
            [{"type": "distribution", "url": "x", "hashes": [{"alg": "SHA-256", "content": "1"}]}],
        ),
        ("bom-ref", ""),
        ("licence", "MIT"),
    ],
)
def test_the_schema_refuses_a_planted_error(
    key: str, value: object, cyclonedx_schema: jsonschema_rs.Validator
) -> None:
    found = json.loads(sbom(f"a==1.0 \\\n    --hash=sha256:{'1' * 64}\n", "x", ROWS))
    cyclonedx_schema.validate(found)
    found["components"][0][key] = value
    assert not cyclonedx_schema.is_valid(found)


def test_the_same_list_gives_the_same_bytes_in_whatever_order() -> None:
    one, other = (
        f"{name}==1.0 \\\n    --hash=sha256:{digit * 64}\n" for name, digit in (("a", "1"), ("b", "2"))
    )
    assert sbom(one + other, "x", ROWS) == sbom(other + one, "x", ROWS)
    assert "serialNumber" not in sbom(one, "x", ROWS) and "timestamp" not in sbom(one, "x", ROWS)


def test_a_package_without_a_hash_is_refused() -> None:
    with pytest.raises(Invalid, match="a has no version or no hash"):
        sbom("a==1.0\n", "x", ROWS)


def test_a_package_without_a_licence_is_refused() -> None:
    with pytest.raises(Invalid, match=r"a has no licence in licences\.toml"):
        sbom(f"a==1.0 \\\n    --hash=sha256:{'1' * 64}\n", "x", {"b": "MIT"})
