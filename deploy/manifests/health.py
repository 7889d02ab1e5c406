"""``python -m deploy.manifests.health URL``: ends with 0 when the process answers there. The image has no curl.

Without a URL it asks ``BONGSU_HEALTH_URL``, which a rendering sets for each role.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Sequence

ANSWER_S = 4.0


def is_well(url: str) -> bool:
    """Whether *url* answers 200 in time."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of loopback
    try:
        with opener.open(url, timeout=ANSWER_S) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):  # URLError is an OSError; ValueError: no URL
        return False


def main(words: Sequence[str]) -> int:
    url = words[0] if words else os.environ.get("BONGSU_HEALTH_URL", "")
    return 0 if url.startswith("http://") and is_well(url) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
