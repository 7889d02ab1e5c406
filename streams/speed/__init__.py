"""The speed of vehicles by cell and minute. Pure; ``streams/speed_stage.py`` connects it to Kafka."""
