"""
The table of routes: everything the store service answers, one row each.

Routing, access, rate limits, body rules and the API description are read from here; a handler is
an unbound method, so that the table can be read and tested without starting anything.
"""

from http import HTTPStatus
from typing import Final

from pasar.store_service.accounts.handler import AccountHandler, SessionHandler
from pasar.store_service.accounts.model import (
    BadCredentials,
    BadRefreshToken,
    EmailTaken,
    TooManyFailures,
)
from pasar.store_service.accounts.schemas import (
    LoggedOutJson,
    LoginBody,
    RefreshTokenBody,
    RegisterBody,
    TokenPairJson,
    UserJson,
)
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.model import (
    BadProductId,
    CartIsFull,
    InsufficientStock,
    ItemNotInCart,
    UnknownBuyer,
)
from pasar.store_service.cart.schemas import AddItemBody, CartJson, UpdateItemBody
from pasar.store_service.catalog.handler import CategoryHandler, ProductHandler
from pasar.store_service.catalog.model import (
    BadCategoryId,
    BadPrice,
    BadStock,
    CategoryExists,
    NoStoreYet,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.schemas import (
    CategoryJson,
    CreateCategoryBody,
    CreateProductBody,
    ProductJson,
)
from pasar.store_service.orders.handler import OrderHandler, SellerOrderHandler
from pasar.store_service.orders.model import (
    BadExpectedTotal,
    CartIsEmpty,
    NotOrderOwner,
    NotSellersOrder,
    NotTheNextStep,
    NotYetOrNoLonger,
    OrderNotFound,
    OrderTotalTooLarge,
    OutOfStock,
    ProductGone,
    SellerWithoutStore,
    TooLateToCancel,
    TotalChanged,
)
from pasar.store_service.orders.schemas import (
    CheckoutBody,
    OrderJson,
    OrderMessage,
    UpdateStatusBody,
)
from pasar.store_service.reviews.handler import ReviewHandler
from pasar.store_service.reviews.model import AlreadyReviewed, NotPurchased
from pasar.store_service.reviews.schemas import CreateReviewBody, ReviewJson
from pasar.store_service.stores.handler import StoreHandler
from pasar.store_service.stores.model import AlreadyHasStore
from pasar.store_service.stores.schemas import OpenStoreBody, StoreJson
from pasar.store_service.web.envelope import Paged
from pasar.store_service.web.route import ADMIN, BUYER, PUBLIC, SELLER, SIGNED_IN, Limit, Route
from pasar.store_service.web.system import Health, Ready, SystemHandler

LOGIN: Final = (Limit.LOGIN, Limit.PUBLIC)  # asked in this order (contract section 4)
OPEN: Final = (Limit.PUBLIC,)
AUTH: Final = (Limit.AUTH,)

ROUTES: Final = (
    Route(
        method="GET",
        path="/health",
        handler=SystemHandler.health,
        access=PUBLIC,
        answer=Health,
    ),
    Route(
        method="GET",
        path="/ready",
        handler=SystemHandler.ready,
        access=PUBLIC,
        answer=Ready,
    ),
    Route(
        method="POST",
        path="/api/v1/auth/register",
        handler=AccountHandler.register,
        access=PUBLIC,
        limits=LOGIN,
        body=RegisterBody,
        answer=UserJson,
        status=HTTPStatus.CREATED,
        refusals=(EmailTaken,),
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/auth/login",
        handler=AccountHandler.login,
        access=PUBLIC,
        limits=LOGIN,
        body=LoginBody,
        answer=TokenPairJson,
        refusals=(TooManyFailures, BadCredentials),
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/auth/refresh",
        handler=SessionHandler.refresh,
        access=PUBLIC,
        limits=AUTH,
        body=RefreshTokenBody,
        answer=TokenPairJson,
        refusals=(BadRefreshToken,),
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/auth/logout",
        handler=SessionHandler.logout,
        access=PUBLIC,
        limits=AUTH,
        body=RefreshTokenBody,
        answer=LoggedOutJson,
        refusals=(BadRefreshToken,),
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/auth/logout-all",
        handler=SessionHandler.logout_all,
        access=SIGNED_IN,
        limits=AUTH,
        answer=LoggedOutJson,
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/stores",
        handler=StoreHandler.open,
        access=BUYER,
        limits=AUTH,
        body=OpenStoreBody,
        answer=StoreJson,
        status=HTTPStatus.CREATED,
        refusals=(AlreadyHasStore,),
    ),
    Route(
        method="POST",
        path="/api/v1/categories",
        handler=CategoryHandler.create,
        access=ADMIN,
        limits=AUTH,
        body=CreateCategoryBody,
        answer=CategoryJson,
        status=HTTPStatus.CREATED,
        refusals=(CategoryExists,),
    ),
    Route(
        method="POST",
        path="/api/v1/products",
        handler=ProductHandler.create,
        access=SELLER,
        limits=AUTH,
        body=CreateProductBody,
        answer=ProductJson,
        status=HTTPStatus.CREATED,
        refusals=(NoStoreYet, BadCategoryId, BadPrice, BadStock, UnknownCategory),
    ),
    Route(
        method="GET",
        path="/api/v1/products/{id}",
        handler=ProductHandler.get,
        access=PUBLIC,
        limits=OPEN,
        path_id="product",
        answer=ProductJson,
        refusals=(ProductNotFound,),
    ),
    Route(
        method="POST",
        path="/api/v1/products/{id}/reviews",
        handler=ReviewHandler.write,
        access=BUYER,
        limits=AUTH,
        path_id="product",
        body=CreateReviewBody,
        answer=ReviewJson,
        status=HTTPStatus.CREATED,
        refusals=(NotPurchased, AlreadyReviewed),
    ),
    Route(
        method="GET",
        path="/api/v1/products/{id}/reviews",
        handler=ReviewHandler.page,
        access=PUBLIC,
        limits=OPEN,
        path_id="product",
        answer=Paged[ReviewJson],
    ),
    Route(
        method="GET",
        path="/api/v1/cart",
        handler=CartHandler.get,
        access=BUYER,
        limits=AUTH,
        answer=CartJson,
        refusals=(UnknownBuyer,),
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/cart/items",
        handler=CartHandler.add,
        access=BUYER,
        limits=AUTH,
        body=AddItemBody,
        answer=CartJson,
        refusals=(BadProductId, ProductNotFound, CartIsFull, InsufficientStock, UnknownBuyer),
        private=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/cart/items/{id}",
        handler=CartHandler.update,
        access=BUYER,
        limits=AUTH,
        path_id="product",
        body=UpdateItemBody,
        answer=CartJson,
        refusals=(ItemNotInCart, InsufficientStock),
        private=True,
    ),
    Route(
        method="DELETE",
        path="/api/v1/cart/items/{id}",
        handler=CartHandler.remove,
        access=BUYER,
        limits=AUTH,
        path_id="product",
        answer=CartJson,
        refusals=(ItemNotInCart,),
        private=True,
    ),
    Route(
        method="POST",
        path="/api/v1/orders",
        handler=OrderHandler.checkout,
        access=BUYER,
        limits=AUTH,
        body=CheckoutBody,
        answer=OrderJson,
        status=HTTPStatus.CREATED,
        refusals=(
            CartIsEmpty,
            ProductGone,
            OutOfStock,
            OrderTotalTooLarge,
            BadExpectedTotal,
            TotalChanged,
        ),
        private=True,
    ),
    Route(
        method="GET",
        path="/api/v1/orders",
        handler=OrderHandler.page,
        access=BUYER,
        limits=AUTH,
        answer=Paged[OrderJson],
        private=True,
    ),
    Route(
        method="GET",
        path="/api/v1/orders/{id}",
        handler=OrderHandler.get,
        access=BUYER,
        limits=AUTH,
        path_id="order",
        answer=OrderJson,
        refusals=(OrderNotFound, NotOrderOwner),
        private=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/orders/{id}/cancel",
        handler=OrderHandler.cancel,
        access=BUYER,
        limits=AUTH,
        path_id="order",
        answer=OrderMessage,
        refusals=(OrderNotFound, NotOrderOwner, TooLateToCancel),
        private=True,
    ),
    Route(
        method="GET",
        path="/api/v1/seller/orders",
        handler=SellerOrderHandler.page,
        access=SELLER,
        limits=AUTH,
        answer=Paged[OrderJson],
        refusals=(SellerWithoutStore,),
        private=True,
    ),
    Route(
        method="PUT",
        path="/api/v1/orders/{id}/status",
        handler=SellerOrderHandler.move,
        access=SELLER,
        limits=AUTH,
        path_id="order",
        body=UpdateStatusBody,
        answer=OrderMessage,
        refusals=(
            OrderNotFound,
            SellerWithoutStore,
            NotSellersOrder,
            NotYetOrNoLonger,
            NotTheNextStep,
        ),
        private=True,
    ),
)
