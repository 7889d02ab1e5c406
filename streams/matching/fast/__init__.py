"""The quick way to read observations: librdkafka's own batches, and a kernel compiled from each Avro schema."""
