"""Serving a student with vLLM: the environment it needs, and one server from start to stop."""
