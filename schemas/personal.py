"""Personal data of a contract: which fields identify somebody, which say where somebody or something is.

``[personal]`` in ``topic.toml`` names them by dotted path; a path stands for all within it. A field that looks like either
and is neither stands under ``[personal.exempt]`` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.model import Array, Fixed, Primitive, Record, Type, nullable, paths

KEYS = {"identifying", "located", "exempt"}
WORDS = frozenset(
    [
        "account",
        "address",
        "attribute",
        "attributes",
        "by",
        "consent",
        "detail",
        "guardian",
        "headline",
        "image",
        "name",
        "names",
        "note",
        "notes",
        "person",
        "phone",
        "photo",
        "plate",
        "reason",
        "ref",
        "refs",
        "reference",
        "references",
        "subject",
        "text",
        "token",
        "tokens",
    ]
)
"""Words of a field's name that say: text in it may identify somebody."""
NAMES = frozenset({"vehicle_id", "track_id"})
"""Names that say so as a whole: numbers of things that go where a person goes."""
PLACES = frozenset({"geometry", "polygon", "area", "box"})
"""Words of a field's name that say: it tells where, in whatever form."""
BOXES = frozenset({"x", "y", "width", "height"})


@dataclass(frozen=True, slots=True)
class Personal:
    """*identifying*: address, names, notes, references to persons, tokens of plates, images, attributes of persons.

    *located*: positions, areas, boxes. *exempt*: path → why a field that looks like one of both is not personal.
    """

    identifying: tuple[str, ...] = ()
    located: tuple[str, ...] = ()
    exempt: Mapping[str, str] = field(default_factory=dict)


def read_personal(said: Any) -> Personal:
    """Read ``[personal]``. ``ValueError`` says what to write instead."""
    if not isinstance(said, Mapping) or not {"identifying", "located"} <= said.keys() <= KEYS:
        raise ValueError(
            "[personal] has identifying = [...], located = [...] and, where needed, [personal.exempt] with field = reason"
        )
    return Personal(
        _texts(said["identifying"], "identifying"), _texts(said["located"], "located"), _reasons(said)
    )


def _texts(said: Any, key: str) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise ValueError(f"personal.{key} must be a list of fields")
    return tuple(said)


def _reasons(said: Mapping[str, Any]) -> dict[str, str]:
    exempt = said.get("exempt", {})
    if not isinstance(exempt, Mapping) or not all(isinstance(one, str) for one in exempt.values()):
        raise ValueError('personal.exempt must be fields with their reasons: "hazards.name" = "a site\'s"')
    return dict(exempt)


def misclassed(record: Record, personal: Personal) -> Iterator[tuple[str, str]]:
    """(path, what is wrong and how to mend it): no such field, in two classes, or in none though it looks personal."""
    known = {path for path, _ in paths(record)}
    listed = [*personal.identifying, *personal.located, *personal.exempt]
    for path in dict.fromkeys(listed):
        if path not in known:
            yield path, "personal in topic.toml names it, and there is no such field"
        elif listed.count(path) > 1:
            yield path, "personal in topic.toml names it twice: a field stands in one class only"
        elif above := next((one for one in listed if path.startswith(f"{one}.")), None):
            yield path, f"personal in topic.toml names it within {above}, which stands for all within it"
    for path, reason in personal.exempt.items():
        if not reason.strip():
            yield path, "personal.exempt must say why it is not personal"
    looks = dict(suspects(record))
    for path, kind in looks.items():
        if not any(path == one or path.startswith(f"{one}.") for one in listed):
            yield path, f"it looks {kind}: name it under [personal] in topic.toml, or under [personal.exempt]"
    for path in personal.exempt:
        if path in known and not any(one == path or one.startswith(f"{path}.") for one in looks):
            yield path, "it does not look personal and needs no exemption: take it out of personal.exempt"


def suspects(record: Record) -> Iterator[tuple[str, str]]:
    """(path, class) of each field that looks personal by its name or its form; a place's own parts are not told."""
    yield from _suspects(record, "", looks=False)


def _suspects(record: Record, path: str, *, looks: bool) -> Iterator[tuple[str, str]]:
    for one in record.fields:
        where = f"{path}.{one.name}" if path else one.name
        words = set(one.name.split("_"))
        kind = _bare(one.type)
        is_named = looks or one.name in NAMES or bool(words & WORDS)
        if _is_place(kind) or (words & PLACES and not isinstance(kind, Primitive)):
            yield where, "located"
        elif isinstance(kind, Record):
            yield from _suspects(kind, where, looks=is_named)
        elif words & PLACES and kind == Primitive("string"):
            yield where, "located"
        elif (
            (is_named and kind == Primitive("string"))
            or isinstance(kind, Fixed)
            or kind == Primitive("bytes")
        ):
            yield where, "identifying"


def _bare(kind: Type) -> Type:
    """*kind* without null and lists around it."""
    while (inner := kind.items if isinstance(kind, Array) else nullable(kind)) is not None:
        kind = inner
    return kind


def _is_place(kind: Type) -> bool:
    names = {one.name for one in kind.fields} if isinstance(kind, Record) else set()
    return {"lat", "lon"} <= names or names == BOXES
