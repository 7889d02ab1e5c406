"""Two decoders, one answer: over the whole catalogue, for lawful payloads and for broken ones."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import Contract
from schemas.columns import ColumnCodec
from schemas.errors import Invalid
from schemas.json_form import from_json_value, to_json_value
from schemas.model import model_of
from schemas.rows import RowCodec, plain
from tests.a_schema import shipped_contracts
from tests.property.values import values_of

CONTRACTS = shipped_contracts()
CODECS = {
    one.name: (
        RowCodec(one.newest, max_bytes=one.max_bytes),
        ColumnCodec(one.newest, max_bytes=one.max_bytes),
    )
    for one in CONTRACTS
}
by_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.name)


def fastavros(contract: Contract, payload: bytes) -> Any:
    return fastavro.schemaless_reader(BytesIO(payload), plain(contract.newest))


@by_contract
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_columns_rows_and_fastavro_give_the_same_for_every_contract(
    contract: Contract, data: st.DataObject
) -> None:
    rows, columns = CODECS[contract.name]
    values = data.draw(st.lists(values_of(model_of(contract.newest)), min_size=1, max_size=5))
    payloads = [rows.encode(value) for value in values]
    reference = [fastavros(contract, payload) for payload in payloads]
    assert [rows.decode(payload) for payload in payloads] == reference == values
    found = columns.decode(payloads)
    assert found.aside == ()
    assert found.batch.to_pylist() == reference


@by_contract
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_columns_and_rows_refuse_the_same_broken_payloads(contract: Contract, data: st.DataObject) -> None:
    rows, columns = CODECS[contract.name]
    whole = rows.encode(data.draw(values_of(model_of(contract.newest))))
    payloads = data.draw(st.lists(broken(whole), min_size=1, max_size=40))
    good: list[tuple[int, Any]] = []
    for index, payload in enumerate(payloads):
        alone = columns.decode([payload])
        try:
            good.append((index, rows.decode(payload)))
            assert alone.aside == ()
        except Invalid as error:
            assert error.field
            assert alone.batch.num_rows == 0
    found = columns.decode(payloads)
    assert list(found.indices) == [index for index, _ in good]
    assert repr(found.batch.to_pylist()) == repr([value for _, value in good])  # a broken float may be NaN
    assert sorted([*found.indices, *(index for index, _ in found.aside)]) == list(range(len(payloads)))


@by_contract
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_json_form_brings_every_value_back(contract: Contract, data: st.DataObject) -> None:
    value = data.draw(values_of(model_of(contract.newest)))
    try:
        shown = to_json_value(contract.newest, value)
    except Invalid as error:  # a time that no calendar has
        assert error.expected == "a time in the years 1 to 9999"
    else:
        assert from_json_value(contract.newest, shown) == value


@st.composite
def broken(draw: st.DrawFn, whole: bytes) -> bytes:
    """*whole* with a byte changed, bytes gone, bytes added, or, now and then, as it was."""
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
