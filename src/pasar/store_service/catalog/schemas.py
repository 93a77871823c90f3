"""The catalogue in JSON."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from pasar.kit.ids import parse_id
from pasar.kit.money import parse_money
from pasar.store_service.catalog.model import (
    MAX_DESCRIPTION,
    MAX_STOCK,
    BadCategoryId,
    BadStoreId,
    Category,
    CategoryId,
    Product,
    ProductDraft,
    ProductEdit,
    ProductFilter,
    Sort,
)
from pasar.store_service.stores.model import StoreId
from pasar.store_service.web.fields import (
    Body,
    IdText,
    Parameter,
    PriceText,
    Rule,
    at_most,
    not_blank,
    not_only_blanks,
    required,
)

_Stock = Annotated[int, Meta(extra_json_schema={"minimum": 0, "maximum": MAX_STOCK})]


class CreateCategoryBody(Body, frozen=True):
    name: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {"name": (not_blank, at_most(255))}


class UpdateCategoryBody(Body, frozen=True):
    name: str = ""

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {"name": (not_only_blanks, at_most(255))}


class CreateProductBody(Body, frozen=True):
    """Id, price and stock are judged after the seller's store (contract 1.8), hence as sent."""

    name: str = ""
    price: PriceText = ""
    category_id: IdText = ""
    description: str = ""
    stock: _Stock = 0

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "name": (not_blank, at_most(255)),
        "price": (required,),
        "category_id": (required,),
        "description": (at_most(MAX_DESCRIPTION),),
    }

    def draft(self) -> ProductDraft:
        return ProductDraft(
            name=self.name,
            description=self.description,
            category_id=_category_id(self.category_id),
            price=parse_money(self.price),
            stock=self.stock,
        )


class UpdateProductBody(Body, frozen=True):
    """Absent and empty members stay as they are (contract C5); a stock of 0 is a real one."""

    name: str = ""
    description: str = ""
    price: str = ""
    category_id: str = ""
    stock: _Stock | None = None

    rules: ClassVar[Mapping[str, tuple[Rule, ...]]] = {
        "name": (not_only_blanks, at_most(255)),
        "description": (at_most(MAX_DESCRIPTION),),
    }

    def edit(self) -> ProductEdit:
        price, category_id = parse_money(self.price), _category_id(self.category_id)
        unreadable = {
            "price": self.price and price is None,
            "category_id": self.category_id and category_id is None,
        }
        return ProductEdit(
            name=self.name or None,
            description=self.description or None,
            price=price,
            category_id=category_id,
            stock=self.stock,
            unreadable=frozenset(name for name, true in unreadable.items() if true),
        )


_encode: Final = msgspec.json.Encoder().encode
_SORTS: Final = frozenset(Sort)
_Price = Annotated[str, Meta(description="plain decimal; anything else is ignored")]
FILTERS: Final = (
    Parameter("search", str, "text in the name or the description, in any letter case"),
    Parameter("category_id", IdText, "only products of this category"),
    Parameter("store_id", IdText, "only products of this store"),
    Parameter("min_price", _Price, "lowest price, inclusive"),
    Parameter("max_price", _Price, "highest price, inclusive"),
    Parameter("sort_by", Literal["created_at", "price", "name", "relevance"], "first sort key"),
    Parameter("sort_order", Literal["desc", "asc"], "exactly `asc` sorts ascending"),
)


def product_filter(query: Mapping[str, str]) -> ProductFilter:
    """
    Read the query of the product list (contract 6.2): what is no price, no order is ignored.

    Raises BadCategoryId, BadStoreId.
    """
    search = query.get("search", "")
    category_id = _category_id(query.get("category_id", ""))
    if category_id is None and "category_id" in query:
        raise BadCategoryId
    store_id = parse_id(query.get("store_id", ""))
    if store_id is None and "store_id" in query:
        raise BadStoreId
    return ProductFilter(
        search=search,
        category_id=category_id,
        store_id=None if store_id is None else StoreId(store_id),
        min_price=parse_money(query.get("min_price", ""), signed=True),
        max_price=parse_money(query.get("max_price", ""), signed=True),
        sort=_sort(query.get("sort_by", ""), search),
        ascending=query.get("sort_order") == "asc",
    )


def _category_id(text: str) -> CategoryId | None:
    category_id = parse_id(text)
    return None if category_id is None else CategoryId(category_id)


def _sort(sort_by: str, search: str) -> Sort:
    """Read the order; without a search nothing is more relevant than anything else."""
    known = sort_by in _SORTS and (search or sort_by != Sort.RELEVANCE)
    return Sort(sort_by) if known else Sort.CREATED_AT


class CategoryJson(msgspec.Struct, frozen=True):
    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, category: Category) -> "CategoryJson":
        return cls(category.id, category.name, category.created_at, category.updated_at)


class ProductJson(msgspec.Struct, frozen=True):
    id: UUID
    store_id: UUID
    category_id: UUID
    name: str
    description: str
    price: str
    stock: int
    image_url: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, product: Product) -> "ProductJson":
        return cls(
            id=product.id,
            store_id=product.store_id,
            category_id=product.category_id,
            name=product.name,
            description=product.description,
            price=str(product.price),
            stock=product.stock,
            image_url=product.image_url,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


class RenderedProducts:
    """
    The JSON of the products shown last, at most `most`: a popular one is not encoded each time.

    Kept for one and the same object: the copies of the catalogue hand out a new one for each
    version.
    """

    def __init__(self, *, most: int = 2000) -> None:
        self._most = most
        self._known: OrderedDict[UUID, tuple[Product, msgspec.Raw]] = OrderedDict()

    def of(self, product: Product) -> msgspec.Raw:
        rendered = self._known.get(product.id)
        if rendered is not None and rendered[0] is product:
            return rendered[1]
        raw = msgspec.Raw(_encode(ProductJson.of(product)))
        self._known[product.id] = (product, raw)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return raw
