"""The contract of every source as checks that run anywhere: over those that ship in ``tests/contract``, over one's own by
``bongsu source check``. No test runner is needed."""
