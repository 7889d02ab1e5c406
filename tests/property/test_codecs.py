"""Two decoders give the same result over the whole catalogue, for valid payloads and for broken ones."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import Contract
from schemas.errors import Invalid
from schemas.json_form import from_json_value, to_json_value
from schemas.model import model_of
from schemas.rows import RowCodec, plain
from tests.a_schema import shipped_contracts
from tests.property.values import values_of

CONTRACTS = shipped_contracts()
CODECS = {one.name: RowCodec(one.newest, max_bytes=one.max_bytes) for one in CONTRACTS}
by_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.name)


def fastavros(contract: Contract, payload: bytes) -> Any:
    return fastavro.schemaless_reader(BytesIO(payload), plain(contract.newest))


@by_contract
@settings(max_examples=25)
@given(data=st.data())
def test_rows_and_fastavro_give_the_same_for_every_contract(contract: Contract, data: st.DataObject) -> None:
    rows = CODECS[contract.name]
    value = data.draw(values_of(model_of(contract.newest)))
    payload = rows.encode(value)
    assert rows.decode(payload) == fastavros(contract, payload) == value


@by_contract
@settings(max_examples=25)
@given(data=st.data())
def test_a_broken_payload_is_refused_or_is_the_value_of_its_bytes(
    contract: Contract, data: st.DataObject
) -> None:
    rows = CODECS[contract.name]
    payload = data.draw(broken(rows.encode(data.draw(values_of(model_of(contract.newest))))))
    try:
        value = rows.decode(payload)
    except Invalid as error:
        assert error.field
    else:
        assert repr(value) == repr(fastavros(contract, payload))  # a broken float may be NaN


@by_contract
@settings(max_examples=15)
@given(data=st.data())
def test_the_json_form_brings_every_value_back(contract: Contract, data: st.DataObject) -> None:
    value = data.draw(values_of(model_of(contract.newest)))
    try:
        shown = to_json_value(contract.newest, value)
    except Invalid as error:  # a time beyond Python's calendar
        assert error.expected == "a time in the years 1 to 9999"
    else:
        assert from_json_value(contract.newest, shown) == value


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """*whole* with a byte changed, bytes removed, bytes added, or, sometimes, unchanged."""
    at = draw(st.integers(0, len(whole) - 1))
    some = draw(
        st.sampled_from([b"\x01", b"\xff", b"\x00", b"\x80\x00", b"\x03\x02", b"\xfe\xff\xff\xff\xff\x07"])
    )
    return draw(
        st.sampled_from(
            [
                whole,
                whole[:at],
                whole + some,
                whole[:at] + some + whole[at + 1 :],
                whole[:at] + some + whole[at:],
            ]
        )
    )
