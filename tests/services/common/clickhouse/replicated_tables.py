"""Makes the replicated tables on chDB's own Keeper; run by path, in a process that ends at once.

Arguments: an empty folder. Prints the path in Keeper of each, a line each. (chDB takes no rows for
them, and with a Keeper in it the process does not end by itself.)
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import chdb

from services.common.clickhouse.schema import Form, table_statements

CONFIG = """<clickhouse>
    <zookeeper><implementation>testkeeper</implementation></zookeeper>
    <macros><shard>1</shard><replica>a</replica></macros>
</clickhouse>"""


def main(folder: Path) -> None:
    config = folder / "config.xml"
    config.write_text(CONFIG)
    engine = chdb.connect(f"{folder / 'chdb'}?config-file={config}")
    try:
        make(engine)
    except Exception as cause:
        print(cause, file=sys.stderr, flush=True)
    # Neither the connection nor the process would come to its end.
    os.kill(os.getpid(), signal.SIGKILL)


def make(engine: Any) -> None:
    engine.query("SET insert_keeper_max_retries = 0")
    engine.query("CREATE DATABASE recount")
    engine.query("USE recount")
    for statement in table_statements(Form(replicated=True)).values():
        engine.query(statement)
    paths = engine.query("SELECT zookeeper_path FROM system.replicas ORDER BY 1", "TSV")
    print(paths.bytes().decode(), end="", flush=True)


main(Path(sys.argv[1]))
