"""A team's own standard: a folder of what differs, laid over a release of the standard template."""
