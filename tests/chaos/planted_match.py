"""A match worker that dies just before its commit, correct or with a planted bug: shows that the harness finds it.

Run as ``python -m tests.chaos.planted_match run CITY --stage match``; ``BONGSU_PLANTED`` says which.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from typing import Any

from deploy.cli import main
from deploy.settings import endpoints
from streams.match.core.evidence import EvidenceColumns
from streams.match.core.flow import Partition
from streams.match.core.step import PartitionProgress
from streams.match.worker.offsets import committed_of
from streams.match.worker.publish import EvidencePublisher
from streams.match.worker.transaction import MatchTransaction
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import COMMIT_TIMEOUT_S, Outbox
from tests.chaos.planted import OUTSIDE

_sound = MatchTransaction.commit
_tell = EvidencePublisher.evidence
_told: list[EvidenceColumns] = []


def telling(self: EvidencePublisher, found: Iterable[EvidenceColumns], outbox: Outbox) -> None:
    told = list(found)
    _told.extend(told)
    _tell(self, told, outbox)


def dying(
    self: MatchTransaction,
    standings: Mapping[Partition, PartitionProgress],
    group_metadata: Any,
    *,
    giving_up: bool = False,
) -> None:
    """Die once evidence waits for its commit; with the bug, the offsets are committed by then."""
    self.outbox().flush()
    if not _told:
        _sound(self, standings, group_metadata, giving_up=giving_up)
        return
    if os.environ["BONGSU_PLANTED"] == OUTSIDE:
        producer = transactional_producer(endpoints().kafka, "planted-match")
        producer.begin_transaction()
        offsets = committed_of(standings, None)
        producer.send_offsets_to_transaction(offsets, group_metadata, COMMIT_TIMEOUT_S)
        producer.commit_transaction()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    EvidencePublisher.evidence = telling  # type: ignore[method-assign]  # the planted death
    MatchTransaction.commit = dying  # type: ignore[method-assign]  # as above
    main()
