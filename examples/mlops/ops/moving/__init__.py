# Managed by scaffold: updates merge this file.
"""A move: content gets into a volume of this project from elsewhere, or the volume to another place."""
