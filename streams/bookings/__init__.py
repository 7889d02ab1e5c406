"""Rides on demand, and which vehicle each is assigned to. Pure; ``streams/operators/bookings.py`` connects it to Kafka."""
