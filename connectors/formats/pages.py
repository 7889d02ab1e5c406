"""A list that comes in pages: where its next page is, and all its pages as one body. Pure.

A page names the next in one of three ways: the HTTP header ``Link: <…>; rel="next"`` (RFC 8288), the same link in the body
(OGC API Features: ``"links": [{"rel": "next", "href": …}]``; JSON:API: ``"links": {"next": …}``), or ArcGIS's
``exceededTransferLimit``, which says that more rows stand behind the last one sent (``resultOffset``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from connectors.formats.json import BOM, at_path

Form = Literal["list", "rows", "lines"]

_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\r\n]*")
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[^\s;,="]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)')
_PARAMETER = re.compile(r';\s*([^\s;,="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?')
_CUT = re.compile(r'("exceededTransferLimit"\s*:\s*)true')
_MAY_GO_ON = re.compile(rb'"exceededTransferLimit"|"links"')


class NoPage(ValueError):
    """A body that is no page of the list."""


@dataclass(frozen=True, slots=True)
class ListForm:
    """The place of the records in a page.

    *form*: a JSON list, rows under a heading, or one JSON a line; ``None``: rows or a JSON list, by the first letter.
    *paths*: dotted paths of a JSON list, the first that leads to one counts; "" is the body itself.
    """

    form: Form | None = None
    paths: tuple[str, ...] = ("",)
    encoding: str = "utf-8"

    def form_of(self, body: bytes) -> Form:
        if self.form is not None:
            return self.form
        return "list" if body.removeprefix(BOM).lstrip()[:1] in (b"[", b"{") else "rows"


def linked_next(headers: Sequence[str]) -> str | None:
    """The target of the first link of relation ``next`` in the values of ``Link`` headers, as it is written there.

    A link with an ``anchor`` is about another page than the one that was asked for.
    """
    for header in headers:
        for target, parameters in _LINK.findall(header):
            said: dict[str, str] = {}
            for name, quoted, plain in _PARAMETER.findall(parameters):
                said.setdefault(name.lower(), quoted or plain)  # of two of one name the first counts
            if "next" in said.get("rel", "").lower().split() and "anchor" not in said:
                return str(target)
    return None


def next_page(url: str, body: bytes, links: Sequence[str], form: ListForm) -> str | None:
    """The address of the page behind the one that was got from *url*; ``None`` for the last.

    It may be any that the page names: the caller decides whether to ask there.
    """
    linked = linked_next(links)
    if linked is None and form.form_of(body) == "list" and _MAY_GO_ON.search(body):
        value = _value(body, form)
        linked = _link_in(value)
        if linked is None and _is_cut(value):
            return _behind(url, _list_in(value, form))
    return None if linked is None else urljoin(url, linked)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, by which one server is told from another (RFC 6454). ``ValueError`` for no address."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or usual


def joined(bodies: Sequence[bytes], form: ListForm) -> bytes:
    """The first body with the records of all. ``NoPage`` where one is no page of the same list."""
    how = form.form_of(bodies[0])
    if how == "lines":
        return b"\n".join(body.removeprefix(BOM).strip(b"\r\n") for body in bodies) + b"\n"
    return _joined_lists(bodies, form) if how == "list" else _joined_rows(bodies)


def _joined_rows(bodies: Sequence[bytes]) -> bytes:
    heading = bodies[0].removeprefix(BOM).partition(b"\n")[0].strip()
    parts = [bodies[0].rstrip(b"\r\n")]
    for body in bodies[1:]:
        first, _, rest = body.removeprefix(BOM).partition(b"\n")
        if first.strip() != heading:
            raise NoPage("its heading is another")
        parts.append(rest.rstrip(b"\r\n"))
    return b"\n".join(part for part in parts if part) + b"\n"


def _joined_lists(bodies: Sequence[bytes], form: ListForm) -> bytes:
    texts = [_text(body, form) for body in bodies]
    places = [_place(text, form) for text in texts]
    inside = [text[start:end].strip() for text, (start, end) in zip(texts, places, strict=True)]
    first, (start, end) = texts[0], places[0]
    head, tail = first[:start], first[end:]
    if not _is_cut(_value(bodies[-1], form)):  # the list is whole now
        head, tail = _CUT.sub(r"\1false", head), _CUT.sub(r"\1false", tail)
    whole = head + ",".join(part for part in inside if part) + tail
    return whole.encode(form.encoding, "surrogateescape")


def _text(body: bytes, form: ListForm) -> str:
    """*body* as text that gives the same bytes again, wrong ones too: they are their record's fault alone."""
    return body.removeprefix(BOM).decode(form.encoding, "surrogateescape")


def _value(body: bytes, form: ListForm) -> Any:
    try:
        return json.loads(_text(body, form), strict=False)
    except (ValueError, RecursionError):  # the source says what is wrong with it
        return None


def _place(text: str, form: ListForm) -> tuple[int, int]:
    """Where the list's elements begin and end, without its brackets."""
    for path in form.paths:
        try:
            at = _start(text, path.split(".") if path else [])
            if at is None or text[at] != "[":
                continue
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, IndexError, RecursionError):
            continue
        return at + 1, end - 1
    raise NoPage("it holds no list")


def _start(text: str, steps: Sequence[str]) -> int | None:
    """Where the value under *steps* begins."""
    at = _after_space(text, 0)
    for step in steps:
        found = _member(text, at, step) if text[at] == "{" else None
        if found is None:
            return None
        at = found
    return at


def _member(text: str, at: int, name: str) -> int | None:
    """Where the value of *name* begins in the object at *at*; of two of one name the last, as readers of JSON take it."""
    found, at = None, _after_space(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, _after_space(text, at) + 1)
        if key == name:
            found = at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _list_in(value: Any, form: ListForm) -> list[Any]:
    for path in form.paths:
        found = at_path(value, path) if path else value
        if isinstance(found, list):
            return found
    return []


def _link_in(value: Any) -> str | None:
    links = value.get("links") if isinstance(value, dict) else None
    if isinstance(links, dict):  # JSON:API, as MDS has it; null on the last page
        named = links.get("next")
        named = named.get("href") if isinstance(named, dict) else named
        return named if isinstance(named, str) and named else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            return str(link["href"])
    return None


def _is_cut(value: Any) -> bool:
    """Whether ArcGIS says that rows were left off: at the top, or among the properties of a GeoJSON."""
    if not isinstance(value, dict):
        return False
    inner = value.get("properties")
    places = (value, inner if isinstance(inner, dict) else {})
    return any(one.get("exceededTransferLimit") is True for one in places)


def is_cut(body: bytes, form: ListForm) -> bool:
    """Whether *body* says of itself that rows were left off."""
    return b'"exceededTransferLimit"' in body and _is_cut(_value(body, form))


def _behind(url: str, records: Sequence[Any]) -> str:
    """*url* with the ``resultOffset`` behind *records*; the same address where there are none."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    stated = [value for name, value in query if name == "resultOffset"]
    offset = int(stated[-1]) if stated and stated[-1].isdecimal() else 0
    others = [(name, value) for name, value in query if name != "resultOffset"]
    whole = [*others, ("resultOffset", str(offset + len(records)))] if records else query
    return parts._replace(query=urlencode(whole)).geturl()
