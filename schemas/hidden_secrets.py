"""Hide secrets in text that is shown: errors, log lines, tracebacks. Pure.

Libraries name the URL that they could not reach, with the password or key in it, each in its own words. So text is searched
where it leaves us, and not at each of them.
"""

from __future__ import annotations

import re

HIDDEN = "…"
_LOGIN = re.compile(r"""://(?:[^\s/?#"'<>@:]*:[^\s"'<>]*|[^\s/?#"'<>]*)@""")
"""``user:password@`` up to the last "@": a password may hold any letter."""
_PARAMETER = re.compile(
    r"""([?&;](?:[\w.-]*(?:password|passwd|secret|token|key|signature|auth)[\w.-]*|appid|pwd|sig)=)[^&\s"'<>]+""",
    re.IGNORECASE,
)
_HEADER = re.compile(r"""(authorization\W{1,6}(?:(?:bearer|basic|digest)\s+)?)[^\s"',]+""", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """*text* without logins in URLs, without parameters named like secrets, and without what proves a request."""
    if "://" in text:
        text = _LOGIN.sub(f"://{HIDDEN}@", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
    return _HEADER.sub(rf"\1{HIDDEN}", text) if "uthorization" in text.lower() else text


def place_shown(place: str) -> str:
    """The address of a server without its login and its query."""
    scheme, _, rest = place.partition("://")
    login, _, where = rest.rpartition("@")
    where = where.partition("?")[0]
    return f"{scheme}://{HIDDEN}@{where}" if login else place.partition("?")[0]
