"""The store: one SQLite file with every episode, prompt, comparison and night."""
