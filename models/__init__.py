"""Chat models: hosted, served, in-process, scripted, manual; their budgets and prices.

Knows nothing about games: a model gets messages and gives a completion.
"""
