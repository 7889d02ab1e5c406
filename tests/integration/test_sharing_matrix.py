"""Two cities with near names, five agencies in each: who may do what at a secured cluster, against a table written by hand.

The table is a second reading of the agreements: it shares no code with what derives rights from them.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from confluent_kafka.admin import AclOperation, AdminClient, ResourcePatternType, ResourceType
from redis import Redis
from redis.exceptions import AuthenticationError

from deploy.local.home import Home
from deploy.local.secure_home import admin_file, folder_of, principal_file
from deploy.rights import exactly, right
from deploy.settings import endpoints
from schemas.catalogue import load_catalogue
from streams.runtime.security import security_of
from tests.a_secure_home import a_secure_home
from tests.integration.test_sharing_apply import bongsu, client, within
from tests.sharing_matrix import Allowed, Asking

pytestmark = pytest.mark.cluster

CITIES = ("new", "new-york")
READS: dict[str, set[str]] = {
    "new.fire": {"core.situation", "core.alert"},
    "new.traffic": {"mobility.position"},
    "new.hospital": {"core.alert"},
    "new-york.fire": {"core.alert"},
    "new-york.watch": {"cctv.detection", "core.situation"},
}
"""Principal → contracts that it may read in its own city, and nothing else."""
WRITES: dict[str, set[str]] = {
    "new.cameras": {"cctv.detection"},
    "new.hospital": {"civil.observation"},
    "new-york.bikes": {"mobility.position", "mobility.hub"},
    "new-york.police": {"police.incident"},
}
ENDED = {"new.archive": {"core.grant"}, "new-york.archive": {"core.alert"}}
"""Principals whose only agreement is over: they have no user any more."""
FEW = ("core.alert", "core.situation", "core.account", "cctv.detection", "civil.observation", "fire.incident")
"""The contracts of the short set."""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with a_secure_home(BONGSU_SHARING="sharing.toml", BONGSU_CITIES="cities") as made:
        (made.root / "sharing.toml").write_text(agreements(), encoding="utf-8")
        (made.root / "cities").mkdir()
        for city in CITIES:
            (made.root / "cities" / f"{city}.toml").write_text(CITY.format(city=city), encoding="utf-8")
        bongsu("topics", "apply", *(word for city in CITIES for word in ("--city", city)))
        bongsu("sharing", "apply")
        yield made


CITY = """
name = "{city}"
timezone = "Etc/UTC"
law = "us"
[bounds]
south = 40
west = -75
north = 41
east = -74
[gateway]
"""


def agreements() -> str:
    told = "".join(
        f"[city.{city}]\nagencies = {sorted(one.partition('.')[2] for one in every() if one.startswith(f'{city}.'))}\n"
        for city in CITIES
    ).replace("'", '"')
    day = timedelta(days=1)
    for table, may, until in ((READS, "read", day), (WRITES, "publish", day), (ENDED, "read", -day)):
        for principal, contracts in table.items():
            city, _, agency = principal.partition(".")
            names = ", ".join(f'"{one}"' for one in sorted(contracts))
            told += (
                f'[[agreement]]\ncity = "{city}"\nagency = "{agency}"\nmay = "{may}"\ntopics = [{names}]\n'
                f'purpose = "disaster"\nlegal_ground = "a test"\n'
                f"valid_until = {(datetime.now(UTC) + until).isoformat()}\n"
            )
    return told


def every() -> set[str]:
    return {*READS, *WRITES, *ENDED}


def agreed(principal: str, contracts: tuple[str, ...]) -> Allowed:
    """By hand: what *principal* may do with topics of *contracts*, in both cities."""
    city = principal.partition(".")[0]
    found: Allowed = set()
    for contract in contracts:
        if contract in READS.get(principal, ()):
            found |= {(f"{city}.{contract}", "read"), (f"{city}.{contract}", "describe")}
        if contract in WRITES.get(principal, ()):
            found |= {(f"{city}.{contract}", "write"), (f"{city}.{contract}", "describe")}
    return found


def asking(home: Home, principal: str) -> Asking:
    security = security_of(principal_file(home, principal))
    return Asking(
        endpoints().kafka, security, f"{principal}.desk", is_safe=not principal.endswith(".platform")
    )


def partitions(contracts: tuple[str, ...]) -> dict[str, int]:
    return {f"{city}.{one}": load_catalogue()[one].partitions for city in CITIES for one in contracts}


def differences(home: Home, principals: set[str], contracts: tuple[str, ...]) -> dict[str, Allowed]:
    found = {}
    for principal in sorted(principals):
        one = asking(home, principal)
        odd = one.allowed(partitions(contracts)) ^ agreed(principal, contracts)
        odd |= {(name, "create") for name in one.may_create(f"{city}.made-by-hand" for city in CITIES)}
        if odd:
            found[principal] = odd
    return found


def test_a_few_agencies_and_topics_are_as_the_table_says_and_a_planted_right_is_found(home: Home) -> None:
    few = {"new.hospital", "new-york.watch"}
    assert differences(home, few, FEW) == {}
    administrator = AdminClient(client(security_of(admin_file(home))))
    planted = right(
        ResourceType.TOPIC, "new-york.core.alert", ResourcePatternType.LITERAL, "User:new.hospital", AclOperation.READ
    )  # fmt: skip
    for made in administrator.create_acls([planted]).values():
        made.result()
    within(10, lambda: planted in administrator.describe_acls(exactly(planted)).result())
    found = differences(home, few, FEW)
    bongsu("sharing", "apply")
    assert found == {"new.hospital": {("new-york.core.alert", "read"), ("new-york.core.alert", "describe")}}
    within(10, lambda: differences(home, {"new.hospital"}, FEW) == {})


def test_groups_and_transactions_of_others_are_closed_and_one_without_agreement_has_no_user(
    home: Home,
) -> None:
    hospital = asking(home, "new.hospital")
    topic = "new.core.alert"
    assert hospital.may_use_group("new.hospital.desk", topic)
    others = (
        "new.hospital",
        "new.hospital-2.desk",
        "new.fire.desk",
        "new.match",
        "new-york.fire.desk",
        "desk",
    )
    assert [one for one in others if hospital.may_use_group(one, topic)] == []
    assert hospital.may_begin("new.hospital.pump")
    foreign = ("new.hospital", "new.cameras.pump", "new.ingest.calls", "new-york.bikes.pump", "pump")
    assert [one for one in foreign if hospital.may_begin(one)] == []
    for ended in ENDED:
        assert not principal_file(home, ended).exists()


def test_the_doors_of_registry_and_redis_are_closed_to_an_agency(home: Home) -> None:
    password = (folder_of(home) / "new.hospital.password").read_text().strip()
    places = endpoints()
    registry = httpx.URL(places.registry)
    ca = str(folder_of(home) / "ca.crt")
    for user in ("new.hospital", "bongsu"):
        subjects = registry.copy_with(
            userinfo=f"{user}:{password}".encode(), path="/apis/ccompat/v7/subjects"
        )
        answer = httpx.get(subjects, verify=ssl.create_default_context(cafile=ca))
        assert answer.status_code == 401, user
    for user in ("new.hospital", "new.platform", "bongsu"):
        with pytest.raises(AuthenticationError):
            redis_as(places.redis, user, password).ping()


def redis_as(place: str, user: str, password: str) -> Redis:
    """A client at *place* that proves to be *user*, whatever the address says."""
    client = Redis.from_url(place)
    client.connection_pool.connection_kwargs |= {"username": user, "password": password}
    return client


@pytest.mark.long
def test_every_principal_has_what_the_table_says_of_every_topic(home: Home) -> None:
    contracts = tuple(load_catalogue())
    assert differences(home, every() - set(ENDED), contracts) == {}
    for city, other in (CITIES, CITIES[::-1]):
        let = asking(home, f"{city}.platform").allowed(partitions(contracts))
        assert {topic for topic, _ in let} == {f"{city}.{one}" for one in contracts}, "all its own"
        assert not [topic for topic, _ in let if topic.startswith(f"{other}.")]
