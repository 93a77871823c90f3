"""One order's story, told from the rows that everybody else has written. Owns no table."""
