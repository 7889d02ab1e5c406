"""The reading routes: which rows, in which order and pages, and a problem for every wrong parameter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from time import sleep

import pytest

from connectors.gateway.paging import cursor_of
from connectors.gateway.shelf import ShelfRow
from schemas.kinds import STATUSES
from streams.situations import terms
from tests.unit.gateway.a_reading_city import CITY, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

OURS = {"agencies": ["119"], "status": "open"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with a_reading_city(tmp_path_factory.mktemp("reads")) as made:
        yield made


@pytest.fixture
def reader(gateway: Reader) -> Reader:
    """The gateway without rows."""
    gateway.city.clear()
    return gateway


def test_the_newest_changed_comes_first_and_closed_ones_only_when_asked_for(reader: Reader) -> None:
    for name in ("a", "b", "c"):
        reader.city.put("core.situation", situation_id=name, **OURS)
    reader.city.put("core.situation", situation_id="a", revision=2, **OURS)
    reader.city.put("core.situation", situation_id="b", revision=2, agencies=["119"], status="closed")
    assert reader.ids("situations") == ["a", "c"]
    assert reader.ids("situations?status=closed") == ["b"]
    assert reader.ids("situations?status=closed&status=open") == ["b", "a", "c"]


def test_a_row_of_others_is_not_listed_and_not_there(reader: Reader) -> None:
    reader.city.put("core.situation", situation_id="theirs", agencies=["112"], status="open")
    assert reader.ids("situations") == []
    assert reader.ids("situations", role="viewer") == ["theirs"]
    theirs, nobodys = (reader.get(f"situations/{name}") for name in ("theirs", "nobodys"))
    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert theirs.json()["detail"].replace("theirs", "") == nobodys.json()["detail"].replace("nobodys", "")


def test_kind_holds_the_kinds_below_it(reader: Reader) -> None:
    for kind in ("crash", "crash.pedestrian", "fire"):
        reader.city.put("core.situation", situation_id=kind, kind=kind, **OURS)
    assert reader.ids("situations?kind=crash") == ["crash.pedestrian", "crash"]
    assert reader.ids("situations?kind=crash.pedestrian&kind=fire") == ["fire", "crash.pedestrian"]


def test_areas_hold_what_lies_in_them(reader: Reader) -> None:
    places = {"in": (36.3, 127.4), "hole": (36.5, 127.5), "out": (37.5, 127.4), "date line": (36.3, -179.9)}
    for name, (lat, lon) in places.items():
        at = {"lat": lat, "lon": lon, "accuracy_m": None}
        reader.city.put("core.situation", situation_id=name, position=at, **OURS)
    reader.city.put("core.situation", situation_id="nowhere", position=None, **OURS)
    assert reader.ids("situations?bbox=127,36,128,37") == ["hole", "in"]
    assert reader.ids("situations?bbox=179,36,-179,37") == ["date line"]
    assert reader.ids("situations?polygon=36,127 36,128 37,128 37,127") == ["hole", "in"]
    ring = "[[127,36],[128,36],[128,37],[127,37],[127,36]]"
    hole = "[[127.45,36.45],[127.55,36.45],[127.55,36.55],[127.45,36.55],[127.45,36.45]]"
    assert reader.ids(f'situations?polygon={{"type":"Polygon","coordinates":[{ring},{hole}]}}') == ["in"]


def test_since_finds_what_changed_then_or_later(reader: Reader) -> None:
    reader.city.put("core.situation", situation_id="old", at_ms=NOON_MS - 10_000, **OURS)
    reader.city.put("core.situation", situation_id="new", at_ms=NOON_MS, **OURS)
    newest = reader.get("situations").json()["newest_change"]
    assert newest == "2026-05-28T20:26:40.000+00:00"
    assert reader.ids(f"situations?since={newest}") == ["new"]  # its + arrives as a space
    assert reader.ids("situations?since=2026-05-28T20:26:30Z") == ["new", "old"]


def test_text_finds_words_in_what_the_reader_may_see_and_tells_nothing_else(reader: Reader) -> None:
    action = {"action_id": "1", "action": "note", "account_id": "0a", "at": "2026-03-08T09:00:00.000+00:00"}
    reader.city.put(
        "core.situation",
        situation_id="s",
        kind="crash",
        reason="Kim Minsu lies in the road",
        actions=[{**action, "reason": "called his brother"}],
        **OURS,
    )
    for text in ("crash", "교통사고", "CRASH 119"):
        assert reader.ids(f"situations?text={text}", role="no-purpose") == ["s"], text
    for text in ("minsu", "brother", "0a"):
        assert reader.ids(f"situations?text={text}") == ["s"], text
        assert reader.ids(f"situations?text={text}", role="no-purpose") == [], text


def test_pages_show_every_row_once_while_rows_change(reader: Reader) -> None:
    for number in range(7):
        reader.city.put("core.situation", situation_id=f"s{number}", **OURS)
    seen, path = [], "situations?limit=3"
    while path:
        answer = reader.get(path)
        seen += [one["situation_id"] for one in answer.json()["situations"]]
        cursor = answer.json()["next"]
        assert ("Link" in answer.headers) == (cursor is not None)
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        reader.city.put("core.situation", situation_id=seen[0], revision=9, **OURS)
    assert seen == ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]


def test_an_answer_that_still_holds_is_304(reader: Reader) -> None:
    reader.city.put("core.situation", situation_id="s", **OURS)
    for path in ("situations", "situations/s"):
        first = reader.get(path)
        assert "private" in first.headers["cache-control"]
        tag = first.headers["etag"]
        for sent in (tag, f'"other", W/{tag}', "*"):
            again = reader.get(path, if_none_match=sent)
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        reader.city.put("core.situation", situation_id="s", revision=2, **OURS)
        assert reader.get(path, if_none_match=tag).status_code == 200


def test_the_story_says_what_lies_between_joined_reports(reader: Reader) -> None:
    here = {"lat": 36.35, "lon": 127.38, "accuracy_m": None}
    crash = {"domain": "fire", "kind": "crash", "status": "open", "revision": 1, "position": here}
    first = {
        **crash, "agency": "119", "agency_case_no": "F", "incident_id": "f",
        "event_time": "2026-03-08T08:59:00.000+00:00",
    }  # fmt: skip
    second = {
        **first, "agency": "112", "agency_case_no": "P", "incident_id": "p",
        "event_time": "2026-03-08T09:01:30.000+00:00", "position": {**here, "lat": 36.351},
    }  # fmt: skip
    third = {**second, "agency_case_no": "Q", "incident_id": "q", "position": None}
    reader.city.put("core.situation", situation_id="s", incidents=[first, second, third], **OURS)
    story = {
        one["id"]: one for one in reader.get("situations/s").json()["story"] if one["what"] == "incident"
    }
    assert "beside" not in story["f"]["facts"]
    assert story["p"]["words"] == "112 P: crash, open; joined with that of 119, 150 s and 111 m apart"
    assert story["p"]["facts"] == {
        "agency": "112", "agency_case_no": "P", "kind": "crash", "status": "open",
        "beside": "119", "apart_s": 150, "apart_m": 111,
    }  # fmt: skip
    assert story["q"]["words"] == "112 Q: crash, open; joined with that of 119, 150 s apart"


def test_a_situation_has_its_revisions_and_a_story_in_the_order_of_time(reader: Reader) -> None:
    incident = {
        "domain": "fire",
        "agency": "119",
        "agency_case_no": "26-1",
        "incident_id": "i",
        "kind": "crash",
        "status": "open",
        "event_time": "2026-03-08T08:59:00.000+00:00",
        "position": None,
        "revision": 1,
    }
    for revision, minute in ((1, "09:00"), (2, "09:05")):
        at = f"2026-03-08T{minute}:00.000+00:00"
        about = {"revision": revision, "event_time": at, "incidents": [incident], "reason": f"why {revision}"}
        reader.city.put("core.situation", situation_id="s", **about, **OURS)
    mine = {"situation_id": "s", "event_time": "2026-03-08T09:01:00.000+00:00"}
    reader.city.put("core.alert", **mine, alert_id="a", audience="119", headline="come")
    reader.city.put("core.alert", **mine, alert_id="a", audience="112", headline="police only")
    reader.city.put("core.grant", **mine, grant_id="g", granted_to="119/unit-7", revoked_at=None)
    reader.city.put("core.grant", **mine, grant_id="h", granted_to="112")
    told = reader.get("situations/s").json()
    assert [one["revision"] for one in told["revisions"]] == [1, 2]
    assert told["situation"] == told["revisions"][-1]
    assert [one["audience"] for one in told["alerts"]] == ["119"]
    assert [one["grant_id"] for one in told["grants"]] == ["g"]
    whats = [one["what"] for one in told["story"] if one["what"] not in {"action", "filing"}]
    assert whats == ["incident", "revision", "evidence", "alert", "grant", "revision"]
    assert [one["at"] for one in told["story"]] == sorted(one["at"] for one in told["story"])
    assert any("why 2" in one["words"] for one in told["story"])
    masked = reader.get("situations/s", role="no-purpose").text
    assert "why " not in masked
    assert "police only" not in reader.get("situations/s").text


def test_alerts_and_grants_are_ones_own(reader: Reader) -> None:
    for audience in ("119", "112", "public"):
        reader.city.put("core.alert", alert_id=audience, audience=audience)
    for name, to in (("a", "119"), ("b", "119/unit"), ("c", "1190"), ("d", "112/119")):
        reader.city.put("core.grant", grant_id=name, granted_to=to)
    assert reader.ids("alerts") == ["public", "119"]
    assert reader.ids("alerts", role="public") == ["public"]
    assert reader.ids("alerts?audience=119") == ["119"]
    assert reader.ids("alerts?audience=112") == []
    assert reader.ids("grants") == ["b", "a"]
    assert reader.ids("grants", role="public") == []


def test_grants_in_force_are_told_from_those_that_ended(reader: Reader) -> None:
    later, before = "2099-01-01T00:00:00.000+00:00", "2020-01-01T00:00:00.000+00:00"
    for name, expires, revoked in (("on", later, None), ("over", before, None), ("off", later, before)):
        about = {"expires_at": expires, "revoked_at": revoked}
        reader.city.put("core.grant", grant_id=name, granted_to="119", **about)
    assert reader.ids("grants?is_current=true") == ["on"]
    assert reader.ids("grants?is_current=false") == ["off", "over"]


def test_cameras_come_nearest_first_in_pages(reader: Reader) -> None:
    for number in range(5):
        status = "faulty" if number == 1 else "ok"
        camera = {"camera_id": f"C-{number}", "purposes": ["crime-prevention"], "status": status}
        reader.city.cameras.append((100.0 * number, camera))
    first = reader.get("cameras?near=36.3,127.4&limit=2").json()
    assert [one["camera"]["camera_id"] for one in first["cameras"]] == ["C-0", "C-2"]
    rest = reader.get(f"cameras?near=36.3,127.4&limit=2&cursor={first['next']}").json()
    assert ([one["camera"]["camera_id"] for one in rest["cameras"]], rest["next"]) == (["C-3", "C-4"], None)
    near = reader.get("cameras?near=36.3,127.4&radius_m=100&status=faulty&status=ok").json()
    assert [one["distance_m"] for one in near["cameras"]] == [0.0, 100.0]
    assert reader.get("cameras?near=36.3,127.4&purpose=traffic").json()["cameras"] == []
    assert reader.get("cameras?near=36.3,127.4", role="public").status_code == 403


WRONG = {
    "situations?kind=krash": "kind",
    "situations?status=opened": "status",
    "situations?bbox=1,2,3": "bbox",
    "situations?bbox=127,37,128,36": "bbox",
    "situations?bbox=nan,36,128,37": "bbox",
    "situations?polygon=36,127 36,128": "polygon",
    "situations?polygon=" + " ".join(f"{n / 10},{n / 10}" for n in range(201)): "polygon",
    'situations?polygon={"type":"Point"}': "polygon",
    'situations?polygon={"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[1,0]]]}': "polygon",
    'situations?polygon={"type":"Polygon","coordinates":[]}': "polygon",
    "situations?polygon={": "polygon",
    "situations?since=yesterday": "since",
    "situations?since=2026-03-08T09:00:00": "since",
    "situations?text=": "text",
    "situations?limit=0": "limit",
    "situations?limit=501": "limit",
    "situations?limit=1e1": "limit",
    "situations?limit=5&limit=6": "limit",
    "situations?cursor=x": "cursor",
    "situations?knid=crash": "knid",
    "situations/s?kind=crash": "kind",
    "grants?is_current=yes": "is_current",
    "grants?kind=crash": "kind",
    "alerts?audience=": "audience",
    "cameras": "near",
    "cameras?near=91,0": "near",
    "cameras?near=36.3": "near",
    "cameras?near=36.3,127.4&radius_m=-1": "radius_m",
    "cameras?near=36.3,127.4&radius_m=nan": "radius_m",
    "cameras?near=36.3,127.4&status=broken": "status",
}


def test_a_wrong_parameter_is_named_with_what_would_be_right(reader: Reader) -> None:
    for path, name in WRONG.items():
        answer = reader.get(path)
        told = answer.json()
        assert (answer.status_code, told["field"]) == (422, name), (path, told)
        assert answer.headers["content-type"] == "application/problem+json"
        assert told["detail"].startswith(name)
        assert told["expected"]


def test_a_cursor_of_other_filters_or_another_form_is_refused(reader: Reader) -> None:
    for number in range(3):
        reader.city.put("core.situation", situation_id=f"s{number}", **OURS)
    cursor = reader.get("situations?limit=1").json()["next"]
    assert reader.get(f"situations?limit=2&cursor={cursor}").status_code == 200
    for path in (
        f"situations?kind=crash&cursor={cursor}",
        f"situations?cursor={cursor[:-2]}",
        f"situations?cursor={cursor_of((True, 's'), 'x')}",
        f"situations?cursor={cursor_of((1, 's'), 'x')}",
    ):
        assert reader.get(path).status_code == 422, path


def test_who_may_not_read_is_refused(reader: Reader) -> None:
    for path in ("situations", "situations/s", "alerts", "grants", "cameras?near=1,1"):
        assert reader.get(path, role="publisher").status_code == 403, path
        assert reader.get(path, role="administrator").status_code == 403, path
        assert reader.get(path, role=None).status_code == 401, path
    assert reader.get("/v1/shelbyville/situations").status_code == 404
    reader.city.trouble = "Kafka unavailable"
    answer = reader.get("situations")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_page_that_read_too_many_rows_goes_on_after_them(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.gateway.paging.READ_MAX", 2)
    reader.city.put("core.situation", situation_id="found", reason="needle", **OURS)
    for number in range(3):
        reader.city.put("core.situation", situation_id=f"s{number}", **OURS)
    first = reader.get("situations?text=needle").json()
    assert first["situations"] == []
    assert first["next"]
    rest = reader.ids(f"situations?text=needle&cursor={first['next']}")
    assert rest == ["found"]


def test_the_statuses_are_those_of_the_rules() -> None:
    assert STATUSES == terms.STATUSES


def test_revisions_from_before_an_agency_came_in_are_not_its_own(reader: Reader) -> None:
    about = {"situation_id": "s", "status": "open"}
    reader.city.put(
        "core.situation", **about, revision=1, agencies=["112"], severity="minor", reason="theirs"
    )
    reader.city.put("core.situation", **about, revision=2, agencies=["112", "119"], reason="ours")
    told = reader.get("situations/s")
    assert [one["revision"] for one in told.json()["revisions"]] == [2]
    assert "theirs" not in told.text
    assert len(reader.get("situations/s", role="viewer").json()["revisions"]) == 2


def test_one_list_is_read_at_a_time_so_that_threads_leave_the_loop_its_time(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most = 0, 0
    rows = reader.city.rows

    def slow_rows(contract: str, *, now_ms: int) -> Sequence[ShelfRow]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        sleep(0.01)  # the time in which another thread would come in
        inside -= 1
        return rows(contract, now_ms=now_ms)

    monkeypatch.setattr(reader.city, "rows", slow_rows)

    async def at_once() -> None:
        keys = [reader.keys[role] for role in ("viewer", "with-purpose")] * 5
        await asyncio.gather(
            *(reader.ask("GET", f"/v1/{CITY}/situations", {"authorization": f"Bearer {key}"}) for key in keys)
        )

    asyncio.run(at_once())
    assert most == 1


def test_health_is_for_who_reads_for_an_audience_and_takes_no_parameter(reader: Reader) -> None:
    roles = ("viewer", "operator", "supervisor", "no-purpose", "public", "publisher")
    assert [reader.get("health", role=role).status_code for role in roles] == [200, 200, 200, 200, 403, 403]
    answer = reader.get("health")
    assert answer.headers["cache-control"] == "private, no-store"
    assert reader.get("health?since=1").json()["field"] == "since"
    assert reader.get("/v1/elsewhere/health").status_code == 404
    reader.city.health.trouble = "the rows are being read"
    assert (reader.get("health").status_code, reader.get("health").headers["retry-after"]) == (503, "2")
