"""
A buyer's cart: PostgreSQL is the truth, Redis the fast copy.

A cart reserves no stock and keeps no prices: it shows products as they are now, and checkout, one
feature up, judges everything again.
"""
