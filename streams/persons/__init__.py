"""The search of a missing person: sightings that can be theirs, the next one to show, the confirmed route. Pure."""
