"""Assemble a city's match. A module of its own: it loads libraries that no other stage needs."""

from __future__ import annotations

import os
from typing import IO

from deploy.assembly.slots import take_slot
from deploy.city.city import City
from deploy.platform import Platform
from deploy.settings import home_folder
from streams.match.core.config import MatchConfig
from streams.match.worker.choice import make_producer, reader_opener
from streams.match.worker.loop import MatchLoop
from streams.match.worker.service import MatchService
from streams.runtime.clients import producer_of

NICE = 10
"""The match's niceness. It can use a whole core; where cores are few, the stages of incidents go first."""
_held: list[IO[bytes]] = []
"""Open slot files: each keeps its lock as long as the process lives."""


def match_of(city: City, platform: Platform) -> MatchService:
    """The match's service, with a worker name that is unique on this machine."""
    os.nice(NICE)
    name, slot = take_slot(home_folder() / "workers", f"{city.name}.match")
    _held.append(slot)
    config = city.file.match or MatchConfig.model_validate({})
    is_plain = config.reader == "plain"
    loop = MatchLoop(
        city.name,
        config,
        bootstrap=platform.kafka,
        wire=platform.wire,
        name=name,
        open_reader=reader_opener(
            city.name, bootstrap=platform.kafka, registry=platform.wire.registry, is_plain=is_plain
        ),
        make_producer=producer_of if is_plain else make_producer,
    )
    return MatchService(loop)
