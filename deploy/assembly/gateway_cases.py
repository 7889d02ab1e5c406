"""Assemble the gateway's part for missing persons' cases, and the turn that ends those that are over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI

from connectors.gateway import case_reads, cases
from connectors.gateway.access import AccessLog
from connectors.gateway.case_right import CaseRight
from connectors.gateway.service import Gateway
from connectors.gateway.sessions_key import kept_secret
from connectors.transport.case_keys import CaseKeys
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.case_folder import case_keys_folder
from deploy.city.city import City
from deploy.laws import case_law_named
from deploy.platform import Platform
from deploy.replica import Replica
from schemas.errors import BongsuError, Retriable
from streams.cases.case_names import case_name
from streams.log import log
from streams.operators.case_log import LogCases
from streams.runtime.follower import Following

TURN_S, SAFE_S, END_S = 1.0, 5.0, 10.0
NAMES = "names.secret"


class CasePart:
    """The cases of one city's gateway. Each second it ends those that are over; of several gateways each does, and a case
    ends once."""

    def __init__(
        self, city: City, platform: Platform, following: Following, access: AccessLog, *, replica: Replica
    ) -> None:
        folder = case_keys_folder(city)
        keys = CaseKeys(folder)
        secret = replica.shared_key or kept_secret(folder / NAMES)
        self._access = access
        self._cases = LogCases(
            city.name,
            following,
            law=case_law_named(city.file.law),
            keys=keys,
            agencies=city.file.cases.agencies,
            name_of=partial(case_name, secret, city.name),
            record=partial(recorded, access),
            bootstrap=platform.kafka,
            wire=platform.wire,
            now_ms=wall_clock_ms,
        )
        self._turn = Settling(self._cases.settle)

    def add(self, app: FastAPI, gateway: Gateway) -> None:
        """Add the routes."""
        right = CaseRight.of(gateway, self._cases, self._access)
        cases.add(app, right)
        case_reads.add(app, right)

    def start(self) -> None:
        self._turn.start()

    def end(self) -> None:
        self._turn.end()


class Settling:
    """Calls *settle* each second in a thread of its own, through failures of Kafka."""

    def __init__(self, settle: Callable[[], object], *, turn_s: float = TURN_S) -> None:
        self._settle = settle
        self._turn_s = turn_s
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cases", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        if self._thread.ident is not None:  # it may be ended before it was started
            self._thread.join(END_S)

    def _run(self) -> None:
        while not self._ends.wait(self._turn_s):
            try:
                self._settle()
            # the next turn makes it good; without turns no case would end by its time
            except Exception as error:
                why = error.what if isinstance(error, BongsuError) else type(error).__name__
                log.warning("cases could not be settled", why=why)


def recorded(access: AccessLog, act: Mapping[str, Any]) -> None:
    """Return once *act* is safe in ``core.access``. ``Retriable`` when it may or may not be."""
    try:
        access.write(act).result(SAFE_S)
    except TimeoutError:
        raise Retriable("the access log did not answer in time") from None
