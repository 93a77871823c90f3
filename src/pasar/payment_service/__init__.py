"""The payment service: one charge per order, asked for by event or by gRPC."""
