"""What is known of the demo shop: where it may be planted, its buyer, and what he buys."""

from typing import Final

WHERE: Final = "PASAR_POSTGRES"
EMBEDDED: Final = "embedded"
"""`pasar up` notes this in its run when the database is its own: `pasar seed` looks for it."""

BUYER: Final = ("buyer@example.com", "demo-buyer")

PRODUCT_ID: Final = "0190c7a2-0000-7000-8000-000000000001"
"""The first product, known beforehand: the purchase that `pasar up` prints buys it."""
