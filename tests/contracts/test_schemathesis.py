"""A short run of requests made from the description; `make fuzz` has the long one."""

from tests import servers
from tests.contracts.schemathesis_run import new_key, run
from tests.embedded.recount_process import serving


def test_no_answer_is_a_defect_or_unknown_to_the_description() -> None:
    with servers.server_folder() as folder, serving(folder / "data", "--no-demo") as server:
        found = run(server, new_key(folder / "data"), 400, seed=1, whole=False)
    assert not found.failures, found.told()
    assert not found.errors, found.told()
    assert found.requests >= 400
    # Not all of them at closed doors.
    assert found.statuses[200] >= 40
    assert found.statuses[201] >= 5
