"""
Where the processes of one service count together.

Apart from `metrics.py`: who only names the directory counts nothing and needs no library for it.
"""

from typing import Final

DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Set by the parent, before a child loads `metrics.py`, to the directory that all of them share."""
