"""Reasons for which a ticket or a viewing is refused: their words and statuses."""

from __future__ import annotations

STATUSES = {"unknown_grant": 404, "revoked": 410, "expired_grant": 410}
NOT_FOUND, LOG_AWAY = "no_ticket", "log_away"
WORDS = {
    "may_not_read": "this account may not read grants",
    "only_audits": "an auditor's account opens no picture",
    "other_audience": "the grant is another agency's",
    "unknown_grant": "no such grant is known here",
    "revoked": "the grant was revoked",
    "expired_grant": "the grant is over",
    "forged": "this is no ticket of this city's gateway",
    "expired": "the ticket is over: redeem the grant for another",
    "used": "the ticket was used by another browser: redeem the grant for another",
    "other_camera": "the ticket is for another camera",
    "other_replica": "the ticket is of another replica of the gateway: send it there, or redeem the grant again",
    "account_ended": "the account of the ticket is revoked or expired",
    NOT_FOUND: "send a ticket: ?ticket=…, or 'Authorization: Bearer …'",
    LOG_AWAY: "the log cannot be reached: nothing is shown that is not on record",
}
