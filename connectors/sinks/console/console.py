"""The console's paths under ``/console/``: files of this package and of Leaflet's, and the facts of the city.

The pages hold no data of their own: they read the event stream and the lists of the gateway, and act through its API, with
the session of whoever signed in. Their policy allows scripts and styles of this server only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import orjson
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from xstatic.pkg import leaflet

from connectors.gateway.problems import Problem
from connectors.gateway.service import Gateway
from connectors.sinks.console.city import ConsoleCity

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src {asked}; font-src 'self';"
    " media-src {video}; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SELF = "'self'"
HLS = "hls/hls.min.js"
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
LEAFLET = ("leaflet-src.esm.js", "leaflet.css")


@dataclass(frozen=True, slots=True)
class Served:
    """A file as it is sent."""

    body: bytes
    media_type: str

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def policy(*, video: str = SELF, tiles: str = SELF, has_hls: bool = False) -> str:
    """The pages' policy. *video*, *tiles*: origins of pictures and tiles; *has_hls*: a script plays pictures."""
    images = dict.fromkeys((SELF, "data:", video, tiles))  # a picture may stand still
    asked = dict.fromkeys((SELF, video) if has_hls else (SELF,))
    played = (video, "blob:") if has_hls else (video,)
    return POLICY.format(images=" ".join(images), asked=" ".join(asked), video=" ".join(played))


def add(app: FastAPI, gateway: Gateway, *, city: ConsoleCity, video: str = SELF, tiles: str = SELF) -> None:
    """Add the console's paths. *video*, *tiles*: origins of pictures and tiles, as a policy names them."""
    headers = {
        "Content-Security-Policy": policy(video=video, tiles=tiles, has_hls=city.hls is not None),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    about = {
        is_signed_in: Served(orjson.dumps(city.told(is_signed_in=is_signed_in)), TYPES["json"])
        for is_signed_in in (False, True)
    }

    @app.get("/console", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/console/")

    @app.get("/console/api/city", include_in_schema=False)
    async def facts(request: Request) -> Response:
        try:
            is_signed_in = bool(gateway.account_of(request))
        except Problem:
            is_signed_in = False
        return _answer(request, about[is_signed_in], {**headers, "Vary": "Cookie, Authorization"})

    @app.get("/console/api/people", include_in_schema=False)
    async def people(request: Request) -> Response:
        try:
            account = gateway.account_of(request)
        except Problem as problem:
            return problem.answer()
        # without a purpose nobody is told who did what (the columns that identify are masked): nor who there is
        names = gateway.accounts.people() if account.purposes else {}
        return _answer(request, Served(orjson.dumps(names), TYPES["json"]), headers)

    @app.get("/console/api/layers/{number}", include_in_schema=False)
    async def layer(number: int, request: Request) -> Response:
        try:
            gateway.account_of(request)
        except Problem as problem:
            return problem.answer()
        if not 0 <= number < len(city.layers):
            return Problem(404, "the city's file names no such layer").answer()
        return _answer(request, Served(city.layers[number], TYPES["json"]), headers)

    own = {} if city.hls is None else {HLS: Served(city.hls, TYPES["js"])}

    @app.get("/console/{path:path}", include_in_schema=False)
    async def page(path: str, request: Request) -> Response:
        found = own.get(path) or pages().get(path or "index.html")
        if found is None:
            return Problem(404, "the console has no such page").answer()
        return _answer(request, found, headers)


def _answer(request: Request, page: Served, headers: Mapping[str, str]) -> Response:
    about = {**headers, "ETag": page.tag}
    if request.headers.get("if-none-match") == page.tag:
        return Response(status_code=304, headers=about)
    return Response(page.body, headers=about, media_type=page.media_type)


@cache
def pages() -> dict[str, Served]:
    """Every file that is served, by its path. They are few, so they are read once."""
    found = dict(_read(files("connectors.sinks.console") / "pages"))
    found |= {f"words/{path}": page for path, page in _read(files("connectors.sinks.console") / "words")}
    library = files(leaflet) / "data"
    found |= {f"leaflet/{path}": page for path, page in _read(library) if path in LEAFLET}
    return found


def _read(folder: Traversable, before: str = "") -> Iterator[tuple[str, Served]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _read(one, f"{before}{one.name}/")
        elif (media_type := TYPES.get(one.name.rpartition(".")[2])) is not None:
            yield f"{before}{one.name}", Served(one.read_bytes(), media_type)
