"""The SBOM names each package of a locked list with its version and hashes, in the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.manifests.image_list import entries_of
from deploy.manifests.sbom import sbom
from schemas.errors import Invalid

ROOT = Path(__file__).resolve().parents[3]
LISTS = ("deploy/image/requirements.txt", ".ci/requirements.lock")


@pytest.mark.parametrize("path", LISTS)
def test_it_names_every_package_of_the_list(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    found = json.loads(sbom(text, path))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert [one["name"] for one in found["components"]] == sorted(entries_of(text))
    hashes = [one["content"] for c in found["components"] for one in c["externalReferences"][0]["hashes"]]
    assert len(hashes) == text.count("--hash=sha256:") and len(hashes) > len(found["components"])
    refs = [one["bom-ref"] for one in found["components"]]
    assert len(set(refs)) == len(refs)


def test_the_same_list_gives_the_same_bytes_in_whatever_order() -> None:
    one, other = (
        f"{name}==1.0 \\\n    --hash=sha256:{digit * 64}\n" for name, digit in (("a", "1"), ("b", "2"))
    )
    assert sbom(one + other, "x") == sbom(other + one, "x")
    assert "serialNumber" not in sbom(one, "x") and "timestamp" not in sbom(one, "x")


def test_a_package_without_a_hash_is_refused() -> None:
    with pytest.raises(Invalid, match="a has no version or no hash"):
        sbom("a==1.0\n", "x")
