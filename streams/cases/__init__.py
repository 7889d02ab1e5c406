"""Missing persons' cases: who may look, for whom, where and how long; and what of a case is written under its own key."""
