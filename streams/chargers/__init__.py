"""The central system of OCPP: calls of chargers into Kafka, each answered once it is durable, and calls to chargers."""
