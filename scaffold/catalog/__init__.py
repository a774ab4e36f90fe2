"""The catalogue: entries, their index, and what a choice of them comes to."""
