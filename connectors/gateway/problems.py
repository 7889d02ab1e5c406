"""Error responses as problem documents (RFC 9457): what, which, and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
AGAIN_S = 2
"""The time after which a request may come again that the log could not answer."""


class Problem(Exception):
    """A response other than 2xx. *more* holds fields beside those of the standard. *code* is a word for this refusal that
    stays the same: the console has words for it in each language (``words/*.refusals.json``).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        retry_after_s: float | None = None,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = {**({"code": code} if code else {}), **(more or {})}
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))

    def answer(self) -> Response:
        body = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        return Response(
            orjson.dumps({**body, "detail": self.detail, **self.more}),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def check_read(trouble: str | None) -> None:
    """``Problem`` 503 while the log is not read to its end. *trouble*: why; ``None`` when it is."""
    if trouble is not None:
        what = f"the log is not read to its end: {trouble}"
        raise Problem(503, what, code="not-ready", retry_after_s=AGAIN_S)
