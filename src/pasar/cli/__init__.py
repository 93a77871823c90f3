"""The command line: it composes processes and knows no feature."""
