"""How reads are recorded: settings of the query service, on one machine RECOUNT_EMBEDDED_READS…."""

from typing import Literal

import msgspec

OnOff = Literal["on", "off"]
Sync = Literal["loose", "always"]
Client = Literal["none", "ip", "ip+client"]

SPOOL_BYTES = 1024**3


class ReadsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """reads: off: nothing is recorded, and read_runs says so. reads_spool: the folder of what is
    not in PostgreSQL yet; empty: one in the system's folder for temporary files.
    reads_spool_bytes: how much of it there may be; beyond that, reads get a 503.
    reads_sync: always: no answer leaves before its row is in PostgreSQL.
    reads_client: what is kept of clients: their address, and their name.
    """

    reads: OnOff = "on"
    reads_spool: str = ""
    reads_spool_bytes: int = SPOOL_BYTES
    reads_sync: Sync = "loose"
    reads_client: Client = "ip"
