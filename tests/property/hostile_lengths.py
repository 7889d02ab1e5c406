"""Every kernel that reads bytes at addresses, on bytes with wrong lengths, directly before an unreadable page.

A kernel that reads one byte too many ends the process: run it as one of its own. numba's bounds check sees no addresses.
"""

from __future__ import annotations

import ctypes
import json
import mmap
from contextlib import suppress
from random import Random

import numpy as np

from schemas.catalogue import Contract, load_catalogue
from schemas.json_form import from_json_value
from schemas.rows import RowCodec
from streams.match.core.forms import FORMS, Form
from streams.match.core.observations import NAMES, observations
from streams.match.native.kernel import kernel_of
from streams.match.native.load import schemas_met
from streams.match.native.unpack import Damaged, Part, Unpacker
from tests.property.test_unpacking import CODECS, PLACE, batch

BYTES_MAX = 4_096
LIES = (
    b"\xff" * 9 + b"\x01",
    b"\xfe" + b"\xff" * 8 + b"\x01",
    b"\xfe\xff\xff\xff\x0f",
    b"\xc8\x01",
    b"\x7f",
    b"\x01",
    b"\x80",
)
"""Wrong lengths: the least and the greatest number, the greatest of 32 bits, 100, a negative one, an endless varint."""
FLIPS = 1_000
COLUMNS = 7


class Edge:
    """Memory that ends at an unreadable page."""

    def __init__(self, pages: int = 4) -> None:
        self._size = pages * mmap.PAGESIZE
        self._held = mmap.mmap(-1, self._size + mmap.PAGESIZE)
        self._begin = ctypes.addressof(ctypes.c_char.from_buffer(self._held))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mprotect(ctypes.c_void_p(self._begin + self._size), mmap.PAGESIZE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, held: bytes) -> int:
        """Write *held* right before the end; return its address."""
        self._held[self._size - len(held) : self._size] = held
        return self._begin + self._size - len(held)

    def view(self, held: bytes) -> memoryview:
        self.put(held)
        return memoryview(self._held)[self._size - len(held) : self._size]


def lied(held: bytes) -> list[bytes]:
    """*held* cut at each byte, and with each wrong length at each byte."""
    cut = [held[:end] for end in range(len(held))]
    return cut + [held[:at] + lie + held[at + len(lie) :] for at in range(len(held)) for lie in LIES]


def read_frames(edge: Edge, form: Form, contract: Contract) -> int:
    shown = json.loads((contract.folder / "examples" / "typical.json").read_text(encoding="utf-8"))
    payload = RowCodec(contract.newest).encode(from_json_value(contract.newest, shown))
    kernel, count = kernel_of(form, contract.newest), 0
    for one in lied(b"\0\0\0\0\1" + payload):
        address, size = np.array([edge.put(one)]), np.array([len(one)])
        group = np.empty(1, np.uint8)
        schemas_met(
            address, size, np.zeros(1, np.uint8), np.zeros(1, np.int64), group, np.empty((255, 2), np.int64)
        )
        if group[0] != 0:
            continue
        seen, sure = observations(1), np.zeros(1, np.bool_)
        columns = (getattr(seen, name) for name in NAMES[2:])
        kernel.observe(address, size, group, np.uint8(0), BYTES_MAX, sure, *columns)
        where, length = np.zeros((COLUMNS, 1), np.int64), np.zeros((COLUMNS, 1), np.int64)
        kernel.locate(address, size, np.zeros(1, np.int64), np.zeros(1, np.int64), where, length, np.empty(1))
        count += 1
    return count


def read_batches(edge: Edge, chance: Random) -> int:
    """Read record batches of each codec. Only the uncompressed ones test the edge: others are unpacked to new memory."""
    values = [(number, b"key", b"v" * (40 * number), {"name": b"header"}) for number in range(4)]
    whole = batch(5, CODECS["none"], list(values)).held
    hostile = lied(whole)
    for codec in CODECS.values():
        packed = batch(5, codec, list(values)).held
        hostile += [packed[:end] for end in range(len(packed))]
    for _ in range(FLIPS):
        flipped = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            flipped[chance.randrange(len(flipped))] = chance.choice(
                (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
            )
        hostile.append(bytes(flipped))
    for one in hostile:
        with suppress(Damaged):
            taken = Unpacker().take([Part(PLACE, 0, edge.view(one), ())])
            if taken is not None:
                for row in range(len(taken.payload)):
                    taken.record_of(row)
    return len(hostile)


def main() -> None:
    edge, catalogue = Edge(), load_catalogue()
    frames = sum(
        read_frames(edge, form, catalogue[form.contract]) for form in FORMS if form.contract in catalogue
    )
    print(frames, read_batches(edge, Random(1)))  # noqa: T201 (the test reads it)


if __name__ == "__main__":
    main()
