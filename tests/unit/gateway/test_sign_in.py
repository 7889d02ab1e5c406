"""Sign-in by password and by link: right once shown, one answer for all that is wrong, and never too many attempts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from connectors.gateway import passwords
from connectors.gateway.accounts import Accounts, new_user, with_new_secret
from connectors.gateway.passwords import hash_of, is_right, spelt, with_password
from connectors.gateway.sessions import LIFE_MS, Sessions
from connectors.gateway.sessions_link import LIFE_MS as LINK_MS
from connectors.gateway.sessions_link import UsedLinks, account_of_link, with_link
from connectors.gateway.sessions_signs import Signs
from tests.unit.gateway.a_reading_city import CITY, SESSIONS_SECRET, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS
from tests.unit.gateway.test_sessions import PATH, ask

PASSWORD = "four words of mine"  # noqa: S105 (of nobody)
WRONG = "the sign-in is wrong, or no longer good"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashes that take a millisecond."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(1, 8, 1))
    passwords.hash_of_nobody.cache_clear()
    yield
    passwords.hash_of_nobody.cache_clear()


def a_row(name: str = "민지", role: str = "operator", **about: Any) -> Mapping[str, Any]:
    _, event = new_user(CITY, name, role, now_ms=NOON_MS, **about)
    return with_password(CITY, event.value or {}, PASSWORD, now_ms=NOON_MS).value or {}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with a_reading_city(tmp_path) as made:
        made.here.gateway.accounts.put(a_row())
        yield made


def sign_in(reader: Reader, name: str, password: str = PASSWORD) -> tuple[int, str]:
    answer = ask(reader, "POST", PATH, {"name": name, "password": password})
    return answer.status_code, answer.json().get("detail", "")


def test_a_person_signs_in_by_name_and_password_however_the_name_is_spelt(reader: Reader) -> None:
    reader.here.gateway.accounts.put(a_row("Desk-3"))
    for name in ("민지", "\u1106\u1175\u11ab\u110c\u1175", "desk-3", "DESK-3"):
        assert sign_in(reader, name)[0] == 200, name


def test_every_wrong_password_and_name_has_one_answer(reader: Reader) -> None:
    _, without = new_user(CITY, "by-key", "viewer", now_ms=NOON_MS)
    reader.here.gateway.accounts.put(without.value or {})
    reader.here.gateway.accounts.put({**a_row("gone"), "revoked_at": NOON_MS})
    for name, password in (("민지", "wrong"), ("nobody", PASSWORD), ("by-key", PASSWORD), ("gone", PASSWORD)):
        assert sign_in(reader, name, password) == (401, WRONG), name


def test_an_unknown_name_is_hashed_as_a_known_one_is(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []

    def verify(_self: PasswordHasher, known: str, _password: str) -> bool:
        checked.append(known.split("$")[1:4])
        return True

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    assert sign_in(reader, "민지")[0] == 200
    assert sign_in(reader, "nobody")[0] == 401
    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_the_attempts_with_a_name_are_limited_whatever_the_address(reader: Reader) -> None:
    assert [sign_in(reader, "민지", "wrong")[0] for _ in range(6)] == [401] * 5 + [429]
    assert sign_in(reader, "민지")[0] == 429
    assert sign_in(reader, "nobody")[0] == 401
    reader.here.gateway.now_s = lambda: 1e9
    assert [sign_in(reader, "민지")[0] for _ in range(10)] == [200] * 10


def test_a_password_is_of_argon2id_and_of_a_length() -> None:
    assert PasswordHasher().hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    known = hash_of(PASSWORD)
    assert is_right(known, PASSWORD)
    assert not is_right(known, PASSWORD + "x")
    assert not is_right(None, "no password of anybody")
    assert not is_right("no hash", PASSWORD)
    assert is_right(
        hash_of(spelt("민지의 비밀번호는 이것")), "\u1106\u1175\u11ab\u110c\u1175의 비밀번호는 이것"
    )
    for text in ("short", "x" * 257):
        with pytest.raises(ValueError, match="letters"):
            spelt(text)


@pytest.mark.parametrize("change", ["password", "key", "wall"])
def test_a_new_password_or_key_ends_what_was_begun_before(change: str) -> None:
    sessions, row = Sessions(SESSIONS_SECRET, CITY), a_row()
    accounts = Accounts([row])
    before = accounts.of_user("민지", now_ms=NOON_MS)
    assert before is not None
    session = sessions.begin(before, now_ms=NOON_MS)
    later = {
        "password": with_password(CITY, row, PASSWORD, now_ms=NOON_MS).value,
        "key": with_new_secret(CITY, row, now_ms=NOON_MS)[1].value,
        "wall": {**row, "is_wall": True},
    }[change]
    accounts.put(with_link(CITY, row, now_ms=NOON_MS)[1].value or {})
    linked = accounts.of_user("민지", now_ms=NOON_MS)
    assert linked is not None
    assert sessions.is_of(session, linked, now_ms=NOON_MS)
    assert accounts.current(before, now_ms=NOON_MS) == linked
    accounts.put(later or {})
    after = accounts.of_user("민지", now_ms=NOON_MS)
    assert after is not None
    assert not sessions.is_of(session, after, now_ms=NOON_MS)
    assert accounts.current(before, now_ms=NOON_MS) is None


def test_a_renamed_or_forgotten_person_is_not_found_by_the_old_name() -> None:
    row = a_row()
    accounts = Accounts([row])
    accounts.put({**row, "name": "Minji"})
    assert accounts.of_user("민지", now_ms=NOON_MS) is None
    assert accounts.of_user("minji", now_ms=NOON_MS) is not None
    accounts.forget(row["account_id"])
    assert accounts.of_user("minji", now_ms=NOON_MS) is None


def test_an_agency_of_the_same_name_is_no_person() -> None:
    accounts = Accounts([{**a_row(), "kind": "key"}])
    assert accounts.of_user("민지", now_ms=NOON_MS) is None


def test_a_wall_stays_signed_in_for_years_and_others_do_not() -> None:
    sessions = Sessions(SESSIONS_SECRET, CITY)
    accounts = Accounts([a_row("wall", "viewer", is_wall=True), a_row()])
    wall, person = (accounts.of_user(name, now_ms=NOON_MS) for name in ("wall", "민지"))
    assert wall is not None
    assert person is not None
    later = NOON_MS + 1_000 * LIFE_MS
    kept = sessions.begin(wall, now_ms=NOON_MS)
    assert sessions.read(sessions.token(kept), now_ms=later) == kept
    assert sessions.read(sessions.token(sessions.begin(person, now_ms=NOON_MS)), now_ms=later) is None


def test_a_wall_has_a_cookie_for_as_long_as_browsers_keep_one(reader: Reader) -> None:
    reader.here.gateway.accounts.put(a_row("wall", "viewer", is_wall=True))
    answer = ask(reader, "POST", PATH, {"name": "wall", "password": PASSWORD})
    assert answer.json()["until"] is None
    assert "max-age=34560000" in answer.headers["set-cookie"].lower()


def test_a_link_signs_in_once_and_not_again_after_a_restart(reader: Reader, tmp_path: Path) -> None:
    token, event = with_link(CITY, a_row(), now_ms=NOON_MS)
    gateway = reader.here.gateway
    gateway.accounts.put(event.value or {})
    first = ask(reader, "POST", PATH, {"link": token})
    assert first.status_code == 200
    assert first.json()["account"]["name"] == "민지"
    again = ask(reader, "POST", PATH, {"link": token})
    assert (again.status_code, again.json()["detail"]) == (401, WRONG)
    assert gateway.sessions is not None
    gateway.signs = Signs(gateway.sessions, UsedLinks(tmp_path / "used-links"))
    assert ask(reader, "POST", PATH, {"link": token}).status_code == 401
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert ask(reader, "GET", PATH, cookie=cookie).status_code == 200
    assert token.partition(".")[2] not in (tmp_path / "used-links").read_text()


def test_a_link_that_is_old_replaced_or_of_somebody_who_ended_is_none() -> None:
    row = a_row()
    token, event = with_link(CITY, row, now_ms=NOON_MS)
    value = event.value or {}
    assert account_of_link(Accounts([value]), token, now_ms=NOON_MS + LINK_MS - 1) is not None
    assert account_of_link(Accounts([value]), token, now_ms=NOON_MS + LINK_MS) is None
    assert account_of_link(Accounts([row]), token, now_ms=NOON_MS) is None
    for after in (
        with_link(CITY, value, now_ms=NOON_MS)[1].value,
        with_password(CITY, value, PASSWORD, now_ms=NOON_MS).value,
        with_new_secret(CITY, value, now_ms=NOON_MS)[1].value,
        {**value, "revoked_at": NOON_MS},
    ):
        assert account_of_link(Accounts([after or {}]), token, now_ms=NOON_MS) is None
    for other in ("", ".", row["account_id"], f"{row['account_id']}.", "x.y"):
        assert account_of_link(Accounts([value]), other, now_ms=NOON_MS) is None


def test_used_links_are_forgotten_when_they_have_expired(tmp_path: Path) -> None:
    links = UsedLinks(tmp_path / "own" / "used-links")
    assert links.use("a", NOON_MS + 5, now_ms=NOON_MS)
    assert not links.use("a", NOON_MS + 5, now_ms=NOON_MS)
    assert links.use("b", NOON_MS + 9, now_ms=NOON_MS + 6)
    assert (tmp_path / "own" / "used-links").read_text() == f"b {NOON_MS + 9}\n"
