# Managed by scaffold: updates merge this file.
"""What the log collector's correctness hangs on: reading every line once, also over restarts and rotation."""
