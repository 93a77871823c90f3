"""The routes of accounts."""

from pasar.store_service.accounts.schemas import (
    LoginBody,
    RefreshTokenBody,
    RegisterBody,
    TokenPairJson,
    UserJson,
)
from pasar.store_service.accounts.service import AccountService
from pasar.store_service.accounts.sessions import SessionService
from pasar.store_service.web.envelope import Message
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


class SessionHandler:
    def __init__(self, sessions: SessionService) -> None:
        self.sessions = sessions

    async def refresh(self, call: Call[RefreshTokenBody]) -> TokenPairJson:
        return TokenPairJson.of(await self.sessions.refresh(call.body.refresh_token))

    async def logout(self, call: Call[RefreshTokenBody]) -> Message:
        await self.sessions.logout(call.body.refresh_token)
        return Message("logged out")

    async def logout_all(self, call: Call[None]) -> Message:
        await self.sessions.logout_all(call.caller.user_id)
        return Message("logged out")
