"""A city's journal in a file: written from the log, and compared without it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from connectors.transport.private_files import FILE_MODE
from deploy.faults import UsageFault
from deploy.platform import Platform
from deploy.show import progress_of
from deploy.telling import tell
from deploy.topic_values import tell_left_out
from schemas.errors import Invalid
from streams.journal.export import exported
from streams.journal.file import JournalFile, write_lines
from streams.journal.verdict import Verdict
from streams.journal.verify_file import verify_file
from streams.runtime.row_reader import RowReader

STANDARD_OUTPUT = Path("-")


def export_journal(city: str, platform: Platform, path: Path) -> None:
    """Journal and answers of *city* to *path*, which is whole or not there."""
    reader = RowReader(platform.wire, f"{city}.replay")
    with progress_of(f"exporting {city}") as progress:
        lines = exported(
            city,
            bootstrap=platform.kafka,
            wire=platform.wire,
            reader=reader,
            progress=lambda _count: progress.step("journal and answers", 1),
        )
        first = next(lines)  # raises before a file is made, where nothing can be exported
        with written(path) as file:
            write_lines(_all(first, lines), file, is_compressed=path.suffix == ".gz")
    tell_left_out(reader)
    if path != STANDARD_OUTPUT:
        tell(
            f"{city} is exported to {path} ({path.stat().st_size:,} bytes); compare it with: bongsu replay --verify {path}"
        )


def verify_exported(path: Path) -> None:
    """Compare the answers in the file *path* with what the rules answer now; exit code 1 where any differs."""
    with progress_of(f"verifying {path.name}") as progress:
        try:
            verdict = verify_file(
                JournalFile(path), progress=lambda count: progress.step(f"entry {count}", 1)
            )
        except Invalid as error:
            raise UsageFault(
                f"{path}: {error.what}", hint="export it anew: bongsu replay CITY --export FILE"
            ) from error
    tell_verdict(verdict)


def tell_verdict(verdict: Verdict) -> None:
    """Print how many answers were compared and the first that differ; exit code 1 then."""
    counts = ", ".join(f"{count} {topic}" for topic, count in sorted(verdict.answers.items())) or "no answers"
    tell(f"{verdict.entries} journal entries, {counts}: ", nl=False)
    if verdict.different:
        tell(f"{verdict.different} differ", fg="red")
        for difference in verdict.differences:
            tell(f"  {difference}")
        raise click.exceptions.Exit(1)
    tell("byte-identical", fg="green")


def _all(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A file beside *path*, its owner's alone, that takes its name once it is whole."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise UsageFault(
            f"cannot write {path}: {error.strerror}", hint="name a file in a folder that is yours"
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
