"""The rules there are, one file each."""
