"""The stream processors: they consume topics, apply the rules, and publish the results."""
