"""The console: an operator sees the city, understands, and acts. Pages in a browser, a client of the gateway."""
