"""The cities that commands know by name: those that ship, and a user's own. No file is read here, so that TAB is quick.

A user's own city files stand in ``BONGSU_CITIES``, else in ``BONGSU_HOME/cities``. An own file wins over the shipped one of
its name: to change a shipped city, copy its file there.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from deploy.faults import UsageFault
from deploy.settings import home_folder

CITIES = Path(__file__).parents[1] / "cities"
NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")
"""A city's name: it begins the name of each of its topics."""


def own_folder() -> Path:
    """The folder of a user's own city files. It need not exist."""
    named = os.environ.get("BONGSU_CITIES")
    return Path(named).expanduser().resolve() if named else home_folder() / "cities"


def shipped_cities() -> list[str]:
    return _stems(CITIES)


def own_cities() -> list[str]:
    return _stems(own_folder())


def city_names() -> list[str]:
    """The names of all cities, shipped and own."""
    return sorted({*shipped_cities(), *own_cities()})


def file_of(name: str) -> Path | None:
    """The file of the city *name*, the user's own before the shipped one; ``None`` when there is none."""
    if not NAME.fullmatch(name):
        return None
    return next(
        (path for folder in (own_folder(), CITIES) if (path := folder / f"{name}.toml").is_file()), None
    )


def is_own(path: Path) -> bool:
    """Whether *path* is in the folder of a user's own cities."""
    return path.parent.resolve() == own_folder().resolve()


def city_file(name_or_path: str) -> Path:
    """The city file that *name_or_path* means. ``UsageFault`` names the cities there are."""
    path = Path(name_or_path) if name_or_path.endswith(".toml") else file_of(name_or_path)
    if path is not None and path.is_file():
        return path
    known = city_names()
    alike = difflib.get_close_matches(name_or_path.casefold(), known, n=1, cutoff=0.6)
    meant = f"write {alike[0]}? There are: " if alike else "write one of: "
    raise UsageFault(
        f"no city '{name_or_path}'",
        hint=f"{meant}{', '.join(known)}; or the path of a city file (.toml); or make one: bongsu city new NAME",
    )


def _stems(folder: Path) -> list[str]:
    try:
        return sorted(path.stem for path in folder.glob("*.toml") if NAME.fullmatch(path.stem))
    except OSError:
        return []
