"""``python -m deploy.manifests.sbom LIST -o FILE``: a hashed list of packages as a CycloneDX SBOM (JSON, version 1.6).

The same list gives the same bytes: no serial number, no time. The licences are those of ``licences.toml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from deploy.manifests.image_list import entries_of
from deploy.manifests.licences import TABLE, licences
from schemas.errors import Invalid

IMAGE = Path("deploy/image/requirements.txt")
_VERSION = re.compile(r"^[A-Za-z0-9._-]+==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


def sbom(packages: str, name: str, rows: Mapping[str, str]) -> str:
    """The SBOM of a hashed requirements file *packages*, about *name*, with the licences *rows* by package.

    ``Invalid`` names a package without version, hash or licence.
    """
    components = [_component(*one, rows) for one in sorted(entries_of(packages).items())]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": name, "bom-ref": name}},
        "components": components,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _component(name: str, entry: str, rows: Mapping[str, str]) -> dict[str, Any]:
    version, hashes = _VERSION.match(entry), sorted(_HASH.findall(entry))
    if version is None or not hashes:
        raise Invalid(
            f"{name} has no version or no hash", field=name, expected="name==version --hash=sha256:…"
        )
    if name not in rows:
        raise Invalid(
            f"{name} has no licence in {TABLE.name}",
            field=name,
            expected=f'a row {name} = "…" under [python]',
        )
    purl = f"pkg:pypi/{name}@{version[1]}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version[1],
        "licenses": [{"expression": rows[name]}],
        "purl": purl,
        # a package has several files, one for each platform; which one is installed is not known here
        "externalReferences": [
            {
                "type": "distribution",
                "url": purl,
                "hashes": [{"alg": "SHA-256", "content": one} for one in hashes],
            }
        ],
    }


@click.command()
@click.argument("packages", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=IMAGE)
@click.option("-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(packages: Path, out: Path) -> None:
    """Write the SBOM of the list PACKAGES (default: the image's)."""
    text = sbom(packages.read_text("utf-8"), f"bongsu:{packages.as_posix()}", licences().python)
    out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
