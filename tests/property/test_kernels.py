"""The kernels against the row decoder: where a kernel is sure it gives the same result, and it is never sure of a fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.model import Array, Enum, Primitive, Record, Type, Union, model_of
from schemas.rows import RowCodec
from streams.match.core.forms import FORMS, Form
from streams.match.core.observations import NAMES, Observations, observations
from streams.match.core.values import fill
from streams.match.native.kernel import kernel_of

KNOWN = [form for form in FORMS if form.contract in load_catalogue()]
BYTES_MAX = 4_096
WORDS = st.text(max_size=12)
TIMES = st.integers(0, 1 << 42)


def values(kind: Type) -> st.SearchStrategy[Any]:
    """Any value of *kind*."""
    match kind:
        case Record():
            return st.fixed_dictionaries({field.name: values(field.type) for field in kind.fields})
        case Union():
            return st.one_of(*(values(branch) for branch in kind.branches))
        case Array():
            return st.lists(values(kind.items), max_size=3)
        case Enum():
            return st.sampled_from(kind.symbols)
        case Primitive():
            return {
                "null": st.none(),
                "boolean": st.booleans(),
                "string": WORDS,
                "int": st.integers(-(2**31), 2**31 - 1),
                "long": TIMES if kind.logical else st.integers(-(2**63), 2**63 - 1),
                "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
                "double": st.floats(allow_nan=False, allow_infinity=False),
            }[kind.name]
        case _:
            raise AssertionError(kind)


def observed(form: Form, writer: Any, payload: bytes) -> tuple[bool, Observations]:
    """(whether the kernel is sure, what it read)."""
    frame = np.frombuffer(b"\0\0\0\0\1" + payload, np.uint8)
    seen, sure = observations(1), np.zeros(1, np.bool_)
    kernel_of(form, writer).observe(
        np.array([frame.ctypes.data]),
        np.array([len(frame)]),
        np.zeros(1, np.uint8),
        np.uint8(0),
        BYTES_MAX,
        sure,
        *(getattr(seen, name) for name in NAMES[2:]),
    )
    return bool(sure[0]), seen


def wanted(form: Form, value: Mapping[str, Any]) -> Observations:
    row = observations(1)
    fill(row, 0, value, form)
    return row


def agree(ours: Observations, theirs: Observations) -> bool:
    return all(
        np.array_equal(
            getattr(ours, name),
            getattr(theirs, name),
            equal_nan=name in ("lat", "lon", "confidence", "heights"),
        )
        for name in NAMES[2:]
    )


@pytest.mark.parametrize("form", KNOWN, ids=lambda form: form.contract)
@settings(max_examples=150)
@given(data=st.data())
def test_a_kernel_is_sure_of_every_sound_payload_and_reads_what_the_row_decoder_reads(
    form: Form, data: Any
) -> None:
    for writer in load_catalogue()[form.contract].versions:
        value = data.draw(values(model_of(writer)))
        payload = RowCodec(writer).encode(value)
        newest = RowCodec(load_catalogue()[form.contract].newest).decode(payload, writer=writer)
        sure, seen = observed(form, writer, payload)
        assert sure
        assert agree(seen, wanted(form, newest))


@pytest.mark.parametrize("form", KNOWN, ids=lambda form: form.contract)
@settings(max_examples=300)
@given(data=st.data(), at=st.integers(0, 400), noise=st.binary(max_size=9), cut=st.integers(0, 30))
def test_a_kernel_is_never_sure_of_what_the_row_decoder_refuses(
    form: Form, data: Any, at: int, noise: bytes, cut: int
) -> None:
    writer = load_catalogue()[form.contract].newest
    sound = RowCodec(writer).encode(data.draw(values(model_of(writer))))
    payload = (sound[:at] + noise + sound[at + len(noise) :])[: len(sound) - cut]
    sure, seen = observed(form, writer, payload)
    try:
        value = RowCodec(writer).decode(payload)
    except Invalid:
        assert not sure
    else:
        assert not sure or agree(seen, wanted(form, value))


@pytest.mark.parametrize("form", KNOWN, ids=lambda form: form.contract)
def test_what_is_too_long_is_left_to_the_row_decoder(form: Form) -> None:
    assert not observed(form, load_catalogue()[form.contract].newest, b"\0" * (BYTES_MAX + 1))[0]
