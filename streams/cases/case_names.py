"""The ids of missing persons' cases, keyed. Pure.

They stand readable in the log, and agencies number their cases one after another: a plain hash of a number would tell by
trial which case it is.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES, NAME_BYTES = 32, 16


def case_name(secret: bytes, city: str, agency: str, number: str) -> str:
    """The id of the case to which *agency* gave *number*: the same for the same *secret*, and no guess without it."""
    key = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"bongsu/cases/{city}".encode()).derive(secret)
    told = b"".join(len(one).to_bytes(4, "big") + one for one in (agency.encode(), number.encode()))
    return hmac.new(key, told, hashlib.sha256).hexdigest()[: 2 * NAME_BYTES]
