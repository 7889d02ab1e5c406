"""An Avro schema to the source of one function that reads a payload once, for numba to compile. Pure.

The function returns *sure* only for plainly valid payloads. Unusual ones, valid or not (text that is not
UTF-8, block counts in bytes, bytes left over), are left to the row decoder, which names the fault.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.model import Array, Enum, Fixed, Primitive, Record, Type, Union

SIZES = {"double": 8, "float": 4}
INT_MAX = 2**31


class CannotWalk(Exception):
    """The schema has a part that this walker does not support."""


class Walker:
    """Writes the source. *want*: dotted path → the variable for its value; a text goes to ``<variable>_p``
    and ``_n``.
    """

    def __init__(self, want: Mapping[str, str]) -> None:
        self._want = want
        self._lines: list[str] = []
        self.found: set[str] = set()

    def text(self, model: Type) -> str:
        """Return the lines for *model*, within a function of (p, end). ``return FAIL`` stands where a payload
        is not plainly valid.
        """
        self._lines = []
        self._walk(model, "", 1)
        return "\n".join(self._lines)

    def _emit(self, depth: int, line: str) -> None:
        self._lines.append("    " * depth + line)

    def _number(self, depth: int, name: str) -> None:
        """Emit the reading of a zigzag number. Nearly all have one byte, which is read without a call."""
        self._emit(depth, "if p < end and u8(p) < 128:")
        self._emit(depth + 1, f"{name} = (np.int64(u8(p)) >> 1) ^ -(np.int64(u8(p)) & 1); p += 1")
        self._emit(depth, "else:")
        self._emit(depth + 1, f"{name}, p = varint(p, end)")

    def _unless(self, depth: int, condition: str) -> None:
        self._emit(depth, f"if {condition}: return FAIL")

    def _wanted(self, path: str) -> str | None:
        name = self._want.get(path)
        if name is not None:
            self.found.add(path)
        return name

    def _walk(self, kind: Type, path: str, depth: int) -> None:
        match kind:
            case Record():
                for field in kind.fields:
                    self._walk(field.type, f"{path}.{field.name}" if path else field.name, depth)
            case Union():
                self._union(kind, path, depth)
            case Array():
                self._array(kind, path, depth)
            case Enum():
                self._number(depth, "v")
                self._unless(depth, f"p == 0 or v < 0 or v >= {len(kind.symbols)}")
            case Fixed():
                self._unless(depth, f"end - p < {kind.size}")
                self._emit(depth, f"p += {kind.size}")
            case Primitive():
                self._primitive(kind.name, path, depth)
            case _:
                raise CannotWalk(type(kind).__name__)

    def _union(self, kind: Union, path: str, depth: int) -> None:
        self._number(depth, "b")
        self._unless(depth, f"p == 0 or b < 0 or b >= {len(kind.branches)}")
        for number, branch in enumerate(kind.branches):
            self._emit(depth, f"{'if' if number == 0 else 'elif'} b == {number}:")
            self._emit(depth + 1, "pass")
            self._walk(branch, path, depth + 1)

    def _array(self, kind: Array, path: str, depth: int) -> None:
        counter = f"c{depth}"
        self._emit(depth, f"{counter} = np.int64(1)")
        self._emit(depth, f"while {counter} != 0:")
        self._number(depth + 1, counter)
        self._unless(depth + 1, f"p == 0 or {counter} < 0 or {counter} > end - p")
        self._emit(depth + 1, f"for _{counter} in range({counter}):")
        self._emit(depth + 2, "pass")
        self._walk(kind.items, f"{path}[]", depth + 2)

    def _primitive(self, name: str, path: str, depth: int) -> None:
        variable = self._wanted(path)
        match name:
            case "null":
                return
            case "string":
                self._number(depth, "n")
                self._unless(depth, "p == 0 or n < 0 or n > end - p")
                self._unless(depth, "not is_text(p, n)")
                if variable is not None:
                    self._emit(depth, f"{variable}_p = p; {variable}_n = n")
                self._emit(depth, "p += n")
            case "int" | "long":
                self._number(depth, "v")
                self._unless(depth, "p == 0")
                if name == "int":
                    self._unless(depth, f"v < {-INT_MAX} or v >= {INT_MAX}")
                if variable is not None:
                    self._emit(depth, f"{variable} = v")
            case "double" | "float":
                self._unless(depth, f"end - p < {SIZES[name]}")
                if variable is not None:
                    self._emit(
                        depth, f"{variable} = {'f64(p)' if name == 'double' else 'np.float64(f32(p))'}"
                    )
                self._emit(depth, f"p += {SIZES[name]}")
            case "boolean":
                self._unless(depth, "p >= end or u8(p) > 1")
                self._emit(depth, "p += 1")
            case _:
                raise CannotWalk(name)
