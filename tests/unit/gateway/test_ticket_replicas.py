"""Tickets where a city has several gateways: one shared key, and each ticket opens at the replica that issued it alone."""

from __future__ import annotations

from pathlib import Path

from connectors.gateway.shared_ticket_keys import ORDER, SharedTicketKeys, derived_key
from connectors.gateway.ticket_form import cookie_of, token_of
from connectors.gateway.ticket_keys import SIGNS_MS, VERIFIES_MS, TicketKeys
from connectors.gateway.tickets import COOKIE
from tests.unit.gateway.an_app import NOON_MS
from tests.unit.gateway.test_tickets import Room, refused, room

__all__ = ["room"]
SECRET = bytes(range(32))
BEGUN_MS = NOON_MS // SIGNS_MS * SIGNS_MS


def test_replicas_with_one_secret_publish_the_same_keys_and_others_do_not() -> None:
    one, other = SharedTicketKeys(SECRET, "springfield"), SharedTicketKeys(SECRET, "springfield")
    assert one.jwks(NOON_MS) == other.jwks(NOON_MS)
    assert one.signing(NOON_MS).kid == other.signing(NOON_MS).kid
    kids = [
        derived_key(SECRET, "springfield", 1).kid,
        derived_key(SECRET, "springfield", 2).kid,
        derived_key(SECRET, "shelbyville", 1).kid,
        derived_key(bytes(32), "springfield", 1).kid,
    ]
    assert len(set(kids)) == 4
    assert not any("d" in key for key in one.jwks(NOON_MS)["keys"]), "a private half is published"
    assert 0 < derived_key(SECRET, "springfield", 1).private.private_numbers().private_value < ORDER


def test_the_derived_key_is_that_of_before_after_an_update() -> None:
    """The thumbprint of the key as it was first derived: another would end all tickets and viewings at an update."""
    assert derived_key(SECRET, "springfield", 230).kid == "kxvqKXNLIhAcHHDuWxDDVkWfnu4gh_gPPiNoJ-said8"


def test_the_key_before_verifies_until_what_it_signed_is_over() -> None:
    keys = SharedTicketKeys(SECRET, "springfield")
    before, now = keys.signing(BEGUN_MS - 1).kid, keys.signing(BEGUN_MS).kid
    assert before != now
    assert set(keys.verifying(BEGUN_MS)) == {before, now}
    over_ms = BEGUN_MS - SIGNS_MS + VERIFIES_MS
    assert set(keys.verifying(over_ms - 1)) == {before, now}
    assert set(keys.verifying(over_ms)) == {now}


def as_replica(room: Room, name: str | None) -> None:
    room.tickets.replica = name


def test_a_ticket_opens_at_its_own_replica_alone_and_the_refusal_is_on_record(room: Room) -> None:
    room.tickets.keys = SharedTicketKeys(SECRET, "springfield")
    as_replica(room, "gate-0")
    answer = room.redeem()
    assert answer.json()["replica"] == "gate-0"
    ticket = answer.json()["ticket"]
    as_replica(room, "gate-1")
    refused(room.check(ticket), room, "other_replica")
    as_replica(room, None)
    refused(room.check(ticket), room, "other_replica")
    as_replica(room, "gate-0")
    assert room.viewing(ticket)


def test_a_ticket_of_the_only_gateway_opens_at_no_replica(room: Room, tmp_path: Path) -> None:
    room.tickets.keys = TicketKeys(tmp_path / "keys")
    ticket = room.ticket()
    as_replica(room, "gate-0")
    refused(room.check(ticket), room, "other_replica")


def test_a_viewing_names_its_replica_for_the_proxy_and_passes_there_alone(room: Room) -> None:
    room.tickets.keys = SharedTicketKeys(SECRET, "springfield")
    as_replica(room, "gate-0")
    cookie = room.viewing(room.ticket())
    assert cookie.startswith("gate-0.")
    assert room.check(None, cookie=cookie).status_code == 204
    as_replica(room, "gate-1")
    refused(room.check(None, cookie=cookie), room, "other_replica")
    renamed = cookie_of(token_of(cookie), "gate-1")
    answer = room.check(None, cookie=renamed)
    assert (answer.status_code, answer.json()["reason"]) == (403, "other_replica"), (
        "the name before decides nothing"
    )
    assert COOKIE not in answer.cookies


def test_a_cookie_of_any_form_is_refused_and_breaks_nothing(room: Room) -> None:
    as_replica(room, "gate-0")
    for odd in ("gate-0.", "gate-0....", "....", "a.b.c", "."):
        assert room.check(None, cookie=odd).status_code == 403
