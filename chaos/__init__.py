"""Faults on real processes: the shop is killed, paused, cut off and lied to, then audited."""
