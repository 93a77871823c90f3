"""
Stores: a seller's shop, one per seller.

Opening one turns the buyer into a seller.
"""
