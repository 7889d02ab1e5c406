"""The choice of a match worker's reader: the fast one if it is available and passes its check, else the plain one."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.json_form import from_json_value
from schemas.registry import Registry
from schemas.rows import RowCodec
from streams.log import log
from streams.match.core.forms import FORMS, Form
from streams.match.core.observations import NAMES, observations
from streams.match.core.values import fill
from streams.match.worker.message_reader import PlainReader
from streams.match.worker.reader import Reader
from streams.match.worker.rows import Rows
from streams.runtime.clients import producer_of
from streams.runtime.security import secured


class Unproved(Exception):
    """The fast way gives other results than the plain one."""


def reader_opener(
    city: str, *, bootstrap: str, registry: Registry, is_plain: bool = False
) -> Callable[[str], Reader]:
    """Return a function that makes a member of the given group. Its kind is chosen once, at the first call; if it is
    not the fastest, a line is logged.

    In order: fetched record batches with compiled kernels; confluent-kafka's messages with those kernels;
    those messages row by row.
    """
    choose = cache(partial(_chosen, city, bootstrap, registry, is_plain))

    def open_reader(group: str) -> Reader:
        return choose()(group)

    return open_reader


def make_producer(settings: dict[str, Any]) -> Any:
    """Return the native producer if it is available, else confluent-kafka's."""
    from streams.match.native.librdkafka import Library, NativeMissing  # noqa: PLC0415 (imported only where used: numba may be missing)
    from streams.match.native.producer import NativeProducer  # noqa: PLC0415 (as above)

    try:
        return NativeProducer(Library(), secured(settings))
    except NativeMissing as error:
        log.warning("native producer not available, using confluent-kafka's", why=str(error))
        return producer_of(settings)


def _chosen(city: str, bootstrap: str, registry: Registry, is_plain: bool) -> Callable[[str], Reader]:
    try:
        for form in FORMS:
            if form.contract in load_catalogue():
                _prove(form)
    except Exception as error:  # numba may be missing or another version: a plainer way works
        log.warning("observations are decoded row by row", why=str(error) or type(error).__name__)
        return lambda group: PlainReader(city, group, bootstrap=bootstrap, decode=Rows(registry).batch)
    from streams.match.native.decode import Decoder  # noqa: PLC0415 (needs numba)

    try:
        if is_plain:
            raise Unproved('reader = "plain" in the city\'s file')
        from streams.match.native.batch_reader import FastReader, prove  # noqa: PLC0415 (needs aiokafka)

        prove(bootstrap)
    except Retriable:  # Kafka unavailable: no reader works
        raise
    except Exception as error:
        log.warning(
            "fast reader not available, reading with confluent-kafka", why=str(error) or type(error).__name__
        )
        from streams.match.native.messages import decoded  # noqa: PLC0415 (needs numba)

        decode = partial(decoded, Decoder(registry))
        return lambda group: PlainReader(city, group, bootstrap=bootstrap, decode=decode)
    return lambda group: FastReader(city, group, bootstrap=bootstrap, registry=registry)


def _prove(form: Form) -> None:
    """Decode the contract's own example with the kernel and with the row decoder. ``Unproved`` if they differ."""
    from streams.match.native.kernel import kernel_of  # noqa: PLC0415 (needs numba)

    contract = load_catalogue()[form.contract]
    shown = json.loads((contract.folder / "examples" / "typical.json").read_text(encoding="utf-8"))
    payload = RowCodec(contract.newest).encode(from_json_value(contract.newest, shown))
    frame = np.frombuffer(b"\0\0\0\0\1" + payload, np.uint8)
    seen, wanted = observations(1), observations(1)
    for columns in (seen, wanted):
        columns.at[:] = columns.topic[:] = 0
    sure = np.zeros(1, np.bool_)
    kernel_of(form, contract.newest).observe(
        np.array([frame.ctypes.data]),
        np.array([len(frame)]),
        np.zeros(1, np.uint8),
        np.uint8(0),
        contract.max_bytes,
        sure,
        *(getattr(seen, name) for name in NAMES[2:]),
    )
    fill(wanted, 0, RowCodec(contract.newest).decode(payload), form)
    wanted.topic[:] = 0
    if not sure[0] or any(getattr(seen, name).tobytes() != getattr(wanted, name).tobytes() for name in NAMES):
        raise Unproved(f"the kernel of {form.contract} does not read what the row decoder reads")
