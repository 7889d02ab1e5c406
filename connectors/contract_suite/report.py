"""Run the contract over one source and say, check by check, what it found. A source that breaks or hangs ends no report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from connectors.contract_suite.checks import checks_of
from connectors.contract_suite.example import Example
from connectors.contract_suite.reading import BrokenPromise
from connectors.imports import line_of, within
from connectors.locations import Location
from schemas.errors import BongsuError
from schemas.printable import printable_line

CHECK_S_MAX = 30.0
"""The longest that a check may take. The slowest of those that ship takes a second."""
SHOWN_MAX = 300


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's result. *fault* is empty where the promise is kept; *mend* says what to do otherwise."""

    name: str
    fault: str = ""
    mend: str = ""


def report(location: Location, example: Example) -> Iterator[Checked]:
    """The result of each check, as it ends."""
    for check in checks_of(example):
        try:
            within(CHECK_S_MAX, partial(check.run, example))
        except BrokenPromise as error:
            yield Checked(check.name, str(error), check.mend)
        except Exception as error:  # the source's own code may raise anything
            yield Checked(check.name, _told(location, error), check.mend)
        else:
            yield Checked(check.name)


def example_file(location: Location) -> Path | None:
    """The example of a connector: in ``examples`` beside its file or one folder up, or in the tests of a working copy."""
    if location.file is None:
        return None
    name, folder = f"{location.name}.toml", location.file.parent
    places = [folder / "examples", folder.parent / "examples"]
    if location.is_shipped:
        places = [folder.parents[1] / "tests" / "contract" / "examples"]
    return next((place / name for place in places if (place / name).is_file()), None)


def _told(location: Location, error: Exception) -> str:
    file, line = line_of(location, error)
    said = error.what if isinstance(error, BongsuError) else f"{type(error).__name__}: {error}"
    where = "" if isinstance(error, BongsuError) or file is None else f" ({file}, line {line})"
    return printable_line(said[:SHOWN_MAX]) + where
