"""
The table of routes: everything the store service answers, one row each.

Routing, access, rate limits, body rules and the API description are read from here; a handler is
an unbound method, so that the table can be read and tested without starting anything.
"""

from http import HTTPStatus
from typing import Final

from pasar.kit.images import NotAnImage
from pasar.store_service.accounts.handler import AccountHandler, SessionHandler
from pasar.store_service.accounts.model import (
    BadCredentials,
    BadRefreshToken,
    EmailTaken,
    TooManyFailures,
)
from pasar.store_service.accounts.schemas import (
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
    BadStoreId,
    CategoryExists,
    CategoryInUse,
    CategoryNotFound,
    NoStoreYet,
    NotProductOwner,
    ProductNotFound,
    UnknownCategory,
)
from pasar.store_service.catalog.schemas import (
    FILTERS,
    CategoryJson,
    CreateCategoryBody,
    CreateProductBody,
    ProductJson,
    UpdateCategoryBody,
    UpdateProductBody,
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
    UpdateStatusBody,
)
from pasar.store_service.reviews.handler import ReviewHandler
from pasar.store_service.reviews.model import AlreadyReviewed, NotPurchased
from pasar.store_service.reviews.schemas import CreateReviewBody, ReviewJson
from pasar.store_service.stores.handler import StoreHandler
from pasar.store_service.stores.model import AlreadyHasStore, NotStoreOwner, StoreNotFound
from pasar.store_service.stores.schemas import OpenStoreBody, StoreJson, UpdateStoreBody
from pasar.store_service.timeline.handler import TimelineHandler
from pasar.store_service.timeline.schemas import EntryJson
from pasar.store_service.web.envelope import Message, Paged
from pasar.store_service.web.route import ADMIN, BUYER, PUBLIC, SELLER, SIGNED_IN, Limit, Route
from pasar.store_service.web.system import Health, Ready, SystemHandler

LOGIN: Final = (Limit.LOGIN, Limit.PUBLIC)  # asked in this order (contract section 4)
OPEN: Final = (Limit.PUBLIC,)
AUTH: Final = (Limit.AUTH,)

# A table is read by the row, so the formatter leaves it alone.
# fmt: off
ROUTES: Final = (
    Route(method="GET", path="/health", handler=SystemHandler.health, access=PUBLIC, answer=Health),
    Route(method="GET", path="/ready", handler=SystemHandler.ready, access=PUBLIC, answer=Ready),
    Route(method="POST", path="/api/v1/auth/register", handler=AccountHandler.register,
          access=PUBLIC, limits=LOGIN, private=True, body=RegisterBody, answer=UserJson,
          status=HTTPStatus.CREATED, refusals=(EmailTaken,), fault="failed to create user"),
    Route(method="POST", path="/api/v1/auth/login", handler=AccountHandler.login, access=PUBLIC,
          limits=LOGIN, private=True, body=LoginBody, answer=TokenPairJson,
          refusals=(TooManyFailures, BadCredentials)),
    Route(method="POST", path="/api/v1/auth/refresh", handler=SessionHandler.refresh,
          access=PUBLIC, limits=AUTH, private=True, body=RefreshTokenBody, answer=TokenPairJson,
          refusals=(BadRefreshToken,)),
    Route(method="POST", path="/api/v1/auth/logout", handler=SessionHandler.logout, access=PUBLIC,
          limits=AUTH, private=True, body=RefreshTokenBody, answer=Message,
          refusals=(BadRefreshToken,)),
    Route(method="POST", path="/api/v1/auth/logout-all", handler=SessionHandler.logout_all,
          access=SIGNED_IN, limits=AUTH, private=True, answer=Message),
    Route(method="POST", path="/api/v1/stores", handler=StoreHandler.open, access=BUYER,
          limits=AUTH, body=OpenStoreBody, answer=StoreJson, status=HTTPStatus.CREATED,
          refusals=(AlreadyHasStore,), fault="failed to create store"),
    Route(method="GET", path="/api/v1/stores/{id}", handler=StoreHandler.get, access=PUBLIC,
          limits=OPEN, path_id="store", answer=StoreJson, refusals=(StoreNotFound,)),
    Route(method="PUT", path="/api/v1/stores/{id}", handler=StoreHandler.update, access=SELLER,
          limits=AUTH, path_id="store", body=UpdateStoreBody, answer=StoreJson,
          refusals=(StoreNotFound, NotStoreOwner), fault="failed to update store"),
    Route(method="POST", path="/api/v1/stores/{id}/logo", handler=StoreHandler.replace_logo,
          access=SELLER, limits=AUTH, path_id="store", upload="logo", answer=StoreJson,
          refusals=(StoreNotFound, NotStoreOwner, NotAnImage),
          fault="failed to update store logo"),
    Route(method="POST", path="/api/v1/categories", handler=CategoryHandler.create, access=ADMIN,
          limits=AUTH, body=CreateCategoryBody, answer=CategoryJson, status=HTTPStatus.CREATED,
          refusals=(CategoryExists,), fault="failed to create category"),
    Route(method="GET", path="/api/v1/categories", handler=CategoryHandler.all, access=PUBLIC,
          limits=OPEN, answer=list[CategoryJson], fault="failed to fetch categories"),
    Route(method="PUT", path="/api/v1/categories/{id}", handler=CategoryHandler.update,
          access=ADMIN, limits=AUTH, path_id="category", body=UpdateCategoryBody,
          answer=CategoryJson, refusals=(CategoryNotFound, CategoryExists),
          fault="failed to update category"),
    Route(method="DELETE", path="/api/v1/categories/{id}", handler=CategoryHandler.delete,
          access=ADMIN, limits=AUTH, path_id="category", answer=Message,
          refusals=(CategoryNotFound, CategoryInUse), fault="failed to delete category"),
    Route(method="POST", path="/api/v1/products", handler=ProductHandler.create, access=SELLER,
          limits=AUTH, body=CreateProductBody, answer=ProductJson, status=HTTPStatus.CREATED,
          refusals=(NoStoreYet, BadCategoryId, BadPrice, BadStock, UnknownCategory),
          fault="failed to create product"),
    Route(method="GET", path="/api/v1/products", handler=ProductHandler.find, access=PUBLIC,
          limits=OPEN, query=FILTERS, answer=Paged[ProductJson],
          refusals=(BadCategoryId, BadStoreId), fault="failed to fetch products"),
    Route(method="GET", path="/api/v1/products/{id}", handler=ProductHandler.get, access=PUBLIC,
          limits=OPEN, path_id="product", answer=ProductJson, refusals=(ProductNotFound,)),
    Route(method="POST", path="/api/v1/products/{id}/reviews", handler=ReviewHandler.write,
          access=BUYER, limits=AUTH, path_id="product", body=CreateReviewBody, answer=ReviewJson,
          status=HTTPStatus.CREATED, refusals=(NotPurchased, AlreadyReviewed),
          fault="failed to create review"),
    Route(method="GET", path="/api/v1/products/{id}/reviews", handler=ReviewHandler.page,
          access=PUBLIC, limits=OPEN, path_id="product", answer=Paged[ReviewJson],
          fault="failed to fetch reviews"),
    Route(method="PUT", path="/api/v1/products/{id}", handler=ProductHandler.update,
          access=SELLER, limits=AUTH, path_id="product", body=UpdateProductBody, answer=ProductJson,
          refusals=(NoStoreYet, ProductNotFound, NotProductOwner, BadPrice, BadCategoryId,
              BadStock, UnknownCategory),
          fault="failed to update product"),
    Route(method="DELETE", path="/api/v1/products/{id}", handler=ProductHandler.delete,
          access=SELLER, limits=AUTH, path_id="product", answer=Message,
          refusals=(NoStoreYet, ProductNotFound, NotProductOwner),
          fault="failed to delete product"),
    Route(method="POST", path="/api/v1/products/{id}/image", handler=ProductHandler.replace_image,
          access=SELLER, limits=AUTH, path_id="product", upload="image", answer=ProductJson,
          refusals=(NoStoreYet, ProductNotFound, NotProductOwner, NotAnImage),
          fault="failed to update product image"),
    Route(method="GET", path="/api/v1/cart", handler=CartHandler.get, access=BUYER, limits=AUTH,
          private=True, answer=CartJson, refusals=(UnknownBuyer,), fault="failed to fetch cart"),
    Route(method="POST", path="/api/v1/cart/items", handler=CartHandler.add, access=BUYER,
          limits=AUTH, private=True, body=AddItemBody, answer=CartJson,
          refusals=(BadProductId, ProductNotFound, CartIsFull, InsufficientStock, UnknownBuyer),
          fault="failed to save cart"),
    Route(method="PUT", path="/api/v1/cart/items/{id}", handler=CartHandler.update, access=BUYER,
          limits=AUTH, path_id="product", private=True, body=UpdateItemBody, answer=CartJson,
          refusals=(ItemNotInCart, InsufficientStock), fault="failed to save cart"),
    Route(method="DELETE", path="/api/v1/cart/items/{id}", handler=CartHandler.remove,
          access=BUYER, limits=AUTH, path_id="product", private=True, answer=CartJson,
          refusals=(ItemNotInCart,), fault="failed to save cart"),
    Route(method="POST", path="/api/v1/orders", handler=OrderHandler.checkout, access=BUYER,
          limits=AUTH, private=True, body=CheckoutBody, answer=OrderJson, status=HTTPStatus.CREATED,
          refusals=(CartIsEmpty, ProductGone, OutOfStock, OrderTotalTooLarge, BadExpectedTotal,
              TotalChanged),
          fault="failed to process checkout"),
    Route(method="GET", path="/api/v1/orders", handler=OrderHandler.page, access=BUYER, limits=AUTH,
          private=True, answer=Paged[OrderJson], fault="failed to fetch orders"),
    Route(method="GET", path="/api/v1/orders/{id}", handler=OrderHandler.get, access=BUYER,
          limits=AUTH, path_id="order", private=True, answer=OrderJson,
          refusals=(OrderNotFound, NotOrderOwner)),
    Route(method="GET", path="/api/v1/orders/{id}/timeline", handler=TimelineHandler.tell,
          access=SIGNED_IN, limits=AUTH, path_id="order", private=True, answer=list[EntryJson],
          refusals=(OrderNotFound, NotOrderOwner, SellerWithoutStore, NotSellersOrder)),
    Route(method="PUT", path="/api/v1/orders/{id}/cancel", handler=OrderHandler.cancel,
          access=BUYER, limits=AUTH, path_id="order", private=True, answer=Message,
          refusals=(OrderNotFound, NotOrderOwner, TooLateToCancel),
          fault="failed to cancel order"),
    Route(method="GET", path="/api/v1/seller/orders", handler=SellerOrderHandler.page,
          access=SELLER, limits=AUTH, private=True, answer=Paged[OrderJson],
          refusals=(SellerWithoutStore,), fault="failed to fetch orders"),
    Route(method="PUT", path="/api/v1/orders/{id}/status", handler=SellerOrderHandler.move,
          access=SELLER, limits=AUTH, path_id="order", private=True, body=UpdateStatusBody,
          answer=Message,
          refusals=(OrderNotFound, SellerWithoutStore, NotSellersOrder, NotYetOrNoLonger,
              NotTheNextStep),
          fault="failed to update order status"),
)
# fmt: on
