"""What each process does first."""

import subprocess
import sys

import pytest

from pasar.kit.process import begin
from pasar.kit.settings import BadSetting

LOADED = """
import gc
from pasar.kit.process import begin
begin("store-service", app_env="test", armed="")
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_is_loaded_by_then_is_no_business_of_the_garbage_collector() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True)
    left_out, looked_at = map(int, told.stdout.split())

    assert looked_at < left_out / 100


def test_failpoints_are_refused_in_production() -> None:
    with pytest.raises(BadSetting, match="PASAR_FAILPOINTS"):
        begin("store-service", app_env="production", armed="relay.tick=raise")
