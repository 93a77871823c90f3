"""
The table of routes: everything the store service answers, one row each.

Routing, access, rate limits, body rules and the API description are read from here; a handler is
an unbound method, so that the table can be read and tested without starting anything.
"""

from http import HTTPStatus
from typing import Final

from pasar.kit.images import NotAnImage
from pasar.store_service.accounts.handler import AccountHandler
from pasar.store_service.accounts.model import BadCredentials, EmailTaken
from pasar.store_service.accounts.schemas import LoginBody, RegisterBody, TokenPairJson, UserJson
from pasar.store_service.cart.handler import CartHandler
from pasar.store_service.cart.model import (
    BadProductId,
    CartIsFull,
    InsufficientStock,
    ItemNotInCart,
    UnknownBuyer,
)
from pasar.store_service.cart.schemas import AddItemBody, CartJson
from pasar.store_service.catalog.handler import CategoryHandler, ProductHandler
from pasar.store_service.catalog.model import (
    BadCategoryId,
    BadPrice,
    BadStock,
    CategoryExists,
    NoStoreYet,
    NotProductOwner,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.schemas import (
    CategoryJson,
    CreateCategoryBody,
    CreateProductBody,
    ProductJson,
)
from pasar.store_service.orders.handler import OrderHandler
from pasar.store_service.orders.model import (
    BadExpectedTotal,
    CartIsEmpty,
    NotOrderOwner,
    OrderNotFound,
    OrderTotalTooLarge,
    OutOfStock,
    ProductGone,
    TotalChanged,
)
from pasar.store_service.orders.schemas import CheckoutBody, OrderJson
from pasar.store_service.stores.handler import StoreHandler
from pasar.store_service.stores.model import AlreadyHasStore, NotStoreOwner, StoreNotFound
from pasar.store_service.stores.schemas import OpenStoreBody, StoreJson
from pasar.store_service.web.route import ADMIN, BUYER, PUBLIC, SELLER, Limit, Route
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
        refusals=(BadCredentials,),
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
        path="/api/v1/stores/{id}/logo",
        handler=StoreHandler.replace_logo,
        access=SELLER,
        limits=AUTH,
        path_id="store",
        upload="logo",
        answer=StoreJson,
        refusals=(StoreNotFound, NotStoreOwner, NotAnImage),
        fault="failed to update store logo",
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
        path="/api/v1/products/{id}/image",
        handler=ProductHandler.replace_image,
        access=SELLER,
        limits=AUTH,
        path_id="product",
        upload="image",
        answer=ProductJson,
        refusals=(NoStoreYet, ProductNotFound, NotProductOwner, NotAnImage),
        fault="failed to update product image",
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
        path="/api/v1/orders/{id}",
        handler=OrderHandler.get,
        access=BUYER,
        limits=AUTH,
        path_id="order",
        answer=OrderJson,
        refusals=(OrderNotFound, NotOrderOwner),
        private=True,
    ),
)
