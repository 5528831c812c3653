"""The players that ship: language models, house bots, search."""
