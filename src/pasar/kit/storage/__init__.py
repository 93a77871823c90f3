"""
Where pictures are kept: a port, and two adapters behind it.

A picture is written once and never changed; its name is what a row in the database refers to.
"""
