"""The caller in a statement: parameters, or columns when one statement answers many callers at
once.
"""

from typing import LiteralString

import msgspec


class CallerColumns(msgspec.Struct, frozen=True):
    """settings: of the project, see Project.settings."""

    team_id: LiteralString
    user_id: LiteralString
    administrator: LiteralString
    settings: LiteralString


ONE = CallerColumns("%(team_id)s", "%(user_id)s", "%(administrator)s", "%(settings)s")
EACH = CallerColumns("asked.team_id", "asked.user_id", "asked.administrator", "asked.settings")
"""Each is a row of `asked`."""
