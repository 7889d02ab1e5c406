"""The cameras, the officer and the operator of the simulated Bucheon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.city.city import City
from deploy.demo import search_script
from deploy.demo.devices import Devices
from deploy.demo.search_desk import SearchDesk, key_of_officer, search_running
from deploy.demo.search_script import SearchScript
from deploy.platform import Platform


class SearchDevices(Devices):
    """The cameras and the agency that the city's file names, and those who search at the gateway."""

    forms: Mapping[str, str] = {}
    _desk: SearchDesk | None = None

    def __init__(self, seed: int, broker: int | None) -> None:
        super().__init__(seed, broker)
        self.script: SearchScript = SearchScript()

    def text(self) -> str:
        return ""

    def heard(self) -> Iterator[tuple[str, Mapping[str, Any], str]]:
        return iter(()) if self._desk is None else self._desk.heard()

    def placed(self, text: str, folder: Path) -> str:
        return search_script.placed(text, folder, self._seed)

    def ground_text(self, folder: Path) -> str:
        return search_script.ground_text(folder, self._seed)

    @contextmanager
    def sending(self, city: City, platform: Platform, key: str) -> Iterator[None]:
        officer, script = key_of_officer(platform, city), self.script
        with (
            search_running(city, officer, self._seed, script.begun, lambda: script.origin_ms) as self._desk,
            super().sending(city, platform, key),
        ):
            yield
