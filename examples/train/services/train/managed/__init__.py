# Managed by scaffold: updates merge this file.
"""The code of this service that updates go on improving; app/ is what is yours."""
