"""The colosseum: a tournament among many players, its ratings, its table and its page."""
