"""The match: joins observations of the fast topics with the open watches. Pure: no Kafka, no clock."""
