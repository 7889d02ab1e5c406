"""An issuer of OpenID Connect in this process, whose tokens can have each fault, and which rotates its keys."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "bongsu", "secret of a test: %&"


def a_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


KEYS = (a_key(), a_key())


@dataclass
class AnIssuer:
    """*claims*: what its tokens say beside the usual; *signs*: the key; *shows*: those that it publishes."""

    port: int = 0
    now_s: int = 0
    claims: dict[str, Any] = field(default_factory=dict)
    signs: RSAKey = field(default_factory=lambda: KEYS[0])
    shows: list[RSAKey] = field(default_factory=lambda: [KEYS[0]])
    algorithm: str = "RS256"
    token: Any = None
    """The token as it is; ``None``: made."""
    metadata: dict[str, Any] = field(default_factory=dict)
    token_status: int = 200
    padding: int = 0
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def code_for(self, address: str) -> str:
        """The code that somebody gets who signs in at *address*, and comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return code

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        self.asked.append(path)
        match path:
            case "/.well-known/openid-configuration":
                usual = {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/jwks",
                }
                return 200, {**usual, **self.metadata}
            case "/jwks":
                odd: list[Any] = [{"kty": "unheard-of"}, {"kty": "oct", "k": "c2VjcmV0"}, 7]
                return 200, {"keys": [*odd, *(one.as_dict(private=False) for one in self.shows)]}
            case "/token":
                return self.token_status, self._tokens(headers, parse_qs(body.decode()))
        return 404, {}

    def _tokens(self, headers: Any, sent: dict[str, list[str]]) -> dict[str, Any]:
        asked = self._codes.pop(sent["code"][0], {})
        hashed = hashlib.sha256(sent["code_verifier"][0].encode()).digest()
        if base64.urlsafe_b64encode(hashed).decode().rstrip("=") != asked["code_challenge"]:
            self.faults.append("verifier")
        if sent["redirect_uri"][0] != asked["redirect_uri"]:
            self.faults.append("redirect_uri")
        if (
            headers["authorization"]
            != httpx.BasicAuth(CLIENT, "secret%20of%20a%20test%3A%20%25%26")._auth_header
        ):
            self.faults.append("secret")
        usual = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "minji",
            "iat": self.now_s,
            "exp": self.now_s + 300,
            "nonce": asked["nonce"],
        }
        claims = {name: one for name, one in {**usual, **self.claims}.items() if one is not None}
        return {"access_token": "x" * (self.padding + 1), "id_token": self.token or self._signed(claims)}

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.algorithm == "none":
            head, body = (
                base64.urlsafe_b64encode(orjson.dumps(one)).decode().rstrip("=")
                for one in ({"alg": "none"}, claims)
            )
            return f"{head}.{body}."
        if self.algorithm == "HS256":
            key = OctKey.import_key(SECRET)
            return jwt.encode({"alg": "HS256", "kid": KEYS[0].kid}, claims, key, algorithms=["HS256"])
        return jwt.encode({"alg": self.algorithm, "kid": self.signs.kid}, claims, self.signs)


@contextmanager
def an_issuer(now_s: int) -> Iterator[AnIssuer]:
    made = AnIssuer(now_s=now_s)

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, told = made.answer(self.command, self.path, self.headers, body)
            raw = orjson.dumps(told)
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = _do  # noqa: N815 (the names of http.server)

        def log_message(self, *_about: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
