"""How a model is trained. This folder is yours: no update of the template touches it."""
