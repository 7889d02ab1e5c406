"""Record batches of any codec, cut and aborted anywhere, give the records that were written. aiokafka writes them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.match.native import unpack as unpacking
from streams.match.native.record_batch import HEAD_BYTES
from streams.match.native.unpack import Damaged, Part, Unpacker
from streams.runtime.records import Record

PLACE = ("topic", 3)
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
COMMIT, ABORT = b"\0\0\0\1", b"\0\0\0\0"

texts = st.none() | st.binary(max_size=200)
records = st.lists(
    st.tuples(
        st.integers(-5_000, 5_000),
        texts,
        texts | st.binary(min_size=300, max_size=3_000),
        st.dictionaries(st.text(max_size=5), st.binary(max_size=20), max_size=3),
    ),
    min_size=1,
    max_size=30,
)


@dataclass(frozen=True)
class Written:
    """A record batch: its bytes, and the records that a reader must get."""

    held: bytes
    records: list[Record]
    producer: int = -1


def batch(
    first: int,
    codec: int,
    values: list[tuple[int, bytes | None, bytes | None, dict[str, bytes]]],
    producer: int = -1,
) -> Written:
    builder = DefaultRecordBatchBuilder(2, codec, producer >= 0, producer, 0, 0, 10_000_000)
    told = []
    for number, (after, key, value, headers) in enumerate(values):
        at = 1_700_000_000_000 + after
        builder.append(number, at, key, value, list(headers.items()))
        told.append(Record(*PLACE, first + number, at, key, value, headers))
    return Written(placed(bytes(builder.build()), first), told, producer)


def marker(first: int, producer: int, key: bytes) -> Written:
    """A control batch that ends a transaction."""
    builder = DefaultRecordBatchBuilder(2, 0, True, producer, 0, 0, 1_000)
    builder.append(0, 1_700_000_000_000, key, b"\0\0\0\0\0\0", [])
    held = bytearray(placed(bytes(builder.build()), first))
    held[22] |= 0x20
    return Written(bytes(held), [], producer)


def placed(held: bytes, first: int) -> bytes:
    """The batch as a broker stores it."""
    return first.to_bytes(8) + held[8:]


def read(parts: list[Part], unpack: Unpacker | None = None) -> list[Record]:
    unpack = unpack or Unpacker()
    found = []
    while (taken := unpack.take(parts)) is not None:
        told = [taken.record_of(row) for row in range(len(taken.payload))]
        assert [one.offset for one in told] == taken.offset.tolist()
        assert [len(one.value or b"") for one in told] == taken.size.tolist()
        assert [one.value is None for one in told] == (taken.payload == 0).tolist()
        assert all(
            (one.topic, one.partition) == taken.places[at] for one, at in zip(told, taken.place, strict=True)
        )
        for where, end in taken.ends.items():
            assert all(one.offset < end for one in told if (one.topic, one.partition) == where)
        found += told
    return found


@given(
    st.lists(st.tuples(st.sampled_from(sorted(CODECS.values())), records, st.integers(0, 3)), max_size=6),
    st.integers(0, 60),
    st.integers(0, 70),
)
def test_what_was_written_comes_out_from_the_wanted_offset_on(
    made: list[tuple[int, list[tuple[int, bytes | None, bytes | None, dict[str, bytes]]], int]],
    wanted: int,
    cut: int,
) -> None:
    at, written = 0, list[Written]()
    for codec, values, gap in made:
        written.append(batch(at, codec, values))
        at += len(values) + gap  # as compaction leaves it
    whole = b"".join(one.held for one in written)
    cut = min(cut, len(written[-1].held) - 1) if written else 0
    part = Part(PLACE, wanted, memoryview(whole[: len(whole) - cut]), ())
    there = written[:-1] if cut else written
    assert part.next_offset == (there[-1].records[-1].offset + 1 if there else wanted)
    assert read([part]) == [one for each in there for one in each.records if one.offset >= wanted]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["more", "commit", "abort"])), max_size=20),
    st.data(),
)
def test_what_was_given_up_is_left_out(steps: list[tuple[int, str]], data: st.DataObject) -> None:
    at, open_at, written = 0, dict[int, int](), list[Written]()
    given_up, told = list[tuple[int, int]](), dict[int, list[Record]]()
    wanted = list[Record]()
    for producer, step in steps:
        if step == "more":
            one = batch(at, 3, [(0, None, b"%d" % at, {})] * 2, producer)
            open_at.setdefault(producer, at)
            told.setdefault(producer, []).extend(one.records)
        else:
            one = marker(at, producer, COMMIT if step == "commit" else ABORT)
            begun, records_of = open_at.pop(producer, None), told.pop(producer, [])
            if step == "commit":
                wanted += records_of
            elif begun is not None:
                given_up.append((producer, begun))
        written.append(one)
        at += max(1, len(one.records))
    for records_of in told.values():  # a broker hides open transactions: here it is committed after all
        wanted += records_of
    given_up = data.draw(st.permutations(given_up))
    part = Part(PLACE, 0, memoryview(b"".join(one.held for one in written)), given_up)
    assert part.next_offset == at
    assert read([part]) == sorted(wanted, key=lambda one: one.offset)


def test_how_far_it_was_read_is_told_also_where_nothing_stands() -> None:
    """Otherwise a quiet partition would seem to lag for ever."""
    given_up = batch(4, 3, [(0, None, b"never", {})], 9).held + marker(5, 9, ABORT).held
    sound = batch(0, 3, [(0, None, b"v", {})])
    parts = [
        Part(PLACE, 4, memoryview(given_up), [(9, 4)]),
        Part(("topic", 4), 0, memoryview(sound.held), ()),
        Part(("topic", 5), 5, memoryview(marker(5, 9, COMMIT).held), ()),
    ]
    taken = Unpacker().take(parts)
    assert taken is not None
    assert taken.ends == {PLACE: 6, ("topic", 4): 1, ("topic", 5): 6}
    assert [taken.places[at] for at in taken.place] == [("topic", 4)]
    assert taken.record_of(0).value == b"v"
    alone = Unpacker().take([Part(PLACE, 4, memoryview(given_up), [(9, 4)])])
    assert alone is not None
    assert alone.ends == {PLACE: 6}
    assert not len(alone.payload)
    assert Unpacker().take([]) is None


def test_much_is_told_in_pieces_and_the_arena_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "RECORDS_MAX", 25)
    monkeypatch.setattr(unpacking, "ARENA_BYTES", 64)
    whole = [batch(10 * at, 3, [(0, b"k", b"v" * 50, {})] * 10) for at in range(20)]
    held = memoryview(b"".join(one.held for one in whole))
    parts = [Part(PLACE, 0, held, ()), Part(("topic", 4), 0, held, ())]
    unpack, sizes, ends = Unpacker(), list[int](), list[int]()
    while (taken := unpack.take(parts)) is not None:
        sizes.append(len(taken.payload))
        ends.append(taken.ends.get(PLACE, 0))
    assert sum(sizes) == 400
    assert max(sizes) <= 30
    assert ends[:3] == sorted(ends[:3])


def test_a_batch_that_no_arena_holds_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "ARENA_BYTES", 64)
    monkeypatch.setattr(unpacking, "ARENA_BYTES_MAX", 1_000)
    one = batch(7, 3, [(0, None, b"v" * 5_000, {})])
    with pytest.raises(Damaged, match="offset 7"):
        Unpacker().take([Part(PLACE, 7, memoryview(one.held), ())])


@given(records, st.integers(0, 10_000), st.integers(1, 255))
def test_damage_is_seen_or_harmless_and_nothing_is_read_beyond_the_batch(
    values: list[tuple[int, bytes | None, bytes | None, dict[str, bytes]]], where: int, flip: int
) -> None:
    held = bytearray(batch(5, 0, values).held)
    held[HEAD_BYTES + where % (len(held) - HEAD_BYTES)] ^= flip
    part = Part(PLACE, 0, memoryview(held), ())
    begin = int(np.frombuffer(held, np.uint8).ctypes.data)
    try:
        taken = Unpacker().take([part])
    except Damaged:
        return
    assert taken is not None
    there = taken.payload > 0
    assert (taken.payload[there] >= begin).all()
    assert (taken.payload[there] + taken.size[there] <= begin + len(held)).all()


@pytest.mark.parametrize("codec", [1, 2, 3, 4, 6])
def test_damage_is_said_alike_of_every_codec(codec: int) -> None:
    held = bytearray(batch(7, codec % 6, [(0, None, b"v" * 50, {})] * 30).held)
    held[22] = codec
    said, whole = list[str](), 0
    for where in range(HEAD_BYTES, len(held)):
        spoilt = held[:where] + bytes([held[where] ^ 0xFF]) + held[where + 1 :]
        try:
            taken = Unpacker().take([Part(PLACE, 7, memoryview(spoilt), ())])
        except Damaged as damaged:
            said.append(str(damaged))
        else:
            whole += taken is not None
    assert set(said) == {"topic 3: the record batch at offset 7 is damaged"}
    assert len(said) + whole == len(held) - HEAD_BYTES


def test_damage_in_headers_is_said_when_the_record_is_copied() -> None:
    held = bytearray(batch(7, 0, [(0, None, b"v", {})]).held)
    held[-1] = 0x7E  # so many headers, of which none is there
    taken = Unpacker().take([Part(PLACE, 7, memoryview(held), ())])
    assert taken is not None
    with pytest.raises(Damaged, match="offset 7"):
        taken.record_of(0)


@pytest.mark.parametrize("count", [-50, 2_000_000_000])
def test_a_count_that_cannot_be_is_damage(count: int) -> None:
    """The count decides how much memory is allocated."""
    sound = batch(0, 0, [(0, None, b"v", {})] * 60).held
    held = bytearray(batch(60, 0, [(0, None, b"v", {})] * 60).held)
    held[57:61] = count.to_bytes(4, signed=True)
    with pytest.raises(Damaged, match="offset 60"):
        Unpacker().take([Part(PLACE, 0, memoryview(sound + held), ())])


def test_a_record_is_copied_without_a_byte_of_what_is_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory behind it may not be mapped."""
    written = batch(0, 0, [(0, b"k", b"v", {}), (1, None, b"w" * 100, {"a": b"b"}), (2, None, None, {})])
    held, read_to = np.frombuffer(written.held, np.uint8), list[int]()
    string_at = ctypes.string_at

    def watched(address: int, size: int) -> bytes:
        read_to.append(address + size)
        return string_at(address, size)

    monkeypatch.setattr(ctypes, "string_at", watched)
    assert read([Part(PLACE, 0, memoryview(held.data), ())]) == written.records
    assert max(read_to) == held.ctypes.data + len(held)


def test_another_format_is_said_and_where() -> None:
    held = bytearray(batch(5, 0, [(0, None, b"v", {})]).held)
    held[16] = 1
    with pytest.raises(Damaged, match="topic 3: from offset 5"):
        Part(PLACE, 5, memoryview(held), ())


def test_times_are_the_brokers_where_it_stamps() -> None:
    held = bytearray(batch(0, 0, [(5, None, b"v", {}), (9, None, b"v", {})]).held)
    held[22] |= 0x08
    assert {one.timestamp_ms for one in read([Part(PLACE, 0, memoryview(held), ())])} == {1_700_000_000_009}
