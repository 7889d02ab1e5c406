"""XML from outside: UTF-8, without DTDs, entities, anything fetched, or more depth and size than a message can need.

A document type is refused before anything is parsed: no entity is ever declared, so none can expand. What is parsed
takes some twenty times its bytes of memory at the worst, so ``BYTES_MAX`` is what bounds it.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree

from schemas.errors import Invalid

BYTES_MAX = 8 * 1024 * 1024
_BOMS_OF_OTHERS = (b"\xff\xfe", b"\xfe\xff", b"\x00")

Element: TypeAlias = Any
"""lxml's element: it ships no types."""


def parsed(body: bytes) -> Element:
    """The root of *body*. ``Invalid``, which tells where and nothing of what stood there, for what is none."""
    if len(body) > BYTES_MAX:
        raise Invalid("the XML is too long", expected=f"at most {BYTES_MAX} bytes")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Invalid("the XML declares a document type", expected="no DTD, no entities")
    if body.startswith(_BOMS_OF_OTHERS):
        raise Invalid("the XML is not UTF-8", expected="UTF-8")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        where = getattr(error, "position", None) or (0, 0)
        raise Invalid(
            f"the XML is broken at line {where[0]}, column {where[1]}", expected="well-formed XML"
        ) from None
    if root is None:
        raise Invalid("the XML is empty", expected="a document")
    return root
