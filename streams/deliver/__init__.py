"""Delivery's pure parts: who gets which event, and in which order and when each receiver is tried."""
