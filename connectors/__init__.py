"""The ears and the mouths: what hears an outside system, and what tells one."""
