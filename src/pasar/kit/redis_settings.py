"""
How to reach Redis, without the driver.

For those who only read settings, such as a supervisor: redis-py takes 6 MiB of a process.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Where Redis is; `timeout_s` limits connecting and each command; `breaker_*` as Breaker."""

    host: str
    port: int
    password: str
    db: int
    timeout_s: float
    breaker_failures: int
    breaker_open_s: float
