"""Compose files as text with a structure: read with positions, and merged."""
