"""Boards of hubs from what feeds say of them. Pure: no Kafka and no clock here."""
