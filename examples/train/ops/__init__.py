# Managed by scaffold: updates merge this file.
"""Operate this Compose project: `python3 ops VERB`. Standard library only."""
