"""The rights that agreements give, and how a cluster's rights differ from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from confluent_kafka.admin import AclBinding, AclOperation, ResourcePatternType, ResourceType

from deploy.rights import right, rights_of_platform
from deploy.sharing.agreed_rights import RightChange, RightsThere, changes, rights_agreed, told
from deploy.sharing.agreements import Agreement, CitySharing, Sharing
from deploy.sharing.kafka_users import users_of
from deploy.sharing.keeping import EVERY_S, pause_s
from deploy.sharing.shares import shares_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = NOW + timedelta(hours=1)
READS = Agreement(
    1, 4, "new", "hospital", "read", ("core.alert", "core.grant"), "disaster", "Act, section 1", END
)
PUBLISHES = replace(READS, number=2, line=12, may="publish", topics=("civil.observation",))
AGREED = Sharing((READS, PUBLISHES), {"new": CitySharing()})
EMPTY = RightsThere((), (), ())


def standing(sharing: Sharing, *more: AclBinding, now: datetime = NOW) -> RightsThere:
    """A cluster that has what *sharing* says at *now*, and *more*."""
    agreed = rights_agreed(sharing, now)
    users = {one.principal for one in agreed.values()}
    platform = rights_of_platform("new")
    return RightsThere([*agreed, *platform, *more], {*users, "new.platform"}, users)


def a_right(
    name: str, principal: str = "new.hospital", kind: ResourceType = ResourceType.TOPIC
) -> AclBinding:
    return right(kind, name, ResourcePatternType.LITERAL, f"User:{principal}", AclOperation.READ)


def words(found: list[RightChange]) -> list[str]:
    return [f"{one.act} {one.principal} {told(one.right)}".strip() for one in found]


def test_an_agreement_gives_its_topics_and_names_that_begin_with_the_agency_s_and_nothing_else() -> None:
    assert sorted(map(told, rights_agreed(AGREED, NOW))) == [
        "DESCRIBE GROUP new.hospital.*",
        "DESCRIBE TOPIC new.civil.observation",
        "DESCRIBE TOPIC new.core.alert",
        "DESCRIBE TOPIC new.core.grant",
        "DESCRIBE TRANSACTIONAL_ID new.hospital.*",
        "READ GROUP new.hospital.*",
        "READ TOPIC new.core.alert",
        "READ TOPIC new.core.grant",
        "WRITE TOPIC new.civil.observation",
        "WRITE TRANSACTIONAL_ID new.hospital.*",
    ]
    assert {one.principal for one in rights_agreed(AGREED, NOW)} == {"User:new.hospital"}


def test_no_right_of_a_city_or_an_agency_reaches_one_whose_name_goes_on() -> None:
    other = replace(READS, city="new-york")
    for one in rights_agreed(AGREED, NOW):
        for theirs in rights_agreed(Sharing((other, replace(READS, agency="hospital-2"))), NOW):
            is_prefix = one.resource_pattern_type == ResourcePatternType.PREFIXED
            assert not (is_prefix and theirs.name.startswith(one.name)), (one, theirs)
    topics = {one.name for one in rights_agreed(Sharing((other,)), NOW) if one.restype == ResourceType.TOPIC}
    assert topics == {"new-york.core.alert", "new-york.core.grant"}


def test_nothing_is_given_from_the_end_of_an_agreement_on() -> None:
    assert rights_agreed(AGREED, END - timedelta(milliseconds=1))
    assert not rights_agreed(AGREED, END)


def test_a_longer_agreement_beside_one_that_ends_keeps_what_both_cover() -> None:
    longer = replace(READS, number=3, topics=("core.alert",), valid_until=END + timedelta(days=1))
    both = Sharing((READS, longer), AGREED.cities)
    gone = changes(both, standing(both), now=END)
    assert words(gone) == [
        "remove right new.hospital DESCRIBE TOPIC new.core.grant",
        "remove right new.hospital READ TOPIC new.core.grant",
    ]
    assert {one.why for one in gone} == {f"agreement 1 (line 4) ended {END.isoformat()}"}


def test_a_cluster_that_has_what_was_agreed_is_left_as_it_is() -> None:
    assert changes(AGREED, standing(AGREED), now=NOW) == []


def test_an_empty_cluster_gets_the_user_before_its_rights_and_each_says_by_which_agreement() -> None:
    made = changes(AGREED, EMPTY, now=NOW)
    assert words(made)[0] == "add user new.hospital"
    assert len(made) == 1 + len(rights_agreed(AGREED, NOW))
    assert {one.why for one in made} == {
        f"agreement {number} (line {line}) until {END.isoformat()}" for number, line in ((1, 4), (2, 12))
    }


def test_after_the_end_rights_go_first_and_then_the_user() -> None:
    made = changes(AGREED, standing(AGREED), now=END)
    assert [one.act for one in made] == ["remove right"] * len(rights_agreed(AGREED, NOW)) + ["remove user"]
    assert all("ended" in one.why for one in made)


def test_a_planted_right_of_an_agency_is_removed_also_where_the_agency_has_no_agreement() -> None:
    planted = [
        a_right("new.core.access"),
        a_right("new.core.alert", "new.stranger"),
        a_right("old.core.alert"),
    ]
    made = changes(AGREED, standing(AGREED, *planted), now=NOW)
    assert {one.right for one in made} == set(planted)
    assert {(one.act, one.why) for one in made} == {("remove right", "no agreement covers it")}


def test_a_right_from_one_host_or_by_prefix_is_not_the_agreed_one() -> None:
    agreed = next(iter(rights_agreed(AGREED, NOW)))
    wider = right(
        agreed.restype, agreed.name, ResourcePatternType.PREFIXED, agreed.principal, agreed.operation
    )
    assert [one.right for one in changes(AGREED, standing(AGREED, wider), now=NOW)] == [wider]


def test_rights_of_services_of_others_and_of_cities_without_an_agreement_stay() -> None:
    foreign = [
        a_right("new.core.access", "mirror"),
        a_right("old.core.access", "old.hospital"),
        a_right("new.core.access", "new.gateway"),
        a_right("new.core.access", "new-york.hospital"),
    ]
    assert changes(AGREED, standing(AGREED, *foreign), now=NOW) == []


def test_an_agency_that_this_home_made_is_ended_even_if_its_city_has_no_agreement_any_more() -> None:
    before = standing(AGREED)
    made = changes(Sharing(), before, now=NOW)
    assert {one.act for one in made} == {"remove right", "remove user"}
    assert {one.principal for one in made} == {"new.hospital"}


def test_a_right_that_somebody_took_from_the_city_s_services_is_given_again() -> None:
    taken = rights_of_platform("new")[0]
    before = standing(AGREED)
    had = replace(before, rights=[one for one in before.rights if one != taken])
    assert [one.right for one in changes(AGREED, had, now=NOW)] == [taken]
    without = replace(had, users={"new.hospital"})
    assert changes(AGREED, without, now=NOW) == [], "services that never ran here get none"


def test_an_agency_whose_password_is_not_here_gets_a_new_one() -> None:
    assert words(changes(AGREED, replace(standing(AGREED), ours=()), now=NOW)) == ["add user new.hospital"]


def test_the_loop_looks_again_at_the_next_end_and_no_later_than_usual() -> None:
    assert pause_s(AGREED, NOW) == EVERY_S
    assert pause_s(None, NOW) == EVERY_S
    assert 3 < pause_s(AGREED, END - timedelta(seconds=3)) < 4
    assert pause_s(AGREED, END) == EVERY_S


def test_a_city_s_share_is_divided_and_never_exceeded() -> None:
    other = replace(READS, agency="clinic")
    sharing = Sharing((READS, PUBLISHES, other), {"new": CitySharing(bytes_per_s=1_000_001)})
    shares = shares_of(sharing, NOW)
    assert shares == {"new.hospital": 250_000, "new.clinic": 250_000, "new.platform": 500_001}
    assert shares_of(sharing, END) == {"new.platform": 1_000_001}
    assert shares_of(AGREED, NOW) == {}


def test_a_user_of_strimzi_has_the_same_rights_and_none_after_the_end() -> None:
    (user,) = users_of(AGREED, "new", NOW)
    rules = user["spec"]["authorization"]["acls"]
    told_there = {
        f"{operation.upper()} {one['resource']['name']}" for one in rules for operation in one["operations"]
    }
    assert told_there == {f"{one.operation.name} {one.name}" for one in rights_agreed(AGREED, NOW)}
    assert {one["resource"]["type"]: one["resource"]["patternType"] for one in rules} == {
        "topic": "literal",
        "group": "prefix",
        "transactionalId": "prefix",
    }
    assert users_of(AGREED, "new", END) == users_of(AGREED, "new-york", NOW) == []
