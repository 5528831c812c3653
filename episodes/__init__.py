"""Games, clocks, players, playing one episode and many, the store and replay.

Knows nothing about guidance or promotion: it plays what it is given and keeps what happened.
"""
