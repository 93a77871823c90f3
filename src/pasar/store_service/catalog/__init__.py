"""
The catalogue: categories, products and their stock.

Stock changes only together with a row of the stock ledger; a product page may be a moment old, but
no decision is ever taken from one.
"""
