"""The routes of the catalogue."""

from pasar.kit.pictures import ReadUpload
from pasar.store_service.catalog.model import ProductId
from pasar.store_service.catalog.schemas import (
    CategoryJson,
    CreateCategoryBody,
    CreateProductBody,
    ProductJson,
)
from pasar.store_service.catalog.service import CategoryService, ProductService
from pasar.store_service.web.route import Call


class CategoryHandler:
    def __init__(self, categories: CategoryService) -> None:
        self.categories = categories

    async def create(self, call: Call[CreateCategoryBody]) -> CategoryJson:
        return CategoryJson.of(await self.categories.create(call.body.name))


class ProductHandler:
    def __init__(self, products: ProductService) -> None:
        self.products = products

    async def create(self, call: Call[CreateProductBody]) -> ProductJson:
        product = await self.products.create(call.caller.user_id, call.body.draft())
        return ProductJson.of(product)

    async def get(self, call: Call[None]) -> ProductJson:
        return ProductJson.of(await self.products.get(ProductId(call.id)))

    async def replace_image(self, call: Call[ReadUpload]) -> ProductJson:
        seller, product_id = call.caller.user_id, ProductId(call.id)
        return ProductJson.of(await self.products.replace_image(seller, product_id, call.body))
