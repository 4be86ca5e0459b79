"""`include`: the additions to an answer that a request asks for."""

from collections.abc import Set

from services.common.http.problems import invalid


def included(sent: object, known: Set[str]) -> tuple[str, ...]:
    """`include=pending,baseline`, or a list. Raises Rejected 400 for anything else."""
    if sent is None or sent == "":
        return ()
    words = sent.split(",") if isinstance(sent, str) else sent
    if not isinstance(words, list) or not all(
        isinstance(word, str) and word in known for word in words
    ):
        names = ", ".join(sorted(known))
        raise invalid("include", "invalid_choice", f"include takes a list of {names}.")
    return tuple(sorted(set(words)))
