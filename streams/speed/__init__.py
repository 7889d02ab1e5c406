"""The speed of vehicles by cell and minute. Pure; ``streams/stages/speed.py`` connects it to Kafka."""
