"""Pasar: a multi-seller shop backend of two services, a store service and a payment service."""
