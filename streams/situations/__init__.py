"""The rules: pure functions from what came to what the city holds to be going on."""
