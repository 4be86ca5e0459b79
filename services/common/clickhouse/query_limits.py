"""The limits of a single query."""

import msgspec


class QueryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Sent with every query as settings; a caller's own settings win.

    spill_bytes: what grouping and sorting may hold in memory before they go to disk.
    slow_seconds: a query that takes longer is told to the log, and goes on.
    max_statement_bytes: of a statement's text. A long one is many steps with many filters, each
        with values: a megabyte of it takes ten seconds to analyse.
    """

    slow_seconds: float = 5.0
    max_execution_seconds: float = 60.0
    max_memory_bytes: int = 1_800_000_000
    spill_bytes: int = 900_000_000
    max_statement_bytes: int = 4_000_000

    def settings(self) -> dict[str, object]:
        return {
            "max_execution_time": self.max_execution_seconds,
            "max_memory_usage": self.max_memory_bytes,
            "max_bytes_before_external_group_by": self.spill_bytes,
            "max_bytes_before_external_sort": self.spill_bytes,
            "max_query_size": self.max_statement_bytes,
            # The engine's own guards against long statements count other things.
            "max_ast_elements": self.max_statement_bytes,
            "max_expanded_ast_elements": self.max_statement_bytes,
        }
