"""Check a payload against the Avro specification byte by byte, and name the field at fault.

fastavro accepts an enum or union index of -1, whole numbers beyond 32 bits, wrong block sizes and trailing bytes. So it
only reads payloads that passed this check. A schema is compiled into nested steps once.
"""

from __future__ import annotations

from collections.abc import Callable

from schemas.errors import Invalid
from schemas.model import Array, Enum, Fixed, Map, Primitive, Record, Type, Union

Step = Callable[[bytes, int], int]
"""(payload, offset of a value) → offset behind the value; raises ``Invalid``."""

SHIFT_MAX = 63


def tracer_of(kind: Type) -> Callable[[bytes], None]:
    """Return a check that raises ``Invalid``, with the field at fault, unless a payload is exactly one value of *kind*.

    Takes time linear in the payload as long as *kind* has no danger (`schemas.dangers`).
    """
    step = _step(kind, "")

    def trace(payload: bytes) -> None:
        if step(payload, 0) != len(payload):
            raise Invalid("bytes left over", field="value", expected="one record and nothing behind it")

    return trace


def _step(kind: Type, path: str) -> Step:  # noqa: PLR0911 (a return a case)
    match kind:
        case Primitive():
            return _primitive(kind.name, path)
        case Record():
            return _record(
                [_step(one.type, f"{path}.{one.name}" if path else one.name) for one in kind.fields]
            )
        case Enum():
            return _enum(len(kind.symbols), path)
        case Union():
            return _union([_step(branch, path) for branch in kind.branches], path)
        case Array():
            return _blocks(_step(kind.items, f"{path}[]"), path)
        case Map():
            return _blocks(_record([_text(path), _step(kind.values, f"{path}{{}}")]), path)
        case Fixed():
            return _fixed(kind.size, path)
        case _:
            raise Invalid("recursive schema", field=path, expected="a schema without recursion")


def _primitive(name: str, path: str) -> Step:  # noqa: PLR0911 (a return a case)
    match name:
        case "null":
            return lambda _payload, at: at
        case "boolean":
            return _boolean(path)
        case "int":
            return lambda payload, at: _whole(payload, at, path, 32)[1]
        case "long":
            return lambda payload, at: _whole(payload, at, path, 64)[1]
        case "float":
            return _fixed(4, path)
        case "double":
            return _fixed(8, path)
        case "bytes":
            return lambda payload, at: _span(payload, at, path)[1]
        case _:
            return _text(path)


def _record(steps: list[Step]) -> Step:
    def skip(payload: bytes, at: int) -> int:
        for step in steps:
            at = step(payload, at)
        return at

    return skip


def _union(steps: list[Step], path: str) -> Step:
    def skip(payload: bytes, at: int) -> int:
        index, at = _whole(payload, at, path, 32)
        if not 0 <= index < len(steps):
            raise _broken("a union's index out of range", path, f"0 to {len(steps) - 1}")
        return steps[index](payload, at)

    return skip


def _enum(count: int, path: str) -> Step:
    def skip(payload: bytes, at: int) -> int:
        index, at = _whole(payload, at, path, 32)
        if not 0 <= index < count:
            raise _broken("an enum's index out of range", path, f"0 to {count - 1}")
        return at

    return skip


def _blocks(step: Step, path: str) -> Step:
    def skip(payload: bytes, at: int) -> int:
        while True:
            count, at = _whole(payload, at, path, 64)
            if count == 0:
                return at
            end = None
            if count < 0:  # Avro: a negative count is followed by the block's size in bytes
                size, at = _whole(payload, at, path, 64)
                end = at + size
            for _ in range(abs(count)):
                at = step(payload, at)
            if end is not None and at != end:
                raise _broken("a block that is not as long as it says", path, "its size in bytes")

    return skip


def _text(path: str) -> Step:
    def skip(payload: bytes, at: int) -> int:
        begin, end = _span(payload, at, path)
        try:
            payload[begin:end].decode()
        except UnicodeDecodeError:
            raise _broken("text that is not UTF-8", path, "UTF-8") from None
        return end

    return skip


def _boolean(path: str) -> Step:
    def skip(payload: bytes, at: int) -> int:
        if at >= len(payload):
            raise _broken("the bytes end", path, "true or false")
        if payload[at] > 1:
            raise _broken("neither true nor false", path, "0 or 1")
        return at + 1

    return skip


def _fixed(size: int, path: str) -> Step:
    def skip(payload: bytes, at: int) -> int:
        if at + size > len(payload):
            raise _broken("the bytes end", path, f"{size} bytes")
        return at + size

    return skip


def _span(payload: bytes, at: int, path: str) -> tuple[int, int]:
    """Begin and end of the bytes whose length is encoded at *at*."""
    length, begin = _whole(payload, at, path, 64)
    if length < 0:
        raise _broken("a negative length", path, "a length")
    end = begin + length
    if end > len(payload):
        raise _broken("the bytes end", path, f"{length} bytes")
    return begin, end


def _whole(payload: bytes, at: int, path: str, bits: int) -> tuple[int, int]:
    """The zigzag number at *at*, and the offset behind it."""
    try:
        unsigned = payload[at]
        at += 1
        if unsigned >= 0x80:
            unsigned, shift, byte = unsigned & 0x7F, 7, 0x80
            while byte >= 0x80 and shift <= SHIFT_MAX:
                byte = payload[at]
                at += 1
                unsigned |= (byte & 0x7F) << shift
                shift += 7
            if byte >= 0x80 or unsigned >> bits:
                raise _broken("a number too large", path, f"a whole number of {bits} bits")
    except IndexError:
        raise _broken("the bytes end", path, "a whole number") from None
    return (unsigned >> 1) ^ -(unsigned & 1), at


def _broken(what: str, path: str, expected: str) -> Invalid:
    where = path or "value"
    return Invalid(f"{where}: {what}", field=where, expected=expected)
