"""Every event that a log line of ours can tell, and what it means: a closed list."""

from collections.abc import Mapping
from typing import Literal

LogEvent = Literal[
    "account_untold",
    "bus_away",
    "bus_consumer_waits",
    "captured_events_lost",
    "database_away",
    "database_went_back",
    "engine_away",
    "erased",
    "erasure_failed",
    "finding_unreadable",
    "history_broken",
    "jetstream_restarted",
    "job_failed",
    "job_left",
    "lease_ended",
    "log_forked",
    "log_put_back",
    "log_verified",
    "passed_over",
    "projected",
    "projection_behind",
    "publication_refused",
    "query_not_killed",
    "reads_refused",
    "reads_taken_over",
    "reads_unreadable",
    "reads_wait",
    "replica_left",
    "request_failed",
    "row_healed",
    "service_starts",
    "settings_unknown",
    "slow_query",
    "start_waits",
    "statement_refused",
    "stream_end_lost",
    "stream_hole_found",
    "stream_made",
    "stream_made_anew",
    "stream_of_another_history",
    "stream_parked",
    "stream_refuses",
    "stream_swept",
    "stream_takes_again",
    "stream_unproved",
    "stream_whole_again",
    "stream_written_by_others",
    "subscriber_cut",
    "subscriber_refused",
    "task_died",
    "task_waits",
    "tree_not_signed",
    "warnings_missed",
    "webhook_stopped",
    "witness_away",
    "witness_refuses",
]

MEANINGS: Mapping[LogEvent, str] = {
    "account_untold": "A key, a member or a project that no fact of its organization tells of.",
    "bus_away": "A connection to NATS was lost, or can't be made; it is tried for ever.",
    "bus_consumer_waits": "The bus is away: what a bus consumer has become is told to it later.",
    "captured_events_lost": (
        "Messages with captured events are gone from the stream's disk: `lost` of them, between"
        " `after` and `end`."
    ),
    "database_away": "A request got a 503: PostgreSQL is away, or has no connection left.",
    "database_went_back": (
        "PostgreSQL knows nothing of events that ClickHouse holds, those after `after` up to `end`:"
        " a standby that was behind has taken over, or a backup was restored. `events`: stored"
        " anew from the stream, or kept, where that has not all of them."
    ),
    "engine_away": "ClickHouse does not answer at a start; it is asked again when it is needed.",
    "erased": "An erasure has reached `state`: what it was about is in no place of ours any more.",
    "erasure_failed": "An erasure stopped at `place`, until `recount erase --resume`.",
    "finding_unreadable": "The log can't tell what another service found: this version is older.",
    "history_broken": "The log is not what was written, see `recount verify`; no row is healed.",
    "jetstream_restarted": "JetStream took nothing although the disk has room; it is opened anew.",
    "job_failed": "A computation ended by a defect, which the trace shows; its callers got a 500.",
    "job_left": "A computation lost PostgreSQL; once its lease ends, any process runs it again.",
    "lease_ended": "Who stored product events said nothing for too long: its session was ended.",
    "log_forked": (
        "A standby has taken over, and the public stream holds entries that do not continue its"
        " log. Nothing is appended until `recount log accept`."
    ),
    "log_put_back": (
        "A standby has taken over that lacked entries `first` to `last`: they are put back from the"
        " public stream, and their numbers are taken again."
    ),
    "log_verified": "A standby has taken over, and its log is the one that the stream knows.",
    "passed_over": "An error went no further than `where`: it is done without, or tried again.",
    "projected": "A projection has stored the rows of some facts, up to `position`.",
    "projection_behind": "A projection has not reached the log's end, or has parked streams.",
    "publication_refused": "Another relay had published before; what it did is not repeated.",
    "query_not_killed": "A statement that nobody waits for could not be ended; its limits end it.",
    "reads_refused": "Reads can't be written into their spool: their requests got a 503.",
    "reads_taken_over": "The reads that a dead process had not stored yet are stored now.",
    "reads_unreadable": (
        "Lines of a dead process's spool can't be read: the file is kept as `.unreadable`."
    ),
    "reads_wait": "PostgreSQL does not take the trail of reads: it waits in the spool, `bytes`.",
    "replica_left": "A replica of ClickHouse failed: another one is asked for a while.",
    "request_failed": "A request was answered with 500: a defect, which the trace shows.",
    "row_healed": "A row of a read model was not as the log tells it, and was written anew.",
    "service_starts": "A service has its tables, and listens next: its version and its address.",
    "settings_unknown": "Variables that look like settings of ours and are none: `names`.",
    "slow_query": (
        "A query took longer than RECOUNT_QUERY_SLOW_SECONDS: its SQL, the names of its values,"
        " what ClickHouse read for it."
    ),
    "start_waits": "A process waits for PostgreSQL, or until `recount migrate` has run.",
    "statement_refused": "ClickHouse refused a statement that we made; its callers got a 503.",
    "stream_end_lost": (
        "The capture stream ended before `end`, which it had reached: of those `lost` messages the"
        " ones that were not stored yet are gone. Their places are filled."
    ),
    "stream_hole_found": (
        "The sweep found a message of the public stream that can't be read, or is not the log's."
    ),
    "stream_made": "There was no public stream yet; it is published from the log.",
    "stream_made_anew": "The public stream was damaged; it is published again from the log.",
    "stream_of_another_history": (
        "The public stream holds entries that follow the log's and are not in it: the log is an"
        " older copy, or was altered. Nothing is published until `recount stream reset`."
    ),
    "stream_parked": "A fact can't be applied to its row, which stays as it is; the rest goes on.",
    "stream_refuses": "The bus takes nothing for this stream: facts wait, events get a 503.",
    "stream_swept": "Every message of the public stream has the hash that the log has.",
    "stream_takes_again": "The bus takes messages of this stream again.",
    "stream_unproved": (
        "The database does not take again what a stream's rows would be: they are not compared."
    ),
    "stream_whole_again": "The public stream is published up to `position`; consumers are back.",
    "stream_written_by_others": (
        "Somebody else has published on the public stream; it is made anew from the log."
    ),
    "subscriber_cut": "A subscriber's connection was ended: its password opens nothing any more.",
    "subscriber_refused": "A subscriber was not let in, since the log could not be asked.",
    "task_died": "Background work ended by an error for good; it starts again with the process.",
    "task_waits": "Background work waits for a server that is away, and goes on by itself.",
    "tree_not_signed": (
        "A project's chain does not begin with what was signed of it: it was rewritten, or restored"
        " from an older copy. It gets no further checkpoint until a person has looked."
    ),
    "warnings_missed": (
        "ClickHouse failed while warnings beside a result were looked for; the answer has its"
        " numbers, and says that a look is missing."
    ),
    "webhook_stopped": "A webhook met a defect, which the trace shows; it goes on in a minute.",
    "witness_away": "A witness did not cosign a checkpoint; it is asked again with a later one.",
    "witness_refuses": (
        "A witness has seen a history that does not lead to this one: somebody has rewritten the"
        " log, or it was restored from an older copy."
    ),
}
