"""The routes of stores."""

from pasar.kit.pictures import ReadUpload
from pasar.store_service.stores.model import StoreId
from pasar.store_service.stores.schemas import OpenStoreBody, StoreJson
from pasar.store_service.stores.service import StoreService
from pasar.store_service.web.route import Call


class StoreHandler:
    def __init__(self, stores: StoreService) -> None:
        self.stores = stores

    async def open(self, call: Call[OpenStoreBody]) -> StoreJson:
        body = call.body
        store = await self.stores.open(call.caller.user_id, body.name, body.description)
        return StoreJson.of(store)

    async def replace_logo(self, call: Call[ReadUpload]) -> StoreJson:
        store = await self.stores.replace_logo(call.caller.user_id, StoreId(call.id), call.body)
        return StoreJson.of(store)
