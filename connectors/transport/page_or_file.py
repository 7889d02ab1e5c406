"""A page of the web or a file, whichever a source's settings name; neither, when it is only played or pushed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.base import Heard
from connectors.formats.pages import ListForm, is_cut
from connectors.transport.file import read_file
from connectors.transport.web_page import PAGES_MAX, Paging, WebPage
from schemas.errors import Fatal


def a_charset(name: str) -> str:
    """*name* itself, for a setting. ``ValueError`` for no character set that Python knows, or one without ASCII."""
    try:
        b"a".decode(name)
    except (LookupError, UnicodeDecodeError) as error:
        raise ValueError("a character set that Python knows and that holds ASCII") from error
    return name


Charset = Annotated[str, AfterValidator(a_charset)]


def refuse_unheeded(settings: BaseModel, needed: Mapping[str, tuple[bool, str]]) -> None:
    """``ValueError`` for a setting that would have no effect.

    *needed*: setting → whether it is heeded here, and where it is.
    """
    for name, (is_heeded, where) in needed.items():
        default = type(settings).model_fields[name].get_default(call_default_factory=True)
        if not is_heeded and getattr(settings, name) != default:
            raise ValueError(f"{name} is heeded only {where}: leave it out")


class PageSettings(BaseModel):
    """Settings of the requests for a web page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: float = Field(20, gt=0, description="seconds after which a poll has failed")
    headers: dict[str, str] = Field({}, description="HTTP headers to send, an API key say")


class PageOrFileSettings(PageSettings):
    """The settings of a source that asks a page or reads a file. Without either it is only played or pushed."""

    url: str | None = Field(None, pattern="^https?://", description="where it is asked for")
    path: Path | None = Field(None, description="a file of it, read when there is no url")

    @model_validator(mode="after")
    def _asked(self) -> PageOrFileSettings:
        asks = (self.url is not None, "with url")
        refuse_unheeded(self, {"headers": asks, "timeout_s": asks})
        return self


Origin = Annotated[str, Field(pattern="^https?://[^/?#@]+/?$")]


class Paged(BaseModel):
    """Settings of a list that comes in pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pages_max: int = Field(
        PAGES_MAX, ge=1, le=1_000, description="pages of the list that a poll follows; 1: the first alone"
    )
    pages_from: tuple[Origin, ...] = Field(
        (),
        description="servers beside url's that may hold further pages and are sent the headers: https://host",
    )

    def paging(self, form: ListForm) -> Paging:
        return Paging(form, self.pages_max, self.pages_from)


class PagedSettings(PageOrFileSettings, Paged):
    """The settings of a source whose list may come in pages."""

    @model_validator(mode="after")
    def _paged(self) -> PagedSettings:
        asks = (self.url is not None, "with url")
        refuse_unheeded(self, {"pages_max": asks, "pages_from": asks})
        return self


class PageOrFile:
    """The page or the file that a ``PolledSource`` reads, as its *settings* name it.

    *form*: of a list that may come in pages; ``None``: one page holds all that the source can read.
    """

    def __init__(self, who: str, settings: PageOrFileSettings, form: ListForm | None = None) -> None:
        self._who, self._form = who, form
        self._path = settings.path
        url = settings.url
        paging = settings.paging(form) if form is not None and isinstance(settings, Paged) else None
        self._page = (
            None
            if url is None
            else WebPage(url, timeout_s=settings.timeout_s, headers=settings.headers, paging=paging)
        )

    async def ask(self) -> Heard:
        """Ask once. ``Retriable`` if a later try may succeed, ``Fatal`` if it refuses us or nothing is named."""
        if self._page is not None:
            return await self._page.get()
        if self._path is not None:
            heard = await read_file(self._path)
            if self._form is not None and is_cut(heard.body, self._form):
                return replace(heard, missing=("rows that the list itself says were left off",))
            return heard
        raise Fatal(
            f"source {self._who!r} has neither url nor path",
            hint="set one of them under its [[source]], or live = false if it is only played or pushed",
        )

    async def close(self) -> None:
        if self._page is not None:
            await self._page.close()
