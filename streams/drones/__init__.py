"""Verdicts on drones from their positions. Pure; ``streams/stages/drones.py`` connects it to Kafka."""
