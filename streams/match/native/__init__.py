"""The fast reader of observations: record batches as brokers send them, and a kernel compiled from each Avro schema."""
