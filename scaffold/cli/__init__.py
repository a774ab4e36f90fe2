"""From argv to effect: one small file for each command, loaded when it is called."""
