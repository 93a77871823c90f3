"""The HTTP vocabulary of the store service: what every route shares, and no feature."""
