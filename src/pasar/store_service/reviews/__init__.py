"""
Reviews: one per buyer and product, by whoever has received it.

What counts as received is read from orders, which stand below.
"""
