"""Imports every module of the project, as if only some packages were installed; run by itself.

Arguments: names of packages. Modules of all others are not found. Then chDB answers a query, since
it imports its parts when they are first used.
"""

import asyncio
import importlib
import importlib.metadata
import pkgutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from packaging.utils import canonicalize_name

import contracts
import domain
import services

_names = {*sys.argv[1:], "recount"}
_hidden = {
    module
    for module, packages in importlib.metadata.packages_distributions().items()
    if not {canonicalize_name(package) for package in packages} & _names
}


class _Finder(PathFinder):
    """The one that looks through the installed packages, for some of them."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in _hidden:
            return None
        return super().find_spec(fullname, path, target)


async def query() -> None:
    from services.common.clickhouse import ClickHouse
    from services.common.clickhouse.statement import Statement

    with tempfile.TemporaryDirectory() as folder:
        async with await ClickHouse.open(f"chdb://{folder}/chdb") as clickhouse:
            assert await clickhouse.query(Statement("SELECT [1, 2], 'a'", {})) == [([1, 2], "a")]


sys.meta_path[sys.meta_path.index(PathFinder)] = _Finder
for package in (contracts, domain, services):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
asyncio.run(query())
