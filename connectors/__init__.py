"""Connectors: sources read outside systems, sinks write to them, the gateway takes what agencies push."""
