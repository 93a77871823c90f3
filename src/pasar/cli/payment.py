"""`pasar payment`: the payment service in this process."""

import uvloop

from pasar.cli import variables
from pasar.kit import settings
from pasar.payment_service import main
from pasar.payment_service.config import PaymentConfig


def run() -> None:
    """
    Run the payment service: its gRPC server and its consumer of orders.

    Only the gRPC port must be free at the start; database and broker may come later.
    """
    with variables.explained():
        uvloop.run(main.serve(settings.read(PaymentConfig, variables.given())))
