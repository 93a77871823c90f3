"""`pasar verify`: the promises about the figures, recomputed; reads both schemas, writes none."""
