"""Where this project's raw data comes from. This folder is yours: no update of the template touches it."""
