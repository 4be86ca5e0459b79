"""The tests' own servers are what they say they are."""

import psycopg


def test_each_database_is_fresh_and_migrated(postgres_url: str, empty_postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        applied = connection.execute("SELECT count(*) FROM schema_migrations").fetchone()
    assert applied is not None
    assert applied[0] > 0
    with psycopg.connect(empty_postgres_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    assert tables == (0,)


async def test_the_bus_keeps_streams(nats_url: str, stream_prefix: str) -> None:
    import nats

    connection = await nats.connect(nats_url)
    try:
        stream = connection.jetstream()
        await stream.add_stream(name=stream_prefix, subjects=[f"{stream_prefix}.>"])
        kept = await stream.publish(f"{stream_prefix}.x", b"hello")
    finally:
        await connection.close()
    assert (kept.stream, kept.seq) == (stream_prefix, 1)
