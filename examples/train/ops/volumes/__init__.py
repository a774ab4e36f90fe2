# Managed by scaffold: updates merge this file.
"""Volumes in the engine: what they hold is read, copied and replaced here and nowhere else."""
