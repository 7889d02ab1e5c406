"""The ids of situations that merge and split."""

from __future__ import annotations

from tests.unit.situations.a_city import City, a_camera, a_city, an_incident, members, place

OF_F1, OF_P1 = "6fc1d8f60468a55eb8f0d76ed5604e8c", "33bcc2a1bf2fb05266a81a1e453d42f2"
"""The ids of the joint incidents that F1 and P1 open: BLAKE2b of 16 bytes over rule and report, made apart from the code."""


def two_that_are_one() -> City:
    """F1 and P1 are 300 m apart until P1's place is corrected."""
    return a_city(
        a_camera("c1", where=place(0)),
        a_camera("c2", where=place(310)),
        an_incident("F1"),
        an_incident("P1", kind="crash", where=place(300), happened="12:01"),
        an_incident("P1", kind="crash", where=place(30), happened="12:01", heard="12:05", revision=2),
    )


def test_a_situation_is_named_after_the_report_that_opened_it() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash"))
    assert city.the_situation()["situation_id"] == OF_F1


def test_an_earlier_report_that_comes_later_does_not_rename_the_situation() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", happened="11:55"))
    assert city.the_situation()["situation_id"] == OF_F1
    assert city.the_situation()["opened_at"] < an_incident("F1").value["event_time"]


def test_of_two_situations_that_are_one_the_later_says_where_it_went() -> None:
    city = two_that_are_one()
    assert members(city.the_situation()) == {"F1", "P1"}
    merged = city.newest()[OF_P1]
    assert merged["merged_into"] == city.the_situation()["situation_id"]
    assert merged["status"] == "closed"


def test_a_merged_situation_takes_back_its_grants_and_alerts() -> None:
    city = two_that_are_one()
    gone = OF_P1
    ended = [one for one in city.grants().values() if one["situation_id"] == gone]
    assert ended
    assert all("merged" in one["reason"] and one["revoked_at"] for one in ended)
    last = {one["alert_id"]: one for one in city.all("core.alert") if one["situation_id"] == gone}
    assert [one["message_type"] for one in last.values()] == ["cancel", "cancel"]


def test_of_a_split_the_anchor_keeps_the_id() -> None:
    city = a_city(
        an_incident("F1"),
        an_incident("P1", kind="crash"),
        an_incident("P1", kind="crash", where=place(900), revision=2),
    )
    kept, split = city.live()
    assert (members(kept), kept["situation_id"]) == ({"F1"}, OF_F1)
    assert (members(split), split["split_from"]) == ({"P1"}, kept["situation_id"])
    assert split["situation_id"] == OF_P1


def test_a_merged_id_never_lives_again() -> None:
    city = two_that_are_one()
    city.take(an_incident("P1", kind="crash", where=place(900), happened="12:01", revision=3))
    dead = OF_P1
    assert city.newest()[dead]["merged_into"] is not None
    assert {frozenset(members(one)) for one in city.live()} == {frozenset({"F1"}), frozenset({"P1"})}
    assert dead not in {one["situation_id"] for one in city.live()}


def test_merging_and_parting_again_and_again_gives_each_revision_once() -> None:
    city = two_that_are_one()
    for revision in range(3, 9):
        where = place(900 if revision % 2 else 30)
        city.take(an_incident("P1", kind="crash", where=where, happened="12:01", revision=revision))
    told = [(one["situation_id"], one["revision"]) for one in city.all("core.situation")]
    assert len(told) == len(set(told))
    assert sum(len(one["incidents"]) for one in city.live()) == 2


def test_what_is_heard_again_after_it_was_forgotten_gets_an_id_of_its_own() -> None:
    city = a_city(
        an_incident("F1", status="closed"),
        an_incident("F1", status="open", heard="+29 12:00", revision=2),
        forget_after_days=10,
    )
    first, again = (one["situation_id"] for one in city.all("core.situation"))
    assert first == OF_F1
    assert again != first


def test_a_report_between_two_situations_makes_them_one() -> None:
    city = a_city(
        an_incident("F1", where=place(0)),
        an_incident("F2", where=place(300)),
        an_incident("P1", kind="crash", where=place(150)),
    )
    assert members(city.the_situation()) == {"F1", "F2", "P1"}
    assert city.the_situation()["situation_id"] == OF_F1
