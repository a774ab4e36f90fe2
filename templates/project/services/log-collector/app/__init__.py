"""The log collector. This folder is yours: no update of the template touches it."""
