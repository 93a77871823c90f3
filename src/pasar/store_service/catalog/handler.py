"""The routes of the catalogue."""

from collections.abc import Sequence

import msgspec

from pasar.kit.pictures import ReadUpload
from pasar.store_service.catalog.model import CategoryId, ProductId
from pasar.store_service.catalog.schemas import (
    CategoryJson,
    CreateCategoryBody,
    CreateProductBody,
    ProductJson,
    RenderedProducts,
    UpdateCategoryBody,
    UpdateProductBody,
    product_filter,
)
from pasar.store_service.catalog.service import CategoryService, ProductService
from pasar.store_service.web.envelope import Message, Paged
from pasar.store_service.web.parse import page_of
from pasar.store_service.web.route import Call


class CategoryHandler:
    def __init__(self, categories: CategoryService) -> None:
        self.categories = categories

    async def create(self, call: Call[CreateCategoryBody]) -> CategoryJson:
        return CategoryJson.of(await self.categories.create(call.body.name))

    async def all(self, _call: Call[None]) -> Sequence[CategoryJson]:
        return [CategoryJson.of(category) for category in await self.categories.all()]

    async def update(self, call: Call[UpdateCategoryBody]) -> CategoryJson:
        name = call.body.name or None
        return CategoryJson.of(await self.categories.rename(CategoryId(call.id), name))

    async def delete(self, call: Call[None]) -> Message:
        await self.categories.delete(CategoryId(call.id))
        return Message("category deleted")


class ProductHandler:
    def __init__(self, products: ProductService) -> None:
        self.products = products
        self.rendered = RenderedProducts()

    async def create(self, call: Call[CreateProductBody]) -> ProductJson:
        product = await self.products.create(call.caller.user_id, call.body.draft())
        return ProductJson.of(product)

    async def get(self, call: Call[None]) -> msgspec.Raw:
        return self.rendered.of(await self.products.get(ProductId(call.id)))

    async def find(self, call: Call[None]) -> Paged[msgspec.Raw]:
        page = page_of(call.query)
        offset = (page.number - 1) * page.size
        products, total = await self.products.find(product_filter(call.query), offset, page.size)
        return Paged([self.rendered.of(product) for product in products], page, total)

    async def update(self, call: Call[UpdateProductBody]) -> ProductJson:
        product_id, edit = ProductId(call.id), call.body.edit()
        return ProductJson.of(await self.products.update(call.caller.user_id, product_id, edit))

    async def delete(self, call: Call[None]) -> Message:
        await self.products.delete(call.caller.user_id, ProductId(call.id))
        return Message("product deleted")

    async def replace_image(self, call: Call[ReadUpload]) -> ProductJson:
        seller, product_id = call.caller.user_id, ProductId(call.id)
        return ProductJson.of(await self.products.replace_image(seller, product_id, call.body))
