"""What each process of either service does first."""

import gc

from pasar.kit import failpoints, log


def begin(service: str, *, app_env: str, armed: str) -> None:
    """
    Arm the failpoints, log as that service, and leave what is loaded by now out of collections.

    A full garbage collection went through each module and class of a web process: every few seconds
    no request moved for 50 ms (measured under refusals; PyCon 2017 on `gc.freeze`: Instagram).

    Raises kit.settings.BadSetting: failpoints in production.
    """
    failpoints.arm(armed, app_env=app_env)
    log.configure(service, human=app_env == "development")
    gc.freeze()
