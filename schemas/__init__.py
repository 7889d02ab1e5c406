"""The words: what an event is, how it is written, and who may change it."""
