"""Messages between processes: one port, an adapter for NSQ and one for Redis Streams."""
