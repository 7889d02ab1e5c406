"""The figures of a city's board: events of the log in, times of help and loads of alerts by day and by kind out. Pure."""
