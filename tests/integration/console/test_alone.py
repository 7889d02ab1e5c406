"""A console beside its gateway, as two processes of one city: a session and an action of one hold at the other."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from deploy.settings import Endpoints
from tests.a_gateway import PushedCity
from tests.integration.test_sign_in import PATH, Person, signs_in
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

SEEN_S = 15.0


@pytest.fixture(scope="module")
def both(
    cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PushedCity, PushedCity]]:
    """The gateway and the console, without a key that they share but the one of their home."""
    gateway = PushedCity(LivingCity("alone", tmp_path_factory.mktemp("alone"), cluster))
    console = PushedCity(gateway.city, stage="console")
    try:
        gateway.start()
        console.start(gateway.city.folder / "console.log")
        yield gateway, console
    finally:
        console.stop()
        gateway.stop()
        gateway.city.remove()


def at(place: PushedCity, person: Person) -> Person:
    """The same browser at *place*."""
    return Person(place, person.cookie, person.csrf)


@pytest.mark.long
def test_a_session_of_one_reads_and_acts_at_both_and_agencies_push_to_the_gateway_alone(
    both: tuple[PushedCity, PushedCity],
) -> None:
    gateway, console = both
    key, situations = gateway.user("desk-3", "operator"), f"/v1/{gateway.city.name}/situations"
    for one, other in ((gateway, console), (console, gateway)):
        person = signs_in(one, key=key)
        there = at(other, person)
        wait_until(lambda there=there: there.ask("GET", situations)[0] == 200, SEEN_S)
        assert there.ask("GET", PATH)[1]["account"]["name"] == "desk-3"
        assert {person.act(), there.act()} == {404}  # both may, and there is no such situation
    auditor = signs_in(console, key=gateway.user("looks", "auditor"))
    assert (auditor.ask("GET", situations)[0], auditor.act()) == (200, 403)
    assert console.ask("GET", "/console/")[0] == 200
    assert console.push("no key", "reports", {})[0] == 404
    assert gateway.push("no key", "reports", {})[0] == 401
    assert orjson.loads(console.ask("GET", "/readyz")[1])["ready"] is True
