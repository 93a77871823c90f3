"""
The conversation with the payment service, as the store has it: what its results do to orders.

The payment row inside an order belongs to `orders`.
"""
