"""What has been changed in the tables of product events since their first release, by number.

Every change is safe to repeat: a new table has it already. `upgrade.py` makes them on one engine,
`migrate.py` on all nodes of a deployment, which it writes down.
"""

import msgspec

from services.common.clickhouse.schema import (
    UUID_DAYS,
    Form,
    adding_column,
    adding_projection,
    create,
    keeping,
    materializing,
    projections,
)
from services.common.clickhouse.tables import EVENT_UUIDS, EVENTS, TABLES, Column, Table


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One number. tables: are made on every node, from then on in their newest form. columns: that
    older ones lack. projections: of all tables, likewise. kept: whose rows go after UUID_DAYS.
    """

    number: int
    name: str
    tables: tuple[Table, ...] = ()
    columns: tuple[tuple[Table, str], ...] = ()
    projections: bool = False
    kept: tuple[Table, ...] = ()

    def everywhere(self, form: Form) -> list[str]:
        """On every node of a shard."""
        return [create(table, form) for table in self.tables]

    def once(self) -> list[str]:
        """On one node of a shard: its replicas follow."""
        found = projections() if self.projections else []
        return [
            *(adding_column(table, _named(table, name)) for table, name in self.columns),
            *(text for each in found for text in (adding_projection(each), materializing(each))),
            *(keeping(table, UUID_DAYS) for table in self.kept),
        ]


def _named(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


MIGRATIONS = (
    Migration(number=1, name="tables", tables=TABLES),
    Migration(number=2, name="definitions", projections=True),
    Migration(
        number=3, name="sequences", columns=((EVENTS, "sequence"), (EVENT_UUIDS, "sequence"))
    ),
    Migration(number=4, name="arrived", columns=((EVENT_UUIDS, "arrived"),), kept=(EVENT_UUIDS,)),
    Migration(number=5, name="buckets", columns=((EVENTS, "bucket"), (EVENT_UUIDS, "bucket"))),
)
