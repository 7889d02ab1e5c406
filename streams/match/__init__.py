"""The match: observations of the fast topics joined with what the city looks for. Pure: no Kafka, no clock."""
