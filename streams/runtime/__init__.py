"""Batches from Kafka, answers in transactions, and the worker around them. The one place that knows Faust."""
