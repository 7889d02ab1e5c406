"""The contracts: the topics, their Avro schemas, and the codecs that read and write them."""
