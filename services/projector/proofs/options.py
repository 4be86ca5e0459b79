"""Settings of checkpoints, for the projector by itself and for one process of all services."""

import msgspec


class ProofOptions(msgspec.Struct, frozen=True, kw_only=True):
    """log_key_file: a folder of keys, or a file with one or more, the newest last; empty: nothing
    is signed. log_origin: the beginning of each checkpoint's origin; empty: the installation's.
    witnesses: `<vkey> <url>;…`.
    """

    log_key_file: str = ""
    log_origin: str = ""
    witnesses: str = ""


NO_KEY = ProofOptions()
