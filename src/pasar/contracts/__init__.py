"""What the two services say to each other: events on the broker and calls over gRPC."""
