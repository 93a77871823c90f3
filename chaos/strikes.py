"""Faults at work, one by one as planned or as a storm; and what each of them struck."""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random

from chaos.faults import FAULTS, Scene
from chaos.plan import Planned, Storm
from chaos.recovery import Struck


class Strikes:
    """`struck`: the faults that are over."""

    def __init__(self, scene: Scene) -> None:
        self.struck: list[Struck] = []
        self._scene = scene
        self._began = time.monotonic()

    async def follow(self, plan: Sequence[Planned]) -> None:
        """Let each begin at its time, and return when the last is over."""

        async def later(planned: Planned) -> None:
            await asyncio.sleep(self._began + planned.at_s - time.monotonic())
            await self._strike(planned.name, planned.seed)

        async with asyncio.TaskGroup() as faults:
            for each in plan:
                faults.create_task(later(each))

    async def rage(self, storm: Storm, seed: int, over: Callable[[], bool]) -> None:
        """Repeat the storm's fault until it is over."""

        async def again_and_again(chain: int) -> None:
            while not over():
                await asyncio.sleep(storm.gap_s)
                await self._strike(storm.fault, f"{seed}:{chain}:{len(self.struck)}")

        async with asyncio.TaskGroup() as chains:
            for chain in range(storm.abreast):
                chains.create_task(again_and_again(chain))

    async def _strike(self, name: str, seed: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f}  {name}", flush=True)
        begun = time.time()
        part = await FAULTS[name](self._scene, Random(seed))
        self.struck.append(Struck(name, part, begun, time.time()))
