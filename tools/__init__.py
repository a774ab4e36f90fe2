"""What maintainers run: see the Makefile."""
