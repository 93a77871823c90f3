"""`python -m pasar` is the command `pasar`."""

from pasar.cli.main import app

app()
