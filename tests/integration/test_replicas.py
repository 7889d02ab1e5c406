"""Two gateways of one city: what one published, issued, recorded or ended, the other neither repeats nor overwrites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from connectors.gateway.tickets import COOKIE
from deploy.settings import Endpoints
from tests.a_gateway import PushedCity, reports
from tests.a_grant import plant_grant
from tests.integration.test_sign_in import PATH as SESSION
from tests.integration.test_sign_in import Person, link_of, signs_in
from tests.living_city import wait_until
from tests.replicas import NAMES, Replicas, replicas_of

pytestmark = pytest.mark.cluster

SEEN_S = 20.0
REPEATS = 6


@pytest.fixture(scope="module")
def pair(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replicas, str]]:
    """The replicas behind their proxy, and a key that pushes and reads grants."""
    made = replicas_of(cluster, "replicas", tmp_path_factory.mktemp("replicas"))
    try:
        key = made.gateways[0].key("--source", "reports", "--subscribe")
        made.start()
        folder = made.city.folder / "video" / "C-1"
        folder.mkdir(parents=True)
        (folder / "index.m3u8").write_text("#EXTM3U\n", encoding="utf-8")
        made.start_proxy()
        yield made, key
    finally:
        made.end()


def copies(made: Replicas) -> Counter[str]:
    """Count the copies of each case number in its topic."""
    return Counter(one["agency_case_no"] for one in made.city.values("police.incident"))


def rows_of(made: Replicas, contract: str) -> set[str]:
    found = {one.key.decode() for one in made.city.records(contract) if one.key is not None}
    return {name for name in found if name.startswith("reports")}


def redeemed(gateway: PushedCity, key: str, grant_id: str) -> str:
    """A ticket of *gateway*, as soon as that knows the grant."""
    found: list[str] = []

    def is_redeemed() -> bool:
        path = f"/v1/{gateway.city.name}/grants/{grant_id}/access"
        status, told = gateway.ask("POST", path, authorization=f"Bearer {key}")
        found.extend([orjson.loads(told)["ticket"]] if status == 201 else [])
        return bool(found)

    wait_until(is_redeemed, SEEN_S, every_s=0.1)
    return found[0]


def check(gateway: PushedCity, ticket: str) -> tuple[int, str | None]:
    """The status of a check, and why it was refused."""
    uri = f"/video/C-1/index.m3u8?ticket={ticket}"
    status, told = gateway.ask("GET", f"/v1/{gateway.city.name}/tickets/check", x_original_uri=uri)
    return status, None if status == 204 else orjson.loads(told)["reason"]


def test_both_publish_for_one_source_and_each_keeps_its_own_place(pair: tuple[Replicas, str]) -> None:
    made, key = pair
    for turn in range(3):
        for number, gateway in enumerate(made.gateways):
            assert gateway.push(key, "reports", reports(f"both-{turn}-{number}", 2))[0] == 202
    wait_until(lambda: sum(name.startswith("both-") for name in copies(made)) == 12, SEEN_S, every_s=0.1)
    assert set(copies(made).values()) == {1}
    assert rows_of(made, "source.place") == {f"reports@{name}" for name in NAMES}
    assert all(one.readiness()[1]["publishing"] for one in made.gateways), "one has fenced the other"


def test_a_push_repeated_through_the_proxy_with_its_key_is_one_copy(pair: tuple[Replicas, str]) -> None:
    made, key = pair
    answers = [
        made.push(key, reports("again", 1), idempotency_key="the same request") for _ in range(REPEATS)
    ]
    assert [status for status, _ in answers] == [202] * REPEATS
    assert [told["repeated"] for _, told in answers] == [False, *[True] * (REPEATS - 1)]
    wait_until(lambda: all(one.waiting() == 0 for one in made.gateways), SEEN_S, every_s=0.05)
    wait_until(lambda: copies(made)["again-0"] > 0, SEEN_S, every_s=0.1)
    assert copies(made)["again-0"] == 1


def test_a_ticket_used_at_both_is_refused_at_the_second(pair: tuple[Replicas, str]) -> None:
    made, key = pair
    first, second = made.gateways
    plant_grant(made.city, "g-1", granted_to="police")
    ticket, other = redeemed(first, key, "g-1"), redeemed(second, key, "g-1")
    keys = [one.ask("GET", "/.well-known/jwks.json") for one in made.gateways]
    assert keys[0] == keys[1] and keys[0][0] == 200
    assert check(second, ticket) == (403, "other_replica"), "before its use, too"
    assert check(first, ticket) == (204, None)
    assert check(second, ticket) == (403, "other_replica")
    assert check(first, ticket) == (403, "used")
    assert check(second, other) == (204, None), "a ticket of its own opens"


def test_the_proxy_brings_a_viewing_to_its_replica_and_it_outlives_a_kill(pair: tuple[Replicas, str]) -> None:
    made, key = pair
    plant_grant(made.city, "g-2", granted_to="police")
    path = "/video/C-1/index.m3u8"
    for number, gateway in enumerate(made.gateways):
        ticket = redeemed(gateway, key, "g-2")
        answer = made.ask("GET", f"{path}?ticket={ticket}&replica={NAMES[number]}")
        cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        assert (answer.status, cookie.partition(".")[0]) == (200, f"{COOKIE}={NAMES[number]}")
        assert made.ask("GET", path, cookie=cookie).status == 200
        assert made.ask("GET", path, cookie=cookie.replace(NAMES[number], NAMES[1 - number])).status == 403
    made.gateways[1].kill()
    assert made.ask("GET", path, cookie=cookie).status != 200, "no other replica opens it"
    assert made.push(key, reports("while one is down", 1))[0] == 202
    made.gateways[1].start(made.log(1))
    # ready for pushes at once, and for viewings when it has read the grants
    wait_until(lambda: made.ask("GET", path, cookie=cookie).status == 200, SEEN_S, every_s=0.1)


def person_at(made: Replicas, number: int, person: Person) -> Person:
    """The same browser at the replica *number*."""
    return Person(made.gateways[number], person.cookie, person.csrf)


def test_a_sign_out_holds_at_both_and_after_a_kill(pair: tuple[Replicas, str]) -> None:
    made, _ = pair
    key = made.gateways[0].user("desk-3", "operator")
    leaves, stays = (signs_in(made.gateways[0], key=key) for _ in range(2))
    there = person_at(made, 1, leaves)
    wait_until(lambda: there.ask("GET", SESSION)[0] == 200, SEEN_S, every_s=0.1)
    cookie = leaves.cookie
    assert leaves.ask("DELETE", SESSION)[0] == 204
    wait_until(lambda: Person(made.gateways[1], cookie).ask("GET", SESSION)[0] == 401, SEEN_S, every_s=0.05)
    for number in range(2):
        made.gateways[number].kill()
        made.gateways[number].start(made.log(number))
    for gateway in made.gateways:
        wait_until(
            lambda gateway=gateway: Person(gateway, cookie).ask("GET", SESSION)[0] == 401,
            SEEN_S,
            every_s=0.05,
        )
        assert Person(gateway, stays.cookie).ask("GET", SESSION)[0] == 200, "who did not leave stays"


def test_a_link_is_good_once_at_both_together(pair: tuple[Replicas, str]) -> None:
    made, _ = pair
    made.gateways[0].user("by-link", "viewer")
    people = [Person(one) for one in made.gateways]
    link = link_of(made.gateways[0], "by-link")
    found: list[int] = []

    def is_used() -> bool:
        with ThreadPoolExecutor(len(people)) as pool:
            found.extend(pool.map(lambda one: one.sign_in(link=link), people))
        return 200 in found

    wait_until(is_used, SEEN_S, every_s=0.2)  # both at once, until they know the link
    found.extend(one.sign_in(link=link) for one in people)
    assert sorted(found)[:2] == [200, 401]
    for gateway in made.gateways:
        gateway.kill()
        gateway.start(made.log(made.gateways.index(gateway)))
        wait_until(lambda one=gateway: one.readiness()[1]["publishing"], SEEN_S, every_s=0.1)
    assert [one.sign_in(link=link) for one in people] == [401, 401]


def test_the_audit_holds_for_the_chain_of_each_replica(pair: tuple[Replicas, str]) -> None:
    made, _ = pair
    rows: list[dict[str, Any]] = made.city.values("core.access")
    chains = {f"{made.city.name}.gateway.{name}.access" for name in NAMES}
    assert {one["writer"] for one in rows} == chains
    for writer in chains:
        sequence = [one["sequence"] for one in rows if one["writer"] == writer]
        assert sequence == list(range(1, len(sequence) + 1))
    assert ("refused", "other_replica") in {(one["act"], one["reason"]) for one in rows}
    said = made.city.bongsu("audit", "verify", str(made.city.file)).stderr
    assert "2 writers, all chains hold" in said
