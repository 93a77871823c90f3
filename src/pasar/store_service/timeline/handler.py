"""The timeline's one route."""

from pasar.store_service.orders.model import OrderId
from pasar.store_service.timeline.schemas import EntryJson
from pasar.store_service.timeline.service import TimelineService
from pasar.store_service.web.route import Call


class TimelineHandler:
    def __init__(self, timelines: TimelineService) -> None:
        self.timelines = timelines

    async def tell(self, call: Call[None]) -> list[EntryJson]:
        return [
            EntryJson.of(entry)
            for entry in await self.timelines.tell(call.caller, OrderId(call.id))
        ]
