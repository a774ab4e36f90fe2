"""Carrying what copier did in a scratch clone over into a project: all or nothing, with a journal."""
