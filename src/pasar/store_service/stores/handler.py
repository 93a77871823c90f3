"""The routes of stores."""

from pasar.kit.pictures import ReadUpload
from pasar.store_service.stores.model import StoreId
from pasar.store_service.stores.schemas import OpenStoreBody, StoreJson, UpdateStoreBody
from pasar.store_service.stores.service import StoreService
from pasar.store_service.web.route import Call


class StoreHandler:
    def __init__(self, stores: StoreService) -> None:
        self.stores = stores

    async def open(self, call: Call[OpenStoreBody]) -> StoreJson:
        body = call.body
        store = await self.stores.open(call.caller.user_id, body.name, body.description)
        return StoreJson.of(store)

    async def get(self, call: Call[None]) -> StoreJson:
        return StoreJson.of(await self.stores.get(StoreId(call.id)))

    async def update(self, call: Call[UpdateStoreBody]) -> StoreJson:
        name, description = call.body.name or None, call.body.description or None
        owner, store_id = call.caller.user_id, StoreId(call.id)
        return StoreJson.of(await self.stores.update(owner, store_id, name, description))

    async def replace_logo(self, call: Call[ReadUpload]) -> StoreJson:
        store = await self.stores.replace_logo(call.caller.user_id, StoreId(call.id), call.body)
        return StoreJson.of(store)
