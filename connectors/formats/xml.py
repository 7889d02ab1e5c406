"""XML from outside: UTF-8, without DTDs, entities, anything fetched, or more depth and size than a message can need.

A document type is refused before anything is parsed: no entity is ever declared, so none can expand. What is parsed
takes some twenty times its bytes of memory at the worst, so ``BYTES_MAX`` is what bounds it. Tags, attributes and
namespaces are counted before anything is parsed too: 200,000 attributes of one tag took seconds.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from lxml import etree

from schemas.errors import Invalid

BYTES_MAX = 8 * 1024 * 1024
TAGS_MAX = 400_000
ATTRIBUTES_MAX = 200
"""Of one tag, namespaces included: an envelope of ONVIF with all that its toolkits declare has some sixty."""
NAMESPACES_MAX = 5_000
"""Declared in one document. A batch of notifications that each declare their own has a few for each."""
_TAG_OF_MANY = re.compile(rb"<[^<!?][^<]{%d,}" % (ATTRIBUTES_MAX * len('a=""')))
"""A tag, with the text behind it, that is long enough for too many attributes: no ``<`` may stand in one."""
_BOMS_OF_OTHERS = (b"\xff\xfe", b"\xfe\xff", b"\x00")

Element: TypeAlias = Any
"""lxml's element: it ships no types."""


def parsed(body: bytes) -> Element:
    """The root of *body*. ``Invalid`` for a body that is none; it names the place, and quotes nothing of it."""
    if len(body) > BYTES_MAX:
        raise Invalid("the XML is too long", expected=f"at most {BYTES_MAX} bytes")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Invalid("the XML declares a document type", expected="no DTD, no entities")
    if body.startswith(_BOMS_OF_OTHERS):
        raise Invalid("the XML is not UTF-8", expected="UTF-8")
    _check_counts(body)
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


MARK = "\ufffd"
"""Unicode's own sign for what was no character."""


def parsed_with_marks(body: bytes) -> tuple[Element, bool]:
    """The root of *body*, and whether bytes of no character were read as ``MARK``.

    Then each record asks ``check_unmarked`` of its own element, so a wrong byte costs the record in which it stands.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        if not body.startswith(_BOMS_OF_OTHERS):
            return parsed(body.decode(errors="replace").encode()), True
    return parsed(body), False


def check_unmarked(element: Element, *, beside: str | None = None) -> None:
    """``Invalid`` where a byte of no character stands in *element*, its children's texts and attributes included.

    Children with the tag *beside* are left out: they are records of their own.
    """
    parts = [element, *(child for child in element if child.tag != beside)]
    own = [element.text, *element.attrib.values(), *(child.tail for child in element)]
    inner = (one for part in parts[1:] for each in part.iter() for one in (each.text, *each.attrib.values()))
    if any(one is not None and MARK in one for one in (*own, *inner)):
        raise Invalid("a byte is of no character", expected="UTF-8")


def document(root: Element) -> bytes:
    """*root* as a document of UTF-8."""
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _check_counts(body: bytes) -> None:
    """``Invalid`` where there is more of anything than a message can need. One pass each, none of them a parse."""
    if body.count(b"<") > TAGS_MAX:
        raise Invalid("the XML has too many tags", expected=f"at most {TAGS_MAX}")
    if body.count(b"xmlns") > NAMESPACES_MAX:
        raise Invalid("the XML declares too many namespaces", expected=f"at most {NAMESPACES_MAX}")
    for tag in _TAG_OF_MANY.finditer(body):
        if tag[0].count(b"=") > ATTRIBUTES_MAX and _attributes_of(tag[0]) > ATTRIBUTES_MAX:
            raise Invalid("a tag of the XML has too many attributes", expected=f"at most {ATTRIBUTES_MAX}")


_ATTRIBUTE = re.compile(rb"""\s[^\s=<>"']+\s*=\s*(?:"[^"]*"|'[^']*')""")
_TAG = re.compile(rb"""<[^"'>]*(?:(?:"[^"]*"|'[^']*')[^"'>]*)*""")


def _attributes_of(tag: bytes) -> int:
    """The number of attributes of the tag at the beginning of *tag*; the text behind it may hold anything."""
    opened = _TAG.match(tag)
    return 0 if opened is None else sum(1 for _ in _ATTRIBUTE.finditer(opened[0]))
