"""`ops backup` side by side with the usual recipe, plain tar and restic, on volumes of three kinds, and its memory."""
