"""`pasar verify`: every promise about the figures recomputed; reads both schemas, writes nothing."""
