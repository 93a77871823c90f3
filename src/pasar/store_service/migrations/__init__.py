"""Alembic revisions of the store service: numbered SQL, importing nothing of ours."""
