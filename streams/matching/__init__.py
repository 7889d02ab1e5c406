"""The match at work: its worker's loop around the pure step. Kafka is met here."""
