"""The agreements by which agencies share: read, turned into rights, and held against a cluster."""
