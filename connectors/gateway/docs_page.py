"""The page ``/docs``: the OpenAPI description for people. It is made here and needs neither scripts nor another server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.responses import Response

METHODS = ("get", "put", "post", "delete", "patch")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font:14px/1.4 ui-monospace,monospace;background:#f4f4f4}pre{padding:.7rem;overflow:auto;max-height:24rem}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}
section{border-top:2px solid #ddd;margin-top:2rem}h2 code{background:none}summary{cursor:pointer}"""


def add(app: FastAPI) -> None:
    """Add the page, and the document for programs. Each is written once: anybody may ask for them, without a key."""

    @cache
    def written() -> tuple[bytes, bytes]:
        described = app.openapi()
        return orjson.dumps(described), page(described).encode()

    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> Response:
        return Response(written()[0], media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(written()[1], headers=headers, media_type="text/html")


def page(described: Mapping[str, Any]) -> str:
    """The whole page of an OpenAPI document."""
    info = described["info"]
    operations = [
        (path, method, item[method])
        for path, item in described["paths"].items()
        for method in METHODS
        if method in item
    ]
    parts = [
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('summary', ''))}</p>",
        *(f"<p>{_prose(one)}</p>" for one in info.get("description", "").split("\n\n") if one.strip()),
        '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p><ul>',
        *(_line(path, method, one) for path, method, one in operations),
        "</ul>",
        *(text for path, method, one in operations for text in _operation(path, method, one)),
        "<section><h2>Schemas</h2>",
        *(_schema(name, one) for name, one in described.get("components", {}).get("schemas", {}).items()),
        "</section>",
    ]
    head = f'<meta charset="utf-8"><title>{escape(info["title"])}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _prose(text: str) -> str:
    """*text* with ``**bold**`` and code in backquotes; lines stay lines."""
    for mark, tag in (("**", "b"), ("`", "code")):
        pieces = text.split(mark) if tag == "code" else escape(text).split(mark)
        text = "".join(f"<{tag}>{one}</{tag}>" if number % 2 else one for number, one in enumerate(pieces))
    return text.replace("\n", "<br>")


def _line(path: str, method: str, one: Mapping[str, Any]) -> str:
    name = f"{method.upper()} {path}"
    link = f'<a href="#{escape(_anchor(path, method))}"><code>{escape(name)}</code></a>'
    return f"<li>{link} {escape(one.get('summary', ''))}</li>"


def _anchor(path: str, method: str) -> str:
    return f"{method}{path}".replace("/", "-").replace("{", "").replace("}", "")


def _operation(path: str, method: str, one: Mapping[str, Any]) -> Iterator[str]:
    name = escape(f"{method.upper()} {path}")
    yield f'<section id="{escape(_anchor(path, method))}"><h2><code>{name}</code></h2>'
    yield f"<p>{escape(one.get('summary', ''))}</p>"
    yield "<p>With a key.</p>" if one.get("security") else "<p>Without a key.</p>"
    if one.get("parameters"):
        rows = "".join(map(_parameter, one["parameters"]))
        yield f"<table><tr><th>parameter</th><th>where</th><th>form</th><th></th></tr>{rows}</table>"
    if "requestBody" in one:
        types = ", ".join(one["requestBody"]["content"])
        yield f"<p>Body: {escape(one['requestBody'].get('description', ''))} {escape(types)}</p>"
    rows = "".join(_answer(status, told) for status, told in one["responses"].items())
    yield f"<table><tr><th>status</th><th></th></tr>{rows}</table></section>"


def _parameter(one: Mapping[str, Any]) -> str:
    needed = " (required)" if one.get("required") else ""
    cells = (one["name"] + needed, one["in"], _form(one.get("schema", {})), one.get("description", ""))
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _form(schema: Mapping[str, Any]) -> str:
    inner = schema.get("items", schema)
    bounds = [
        f"{word} {inner[word]}" for word in ("minimum", "maximum", "maxLength", "format") if word in inner
    ]
    many = "several " if "items" in schema else ""
    return ", ".join([f"{many}{inner.get('type', '')}", *bounds])


def _answer(status: str, told: Mapping[str, Any]) -> str:
    content = told.get("content", {}).get("application/json", {})
    example = (
        f"<details><summary>example</summary>{_json(content['example'])}</details>"
        if "example" in content
        else ""
    )
    return f"<tr><td>{escape(str(status))}</td><td>{escape(told.get('description', ''))}{example}</td></tr>"


def _schema(name: str, one: Mapping[str, Any]) -> str:
    about = escape(one.get("description", ""))
    return f"<details><summary><code>{escape(name)}</code> {about}</summary>{_json(one)}</details>"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
