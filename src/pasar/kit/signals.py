"""How a process is told to stop: once politely, twice at once."""

import asyncio
import signal


def told_to_stop() -> asyncio.Event:
    """
    Return an event that SIGINT or SIGTERM sets; to be called inside the running loop.

    A second signal finds the system's own handling and ends the process at once.
    """
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def tell() -> None:
        told.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    return told
