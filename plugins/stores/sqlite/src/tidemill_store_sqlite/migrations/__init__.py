"""How a ledger file of an older version becomes one of this version; the revisions are Alembic's."""
