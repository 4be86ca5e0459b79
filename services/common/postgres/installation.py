"""What tells this installation from every other one."""

from uuid import UUID

from psycopg.rows import scalar_row

from services.common.postgres.database import Pool


async def installation(pool: Pool) -> UUID:
    """It stays the same as long as the database does; a restored copy has it too."""
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=scalar_row)
        await cursor.execute("SELECT id FROM installation")
        found: UUID | None = await cursor.fetchone()
    if found is None:
        raise RuntimeError("the table installation has no row: its migration made one")
    return found


async def renew(pool: Pool) -> UUID:
    """Another one, for a restored copy that goes on by itself: two histories must not share a name.

    Processes that run have the old one until they start again.
    """
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=scalar_row)
        await cursor.execute("UPDATE installation SET id = gen_random_uuid() RETURNING id")
        made: UUID | None = await cursor.fetchone()
    if made is None:
        raise RuntimeError("the table installation has no row: its migration made one")
    return made
