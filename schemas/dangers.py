"""Find what makes a schema dangerous to decode with: a few bytes could then take all memory or crash the process.

fastavro builds 50 million items from five bytes of ``array<null>`` and crashes on a deep payload of a recursive
schema. A schema that fails these checks is never given to a decoder.
"""

from __future__ import annotations

from schemas.model import Array, Enum, Fixed, Map, Primitive, Record, Recursion, Type, Union, inner_types

DEPTH_MAX = 8
LOGICAL_TYPES = (None, "timestamp-millis")


def dangers(kind: Type) -> list[tuple[str, str]]:
    """(path, what is wrong there) for every danger in *kind*; empty when it is safe."""
    return _dangers(kind, "", 1)


def bytes_min(kind: Type) -> int:
    """The fewest bytes that any value of *kind* takes."""
    match kind:
        case Primitive():
            return {"null": 0, "float": 4, "double": 8}.get(kind.name, 1)
        case Record():
            return sum(bytes_min(one.type) for one in kind.fields)
        case Fixed():
            return kind.size
        case Array() | Map() | Union() | Enum() | Recursion():
            return 1


def _dangers(kind: Type, path: str, depth: int) -> list[tuple[str, str]]:
    if depth > DEPTH_MAX:
        return [(path, f"nested deeper than {DEPTH_MAX}")]
    found = []
    match kind:
        case Recursion():
            found.append((path, f"recursive: {kind.name} within itself"))
        case Array() if bytes_min(kind.items) == 0:
            found.append((path, "items of size zero: a few bytes would make millions of them"))
        case Primitive() | Fixed() if kind.logical not in LOGICAL_TYPES:
            found.append(
                (path, f"logical type {kind.logical}: only timestamp-millis is read alike by all decoders")
            )
    deeper = depth + (not isinstance(kind, Union))  # a union is no level of its own
    for step, inner in inner_types(kind):
        inside = f"{path}{step}" if step == "[]" else f"{path}.{step}".strip(".")
        found += _dangers(inner, inside, deeper)
    return found
