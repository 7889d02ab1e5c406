"""The rules, a file or a folder each: ``in_force`` finds them by name. ``parts`` is what several share."""
