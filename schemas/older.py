"""Values of today in an older version of their contract: byte for byte what was written then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.catalogue import Contract
from schemas.errors import Invalid
from schemas.model import Array, Map, Record, Type, Union, model_of
from schemas.rows import RowCodec


class VersionCodecs:
    """Encodes and decodes in any version of a contract, without a registry: numbers are the catalogue's."""

    def __init__(self) -> None:
        self._codecs: dict[tuple[str, int], tuple[RowCodec, Type]] = {}

    def encode(self, contract: Contract, version: int, value: Mapping[str, Any]) -> bytes:
        """*value*, of the newest version, in *version*: fields that it lacks are left out. ``Invalid`` where it misfits."""
        codec, model = self._of(contract, version)
        return codec.encode(in_shape(value, model))

    def decode(self, contract: Contract, version: int, payload: bytes) -> dict[str, Any]:
        """The value of *payload*, written in *version*, in the shape of the newest."""
        newest, _ = self._of(contract, len(contract.versions))
        return newest.decode(payload, writer=_schema(contract, version))

    def decode_as_written(self, contract: Contract, version: int, payload: bytes) -> dict[str, Any]:
        """The value of *payload* in the shape of *version*, which it is written in."""
        return self._of(contract, version)[0].decode(payload)

    def _of(self, contract: Contract, version: int) -> tuple[RowCodec, Type]:
        key = (contract.name, version)
        if key not in self._codecs:
            schema = _schema(contract, version)
            self._codecs[key] = (RowCodec(schema, max_bytes=contract.max_bytes), model_of(schema))
        return self._codecs[key]


def in_shape(value: Any, kind: Type) -> Any:
    """*value* without the fields that *kind* has not, at any depth."""
    match kind, value:
        case Record(), Mapping():
            return {one.name: in_shape(value[one.name], one.type) for one in kind.fields if one.name in value}
        case Array(), list() | tuple():
            return [in_shape(one, kind.items) for one in value]
        case Map(), Mapping():
            return {name: in_shape(one, kind.values) for name, one in value.items()}
        case Union(), _:
            whole = [one for one in kind.branches if isinstance(one, _shape_of(value))]
            return in_shape(value, whole[0]) if len(whole) == 1 else value
        case _:
            return value


def _shape_of(value: Any) -> tuple[type, ...]:
    if isinstance(value, Mapping):
        return (Record, Map)
    return (Array,) if isinstance(value, list | tuple) else ()


def _schema(contract: Contract, version: int) -> Any:
    if not 1 <= version <= len(contract.versions):
        raise Invalid(
            f"{contract.name} has no version {version}",
            field="version",
            expected=f"1 to {len(contract.versions)}, as the catalogue has them",
        )
    return contract.versions[version - 1]
