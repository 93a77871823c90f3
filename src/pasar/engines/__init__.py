"""Real PostgreSQL, Valkey and nsqd for a bare machine; imports nothing of pasar."""
