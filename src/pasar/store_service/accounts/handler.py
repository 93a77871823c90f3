"""The routes of accounts."""

from pasar.store_service.accounts.schemas import LoginBody, RegisterBody, TokenPairJson, UserJson
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.web.route import Call


class AccountHandler:
    def __init__(self, accounts: AccountService) -> None:
        self.accounts = accounts

    async def register(self, call: Call[RegisterBody]) -> UserJson:
        body = call.body
        return UserJson.of(await self.accounts.register(body.email, body.password, body.name))

    async def login(self, call: Call[LoginBody]) -> TokenPairJson:
        body = call.body
        return TokenPairJson.of(await self.accounts.login(body.email, body.password, call.address))
