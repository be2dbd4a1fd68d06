"""``python -m babysitter``: the command line."""

from babysitter.cli.main import main

main()
