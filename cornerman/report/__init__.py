"""The report of a night: one HTML file, made only from the store, that needs nothing else to be read."""
