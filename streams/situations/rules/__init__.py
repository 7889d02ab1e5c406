"""The rules, a file each: ``in_force`` finds them by name."""
