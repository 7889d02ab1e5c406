"""The folder of the keys of a city's cases: the gateway's and the search's, outside every backup."""

from __future__ import annotations

from pathlib import Path

from deploy.city.city import City
from deploy.settings import home_folder


def case_keys_folder(city: City) -> Path:
    """The folder that ``[cases]`` names, else one in the home folder."""
    kept = city.file.cases.keys
    return home_folder() / folder_in_home(city.name) if kept is None else Path(kept)


def folder_in_home(city: str) -> str:
    """The folder of *city* in the home folder, where ``[cases]`` names none."""
    return f"cases/{city}"
