"""Propose, race, gate, compare: which candidate becomes champion, and how sure we are. Ratings and the league."""
