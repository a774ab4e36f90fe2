"""How raw data becomes data to train on. This folder is yours: no update of the template touches it."""
