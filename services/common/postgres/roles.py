"""PostgreSQL's roles, where a deployment has more than the one that owns the tables.

The owner migrates. The services are `recount_app`: they change rows, but no tables, and of the log
they add entries alone; what an erasure takes out, it takes out by one function. `recount_read`
reads, for exporters, what holds no secret.
"""

from collections.abc import Mapping

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from services.common.postgres.migrate import LOCK

APP, READ = "recount_app", "recount_read"

# Before it, LOCK TABLE takes a right by which rows can be changed.
_SERVER_VERSION = 170000

# Tables of passwords, of what stands for one, and of what opens or signs something.
SECRETS = (
    "bus_passwords",
    "login_failures",
    "login_links",
    "personal_api_keys",
    "server_secrets",
    "share_failures",
    "share_passwords",
    "share_tokens",
    "webhook_secrets",
)

_GRANTS = """
    GRANT USAGE ON SCHEMA public TO {app}, {read};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app};
    REVOKE ALL ON log, schema_migrations FROM {app};
    GRANT SELECT, INSERT, MAINTAIN ON log TO {app};
    GRANT SELECT ON schema_migrations TO {app};
    GRANT EXECUTE ON FUNCTION erase_log_payloads(bigint, bigint[], bytea[], bytea[]) TO {app};
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO {read};
    REVOKE ALL ON {secrets} FROM {read};
    REVOKE CREATE ON SCHEMA public FROM PUBLIC, {app}, {read}
"""

_OWNS = """
    SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class
    WHERE oid = 'public.log'::regclass"""


class RolesRefused(Exception):
    """Nothing was changed; the message says why."""


def grant(url: str, passwords: Mapping[str, str]) -> None:
    """Both roles, made if they are missing, with the rights that they have from now on: of every
    table that there is. To repeat after each migration.

    url: of the tables' owner. passwords: of a role, where it is to get another; without one, the
    role is left to whatever else lets it in. Raises RolesRefused.
    """
    try:
        with psycopg.connect(url) as conn:
            if conn.info.server_version < _SERVER_VERSION:
                raise RolesRefused("Roles need PostgreSQL 17 or newer.")
            # Whoever owns nothing would get a warning from GRANT, and no error.
            if conn.execute(_OWNS).fetchone() != (True,):
                raise RolesRefused("Only who owns the tables can say who may do what with them.")
            conn.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            for role in (APP, READ):
                _make(conn, role, passwords.get(role, ""))
            conn.execute(
                SQL(_GRANTS).format(
                    app=Identifier(APP),
                    read=Identifier(READ),
                    secrets=SQL(", ").join(map(Identifier, SECRETS)),
                )
            )
    except psycopg.errors.InsufficientPrivilege as cause:
        raise RolesRefused(
            "Roles are made, and get passwords, by who may do that: a superuser runs"
            f" CREATE ROLE {APP} LOGIN; CREATE ROLE {READ} LOGIN; and gives them passwords. {cause}"
        ) from cause


def _make(conn: psycopg.Connection, role: str, password: str) -> None:
    found = conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if found is None:
        conn.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))
    if password:
        # Made here, so that no log of the server's has the password itself.
        verifier = conn.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        conn.execute(SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(role), Literal(verifier)))
