"""Every project route stands under two names."""


def project_paths(path: str) -> list[str]:
    """Under /api/projects/ and its alias /api/environments/; the final slash is optional."""
    return [f"/api/{name}/{{project:str}}{path}" for name in ("projects", "environments")]
