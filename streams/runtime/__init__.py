"""Batches from Kafka, results in transactions, and the worker around them. Only this package uses Faust."""
