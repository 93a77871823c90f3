"""
Accounts: who has one, with which password and role, and what a login opens.

Everybody starts as a buyer; opening a store (feature `stores`) makes a seller; no route makes an
admin.
"""
