"""
Orders: checkout, the state machine, what a payment result does to an order, and its history.

A payment shows inside its order; the conversation about it is the feature `payments`, one up.
"""
