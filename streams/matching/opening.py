"""Which reader a match worker has: the quick one where it can be had and proves itself, else the plain one."""

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
from streams.match.forms import FORMS, Form
from streams.match.observations import NAMES, observations
from streams.match.values import fill
from streams.matching.plain import PlainReader
from streams.matching.reader import Reader
from streams.matching.rows import Rows
from streams.runtime.clients import producer_of


class Unproved(Exception):
    """The quick way answers otherwise than the plain one."""


def reader_opener(
    city: str, *, bootstrap: str, registry: Registry, is_plain: bool = False
) -> Callable[[str], Reader]:
    """Makes a member of the group it is given. Which kind is decided with the first, once, and said in one line if it is the
    plain.

    Best are record batches as brokers hold them with compiled kernels; then confluent-kafka's messages with those kernels;
    else these row by row.
    """
    choose = cache(partial(_chosen, city, bootstrap, registry, is_plain))

    def open_reader(group: str) -> Reader:
        return choose()(group)

    return open_reader


def make_producer(settings: dict[str, Any]) -> Any:
    """Of librdkafka's settings the quick producer where it can be had, else confluent-kafka's."""
    from streams.matching.fast.library import Library, NativeMissing  # noqa: PLC0415 (as below)
    from streams.matching.fast.producing import NativeProducer  # noqa: PLC0415

    try:
        return NativeProducer(Library(), settings)
    except NativeMissing as error:
        log.warning("evidence is sent the plain way", why=str(error))
        return producer_of(settings)


def _chosen(city: str, bootstrap: str, registry: Registry, is_plain: bool) -> Callable[[str], Reader]:
    try:
        for form in FORMS:
            if form.contract in load_catalogue():
                _prove(form)
    except Exception as error:  # whatever it is, a plainer way is there: numba may be missing, or be another
        log.warning("observations are decoded row by row", why=str(error) or type(error).__name__)
        return lambda group: PlainReader(city, group, bootstrap=bootstrap, decode=Rows(registry).batch)
    from streams.matching.fast.decoding import Decoding  # noqa: PLC0415

    try:
        if is_plain:
            raise Unproved("the city's file says so")
        from streams.matching.fast.reader import FastReader, prove  # noqa: PLC0415 (and so may aiokafka)

        prove(bootstrap)
    except Retriable:  # no broker answers: nobody can read
        raise
    except Exception as error:
        log.warning("observations are read the plain way", why=str(error) or type(error).__name__)
        from streams.matching.fast.objects import decoded  # noqa: PLC0415

        decode = partial(decoded, Decoding(registry))
        return lambda group: PlainReader(city, group, bootstrap=bootstrap, decode=decode)
    return lambda group: FastReader(city, group, bootstrap=bootstrap, registry=registry)


def _prove(form: Form) -> None:
    """The contract's own example through the kernel and through the row decoder. ``Unproved`` where they differ."""
    from streams.matching.fast.kernel import kernel_of  # noqa: PLC0415

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
