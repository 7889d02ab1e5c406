"""Check every contract before it may carry an event: a list of findings, each with how to mend it.

Every version is checked for dangers (recursion, items without size, depth). Only the newest is checked for its form: it may
still change. A released version must keep its fingerprint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schemas.catalogue import DLQ, FAST, TOPICS, Contract, read_contract
from schemas.compat import breaches_of_versions
from schemas.dangers import dangers
from schemas.errors import BongsuError, Invalid
from schemas.form import form
from schemas.json_form import from_json_value, to_json_value
from schemas.model import Record, Type, fingerprint, model_of
from schemas.rows import RowCodec

WORD = r"[a-z][a-z0-9]*"
TOPIC = re.compile(rf"{WORD}(-[a-z0-9]+)*(\.{WORD}(-[a-z0-9]+)*)+")
TEXT_MAX, BYTES_MAX = 1024 * 1024, 7_864_320  # what a producer sends at most is 8,000,000 with all around it
CLEANUPS = ("delete", "compact")
COMPATIBILITIES = ("BACKWARD", "BACKWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")


class Finding(NamedTuple):
    """*where*: the contract and its file; *path*: the field, if there is one; *what*: the fault, and how to mend it."""

    where: str
    path: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


def check_catalogue(root: Path = TOPICS) -> list[Finding]:
    """Every finding in every contract under *root*; empty when all is well."""
    found = []
    for path in sorted(root.glob("*/topic.toml")):
        try:
            contract = read_contract(path.parent)
        except BongsuError as error:
            found.append(Finding(f"{path.parent.name}/topic.toml", "", str(error)))
            continue
        found += check_contract(contract)
    return found


def check_contract(contract: Contract) -> list[Finding]:
    """Every finding in one contract, the gravest first. A file that is no Avro schema ends the check."""
    found = list(_folder(contract))
    grave: list[Finding] = []
    models: list[Type] = []
    for number, schema in enumerate(contract.versions, 1):
        try:
            models.append(model_of(schema))
        except BongsuError as error:
            return [*found, Finding(f"{contract.name}/v{number}.avsc", "", error.what)]
        grave += [Finding(f"{contract.name}/v{number}.avsc", *danger) for danger in dangers(models[-1])]
    if grave or not models:
        return grave + found
    newest = f"{contract.name}/v{len(models)}.avsc"
    match models[-1]:
        case Record() as record:
            found += [Finding(newest, *one) for one in form(record, contract)]
        case _:
            return [*found, Finding(newest, "", "the outermost type must be a record")]
    found += _compatibility(contract)
    found += _released(contract)
    return found or list(_examples(contract))


def _folder(contract: Contract) -> Iterator[Finding]:
    """Check ``topic.toml``, and which files there are."""
    for what in _settings(contract):
        yield Finding(f"{contract.name}/topic.toml", "", what)
    if contract.name != DLQ and not TOPIC.fullmatch(contract.name):
        yield Finding(
            contract.name, "", "a topic is <domain>.<noun>, lower case, '-' inside a word, never '_'"
        )
    numbers = sorted(int(path.stem[1:]) for path in contract.folder.glob("v*.avsc"))
    if numbers != list(range(1, len(numbers) + 1)) or not numbers:
        yield Finding(
            contract.name, "", f"versions must be v1.avsc, v2.avsc … without a gap, found {numbers}"
        )
    if not list(contract.folder.glob("examples/*.json")):
        yield Finding(contract.name, "", "no example: add examples/typical.json")


def _settings(contract: Contract) -> Iterator[str]:
    if not contract.description.strip() or not contract.owner.strip():
        yield "description and owner must say something"
    if contract.cleanup not in CLEANUPS:
        yield f"cleanup is one of {', '.join(CLEANUPS)}"
    if (contract.cleanup == "delete") == (contract.retention_ms is None):
        yield 'retention belongs to cleanup = "delete", and to that alone'
    if contract.compatibility not in COMPATIBILITIES:
        yield f"compatibility is one of {', '.join(COMPATIBILITIES)}: a reader must be able to read what is stored"
    if contract.partitions != 1 and not contract.name.startswith(FAST):
        yield f"partitions must be 1: the city is the unit of order in all topics but {', '.join(FAST)}"
    if not 1 <= contract.partitions <= 64:
        yield "partitions must be 1 to 64"
    most = BYTES_MAX if contract.bytes_fields else TEXT_MAX
    if not 1 <= contract.max_bytes <= most:
        yield f"max_bytes must be at most {most}: references travel on the bus, not footage"


def _compatibility(contract: Contract) -> Iterator[Finding]:
    for older, newer, breach in breaches_of_versions(contract.versions):
        where = f"{contract.name}/v{newer}.avsc"
        yield Finding(where, breach.path, f"it cannot read what v{older} wrote: {breach.what}")


def _released(contract: Contract) -> Iterator[Finding]:
    """Check that released versions did not change: readers use them, and topics hold records of them."""
    where = f"{contract.name}/topic.toml"
    for number, schema in enumerate(contract.versions, 1):
        version, now = f"v{number}", fingerprint(schema)
        then = contract.released.get(version)
        if then is None:
            yield Finding(
                where, "", f'{version} is not yet released: add  {version} = "{now}"  under [released]'
            )
        elif then != now:
            yield Finding(
                f"{contract.name}/{version}.avsc",
                "",
                f"{version} is released and may not change: put it back, and write the change as "
                f'v{len(contract.versions) + 1}.avsc (if no release of ours has carried it yet: {version} = "{now}")',
            )
    for version in contract.released:
        if not (contract.folder / f"{version}.avsc").is_file():
            yield Finding(where, "", f"{version} is released, and {version}.avsc is gone: put it back")


def _examples(contract: Contract) -> Iterator[Finding]:
    """Check that each example encodes, decodes, and gives the same JSON as its file."""
    codec = RowCodec(contract.newest, max_bytes=contract.max_bytes)
    for path in sorted(contract.folder.glob("examples/*.json")):
        where = f"{contract.name}/examples/{path.name}"
        try:
            written: Any = json.loads(path.read_text(encoding="utf-8"))
            value = codec.decode(codec.encode(from_json_value(contract.newest, written)))
            if to_json_value(contract.newest, value) != written:
                yield Finding(
                    where, "", "it does not come back as it is written: name every field, times with offset"
                )
        except Invalid as error:
            yield Finding(where, error.field, f"expected {error.expected}")
        except ValueError as error:
            yield Finding(where, "", f"no JSON: {error}")
