# Managed by scaffold: updates merge this file.
"""What a backup set is on disk."""
