"""Tests of missing persons' cases: law, seals, keys."""
