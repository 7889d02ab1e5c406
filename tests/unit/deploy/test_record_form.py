"""Records as commands show them: without a hash from which a password could be guessed."""

from __future__ import annotations

from deploy.record_form import without_hashes


def test_hashes_of_passwords_and_links_are_covered_and_all_else_is_shown() -> None:
    row = {"name": "desk-3", "password_hash": "$argon2id$x", "link_hash": None}
    assert without_hashes("core.account", row) == {**row, "password_hash": "***"}
    assert without_hashes("core.grant", row) == row
