"""`python -m pasar` is the command `pasar`."""

from pasar.cli.entry import main

main()
