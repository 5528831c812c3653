"""A closed room of pure functions: five counts in, evidence out. Knows nothing about games, players or storage."""
