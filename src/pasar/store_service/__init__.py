"""The store service: accounts, stores, catalogue, carts and orders over REST."""
