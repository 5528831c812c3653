"""The rookie: a language model of about a million parameters that follows tactical rules, trained here from scratch.

``python -m distill.rookie`` trains it, ``python -m distill.rookie --check`` measures it; docs/rookie.md says what it
is and what it cannot do.
"""
