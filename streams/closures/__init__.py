"""Closures: areas in which hubs, vehicles and chargers are closed for a time. Pure: no Kafka and no clock here."""
