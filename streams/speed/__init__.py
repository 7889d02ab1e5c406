"""How fast vehicles are, by cell and minute: pure. ``streams/speed_stage.py`` is its rim."""
