"""The cameras, the officers and the operator of the simulated Bucheon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.demo import search_script
from deploy.demo.devices import Devices
from deploy.demo.search_script import SearchScript


class SearchDevices(Devices):
    """The cameras and the agency that the city's file names, and those who search at the gateway."""

    forms: Mapping[str, str] = {}

    def __init__(self, seed: int, broker: int | None) -> None:
        super().__init__(seed, broker)
        self.script: SearchScript = SearchScript()

    def text(self) -> str:
        return ""

    def placed(self, text: str, folder: Path) -> str:
        return search_script.placed(text, folder, self._seed)

    def ground_text(self, folder: Path) -> str:
        return search_script.ground_text(folder, self._seed)
