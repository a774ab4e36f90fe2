"""`python -m scaffold`."""

from scaffold.cli.main import main

main()
