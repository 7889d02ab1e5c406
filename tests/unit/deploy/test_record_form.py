"""Records as commands show them: without a hash from which a password could be guessed."""

from __future__ import annotations

from deploy.record_form import covered


def test_hashes_of_passwords_and_links_are_covered_and_all_else_is_shown() -> None:
    row = {"name": "desk-3", "password_hash": "$argon2id$x", "link_hash": None}
    assert covered("core.account", row) == {**row, "password_hash": "***"}
    assert covered("core.grant", row) == row


def test_of_a_person_whom_a_camera_saw_no_command_shows_more_than_where_and_when() -> None:
    row = {
        "camera_id": "cam-7",
        "event_time": "2026-03-08T08:40:00.000+00:00",
        "track_id": "t-1",
        "attributes": [{"name": "upper_colour", "word": "red"}],
        "crop": {"ref": "crop-1"},
        "position": {"lat": 37.5, "lon": 126.7},
        "case_id": "case-1",
        "score": 0.9,
    }
    gone = {"track_id", "attributes", "crop", "position", "case_id", "score"}
    assert covered("cctv.person", row) == {**row, **dict.fromkeys(gone)}
    assert covered("cctv.person.dlq", {"original": "cmVk", "reason": "no schema"}) == {
        "original": "***",
        "reason": "no schema",
    }
    assert covered("fire.incident.dlq", {"original": "cmVk"}) == {"original": "cmVk"}
