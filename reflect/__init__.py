"""Evidence from stored games, what-if replays, edits to guidance. Does not know whether an edit is promoted."""
