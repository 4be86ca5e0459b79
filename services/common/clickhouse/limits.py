"""What a single query may use."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sent with every query as settings; a caller's own settings win.

    spill_bytes: what grouping and sorting may hold in memory before they go to disk.
    """

    max_execution_seconds: float = 60.0
    max_memory_bytes: int = 1_800_000_000
    spill_bytes: int = 900_000_000

    def settings(self) -> dict[str, object]:
        return {
            "max_execution_time": self.max_execution_seconds,
            "max_memory_usage": self.max_memory_bytes,
            "max_bytes_before_external_group_by": self.spill_bytes,
            "max_bytes_before_external_sort": self.spill_bytes,
        }
