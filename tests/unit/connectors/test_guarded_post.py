"""POST to an address that a subscriber chose, over real sockets: what is refused, pinned and bounded."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.contract_suite.receivers import WebReceiver, a_web_receiver
from connectors.transport import guarded_post
from connectors.transport.addresses import why_not_public
from connectors.transport.guarded_post import Answer, GuardedPost, Resolver, resolve
from schemas.errors import BongsuError, Fatal, Retriable

HOST = "hook.example"
STANDS_FOR_PUBLIC = "127.0.0.2"


class Clock:
    now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def a_resolver(*answers: Sequence[str]) -> Resolver:
    """A name service whose answers change; the last one stays."""
    left = list(answers)
    return lambda host, port: left.pop(0) if len(left) > 1 else left[0]


def post(
    *tries: GuardedPost, body: bytes = b"{}", clock: Clock | None = None, later_ms: int = 0
) -> list[Answer]:
    async def run() -> list[Answer]:
        got = []
        try:
            for one in tries:
                got.append(await one.post(body, {"content-type": "application/json"}))
                if clock is not None:
                    clock.now_ms += later_ms
        finally:
            for one in tries:
                await one.close()
        return got

    return asyncio.run(run())


def to(
    receiver: WebReceiver, resolver: Resolver = resolve, *, host: str = "127.0.0.1", allow: Sequence[str] = ()
) -> GuardedPost:
    url = f"http://{host}:{receiver.port}/hook?key={receiver.secret}"
    return GuardedPost(url, allow_hosts=allow or [host], now_ms=lambda: 0, resolver=resolver)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of ``hook.example`` with its key, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, form, plain) + made.public_bytes(pem))
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def one_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 counts as public: nothing of a test leaves the machine."""
    monkeypatch.setattr(
        guarded_post, "why_not_public", lambda one: "" if one == STANDS_FOR_PUBLIC else why_not_public(one)
    )


def over_tls(
    certificate: Path, port: int, resolver: Resolver, clock: Clock | None = None, host: str = HOST
) -> GuardedPost:
    trust = ssl.create_default_context(cafile=certificate)
    url = f"https://{host}:{port}/hook?key=k3y"
    return GuardedPost(url, allow_hosts=(), now_ms=clock or Clock(), resolver=resolver, trust=trust)


# -- addresses --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_public")
def test_the_name_is_not_looked_up_again_for_the_connection(certificate: Path, tls: ssl.SSLContext) -> None:
    """Rebinding: the first answer is public, the second loopback. The first try reaches the address that was checked, by
    TLS and Host of the name; the next look-up is refused, and the server at loopback hears nothing."""
    clock = Clock()
    with (
        a_web_receiver(STANDS_FOR_PUBLIC, tls=tls) as public,
        a_web_receiver("127.0.0.1", public.port, tls=tls) as inner,
    ):
        one = over_tls(certificate, public.port, a_resolver([STANDS_FOR_PUBLIC], ["127.0.0.1"]), clock)
        with pytest.raises(Fatal, match=r"hook\.example is at an address that is not public \(loopback\)"):
            post(one, one, one, clock=clock, later_ms=guarded_post.RESOLVED_MS // 2)
        assert [each.headers["host"] for each in public.asked] == [f"{HOST}:{public.port}"] * 2
        assert inner.asked == []


@pytest.mark.usefixtures("one_public")
def test_a_certificate_of_another_name_is_not_trusted(certificate: Path, tls: ssl.SSLContext) -> None:
    with a_web_receiver(STANDS_FOR_PUBLIC, tls=tls) as public:
        one = over_tls(certificate, public.port, a_resolver([STANDS_FOR_PUBLIC]), host="other.example")
        with pytest.raises(Retriable, match="has a certificate that is not trusted: Hostname mismatch"):
            post(one)
        assert public.asked == []


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"])
def test_one_private_address_among_public_ones_is_enough_to_refuse(inner: str) -> None:
    one = GuardedPost(
        f"https://{HOST}/", allow_hosts=(), now_ms=Clock(), resolver=a_resolver(["8.8.8.8", inner])
    )
    with pytest.raises(Fatal, match="not public"):
        post(one)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "0x7f.1", "2130706433", "017700000001", "127.1", "0", "LOCALHOST"]
)
def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    with a_web_receiver() as inner:
        with pytest.raises(BongsuError):
            post(GuardedPost(f"https://{host}:{inner.port}/", allow_hosts=(), now_ms=Clock()))
        assert inner.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest",
        "http://hook.example/", "ftp://hook.example/", "https://user:s3cret@hook.example/", "https://", "file:///etc/passwd",
        "https://[::1/",
    ],
)  # fmt: skip
def test_an_address_that_can_never_be_allowed_is_refused_at_once(url: str) -> None:
    with pytest.raises(Fatal) as error:
        GuardedPost(url, allow_hosts=(), now_ms=Clock())
    assert "s3cret" not in str(error.value)


def test_a_host_that_the_operator_allows_is_allowed_by_its_name_and_port() -> None:
    with a_web_receiver() as receiver:
        here = a_resolver(["127.0.0.1"])
        for allow in ([HOST], [f"{HOST}:{receiver.port}"], ["HOOK.example"]):
            post(to(receiver, here, host=HOST, allow=allow))
        assert len(receiver.taken) == 3
        for allow in (["other.example"], [f"{HOST}:1"], ["127.0.0.1"]):
            with pytest.raises(Fatal):
                post(to(receiver, here, host=HOST, allow=allow))
        assert len(receiver.taken) == 3


def test_the_next_address_is_tried_and_then_asked_first() -> None:
    with a_web_receiver() as receiver:
        one = to(receiver, a_resolver(["127.0.0.9", "127.0.0.1"]), host=HOST)
        post(one, one)
        assert len(receiver.taken) == 2
        assert one._resolved[1] == ["127.0.0.1", "127.0.0.9"]


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_web_receiver() as receiver, a_web_receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        post(to(receiver))
        assert (len(receiver.taken), len(proxy.asked)) == (1, 0)


def test_a_name_without_an_address_may_have_one_later() -> None:
    def nobody(host: str, port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    for resolver in (nobody, a_resolver([])):
        with pytest.raises(Retriable, match=r"hook\.example has no address"):
            post(GuardedPost(f"https://{HOST}/", allow_hosts=(), now_ms=Clock(), resolver=resolver))


# -- answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "wait_s"), [("30", 30.0), ("Thu, 01 Jan 1970 00:00:20 GMT", 20.0), ("soon", None)]
)
def test_the_wish_to_wait_is_told_in_both_forms(told: str, wait_s: float | None) -> None:
    with a_web_receiver() as receiver:
        receiver.status, receiver.headers = 429, {"Retry-After": told}
        assert post(to(receiver)) == [Answer(429, wait_s)]


def test_nobody_makes_us_wait_longer_than_a_day() -> None:
    with a_web_receiver() as receiver:
        receiver.status, receiver.headers = 503, {"Retry-After": "9" * 400}
        assert post(to(receiver)) == [Answer(503, guarded_post.WAIT_S_MAX)]


def test_a_redirect_is_not_followed_and_no_cookie_is_kept() -> None:
    with a_web_receiver() as receiver, a_web_receiver() as other:
        receiver.status = 302
        receiver.headers = {"Location": str(other.settings["url"]), "Set-Cookie": "a=b"}
        one = to(receiver)
        assert [each.status for each in post(one, one)] == [302, 302]
        assert other.asked == []
        assert "cookie" not in receiver.asked[1].headers


def test_of_a_body_without_end_little_is_read() -> None:
    with a_web_receiver() as receiver:
        receiver.endless, receiver.status = True, 200
        assert post(to(receiver)) == [Answer(200)]
    assert receiver.sent_bytes < 64 * 2**20  # what the sockets of the machine held


def test_a_receiver_that_hangs_costs_its_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_post, "TOTAL_S_MAX", 0.3)
    with a_web_receiver() as receiver:
        receiver.hangs = True
        one = to(receiver)
        with pytest.raises(Retriable, match=r"did not answer within 0\.3 s"):
            post(one)
        receiver.hangs = False
        assert post(one) == [Answer(204)]


def test_a_name_service_that_hangs_delays_no_other_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_post, "TOTAL_S_MAX", 0.3)
    free = threading.Event()

    def hang(host: str, port: int) -> Sequence[str]:
        free.wait(60)
        return []

    with a_web_receiver() as receiver:
        stuck = [
            GuardedPost(f"https://{HOST}/", allow_hosts=(), now_ms=Clock(), resolver=hang) for _ in range(40)
        ]

        async def run() -> None:
            waiting = [asyncio.ensure_future(one.post(b"{}", {})) for one in stuck]
            await asyncio.sleep(0)
            well = to(receiver)
            assert (await well.post(b"{}", {})).status == 204
            assert not any(one.done() for one in waiting)
            errors = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(one, Retriable) for one in errors)
            for one in (*stuck, well):
                await one.close()

        try:
            asyncio.run(run())
        finally:
            free.set()


def test_a_header_that_cannot_be_sent_is_no_fault_of_the_receiver() -> None:
    """A token with a line end, as a file gives it: tried again it would fail for ever."""

    async def run(receiver: WebReceiver) -> None:
        one = to(receiver)
        try:
            await one.post(b"{}", {"authorization": "Bearer s3cret\n"})
        finally:
            await one.close()

    with a_web_receiver() as receiver:
        with pytest.raises(Fatal, match="a header cannot be sent") as error:
            asyncio.run(run(receiver))
        assert "s3cret" not in str(error.value)
        assert receiver.asked == []


def test_a_closed_port_may_open_again() -> None:
    with a_web_receiver() as receiver:
        pass
    with pytest.raises(Retriable, match=r"127\.0\.0\.1 does not answer: ConnectError"):
        post(to(receiver))
