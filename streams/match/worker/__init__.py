"""The match's worker: Kafka and its transactions around the pure step."""
