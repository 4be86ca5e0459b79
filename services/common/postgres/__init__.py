"""PostgreSQL: pools, bells, shared statements, migrations."""
