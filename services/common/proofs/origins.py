"""The origins of checkpoints: which tree of which installation."""

from uuid import UUID


def log_origin(setting: str, installation: UUID) -> str:
    """What each project's origin begins with. setting: a name that replaces ours; or empty."""
    return setting.rstrip("/") or f"recount/{installation}"


def project_origin(log: str, team_id: int) -> str:
    """The origin of a chain's tree, which is the name of the keys that sign it, too."""
    return f"{log}/{team_id}"
