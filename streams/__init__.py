"""The mind: what hears the topics, decides, and answers."""
