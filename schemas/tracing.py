"""A payload read strictly by the book, slowly: says at which field it breaks, or that it is lawful Avro after all.

The Avro specification's binary encoding, each check made: fastavro takes an enum or union index of -1, whole numbers
beyond 32 bits and trailing bytes, and pyruhvro the last two. Only payloads under suspicion come here.
"""

from __future__ import annotations

from collections.abc import Callable

from schemas.errors import Invalid
from schemas.model import Array, Enum, Fixed, Map, Primitive, Record, Type, Union

VARINT_BITS_MAX = 63


def trace(kind: Type, payload: bytes) -> None:
    """``Invalid`` names the field at which *payload* is not of *kind*; nothing is returned when it is.

    Takes time linear in the payload as long as *kind* has no danger (`schemas.dangers`).
    """
    cursor = _Cursor(payload)
    cursor.skip(kind, "")
    if cursor.at != len(payload):
        raise Invalid("bytes left over", field="value", expected="one record and nothing behind it")


class _Cursor:
    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self.at = 0

    def skip(self, kind: Type, path: str) -> None:
        match kind:
            case Primitive():
                self._skip_primitive(kind.name, path)
            case Record():
                for one in kind.fields:
                    self.skip(one.type, f"{path}.{one.name}" if path else one.name)
            case Enum():
                self._index(len(kind.symbols), path, "an enum's index")
            case Union():
                self.skip(kind.branches[self._index(len(kind.branches), path, "a union's index")], path)
            case Array():
                self._blocks(path, lambda: self.skip(kind.items, f"{path}[]"))
            case Map():
                self._blocks(path, lambda: self._entry(kind, path))
            case Fixed():
                self._take(kind.size, path)
            case _:
                raise Invalid("recursive schema", field=path, expected="a schema without recursion")

    def _skip_primitive(self, name: str, path: str) -> None:
        match name:
            case "null":
                pass
            case "boolean":
                if self._take(1, path) > b"\x01":
                    raise _broken("a byte that is neither true nor false", path, "0 or 1")
            case "int":
                self._whole(path, bits=32)
            case "long":
                self._whole(path, bits=64)
            case "float":
                self._take(4, path)
            case "double":
                self._take(8, path)
            case "bytes":
                self._take(self._length(path), path)
            case _:
                self._text(path)

    def _entry(self, kind: Map, path: str) -> None:
        self._text(path)
        self.skip(kind.values, f"{path}{{}}")

    def _blocks(self, path: str, skip_item: Callable[[], None]) -> None:
        while count := self._whole(path, bits=64):
            if count < 0:
                size = self._length(path)
                end = self.at + size
            for _ in range(abs(count)):
                skip_item()
            if count < 0 and self.at != end:
                raise _broken("a block that is not as long as it says", path, "its size in bytes")

    def _text(self, path: str) -> None:
        try:
            self._take(self._length(path), path).decode()
        except UnicodeDecodeError:
            raise _broken("text that is not UTF-8", path, "UTF-8") from None

    def _length(self, path: str) -> int:
        length = self._whole(path, bits=64)
        if length < 0:
            raise _broken("a negative length", path, "a length")
        return length

    def _index(self, count: int, path: str, what: str) -> int:
        index = self._whole(path, bits=32)
        if not 0 <= index < count:
            raise _broken(f"{what} out of range", path, f"0 to {count - 1}")
        return index

    def _whole(self, path: str, *, bits: int) -> int:
        unsigned, shift = 0, 0
        while True:
            byte = self._take(1, path)[0]
            unsigned |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > VARINT_BITS_MAX:
                raise _broken("a number without end", path, f"a whole number of {bits} bits")
        number = (unsigned >> 1) ^ -(unsigned & 1)
        if unsigned >= 1 << bits:
            raise _broken("a number too large", path, f"a whole number of {bits} bits")
        return number

    def _take(self, size: int, path: str) -> bytes:
        end = self.at + size
        if end > len(self._payload):
            raise _broken("the bytes end", path, f"{size} more bytes")
        taken = self._payload[self.at : end]
        self.at = end
        return taken


def _broken(what: str, path: str, expected: str) -> Invalid:
    where = path or "value"
    return Invalid(f"{where}: {what}", field=where, expected=expected)
