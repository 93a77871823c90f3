"""Alembic revisions of the payment service: numbered SQL, importing nothing of ours."""
