"""What differs between two rows of one stream, as documents and as sentences for people.

    from contracts.differences.rows import difference
    from contracts.differences.difference import Names

    found = difference(before, after, Names(dashboards={12: "Growth"}))
    found.sentences            # ('Renamed from "a" to "b".', "Step 2 now also excludes refund.")
    found.results_can_change   # False is a proof, True is a maybe
    for change in found.changes:
        change.field, change.before, change.after, change.sentences
        change.patch()         # RFC 6902; milliseconds for a large query, so only when asked for

`before` is None for the version that created the row, and is an insight's row, a dashboard's, an
action's, a cohort's or a project's, like `after`. The order of the two is the caller's: a
difference may go backwards. Versions, diffs, plans and refusals make their sentences here when
they are read; no row and no fact keeps one.

Names are today's, from the caller, of what that caller may see. Without a name, a number is shown.
Nothing here names a user.

Held by tests/contracts/differences: a field has a change exactly when it differs, and a change has
at least one sentence; the difference of the same rows the other way round has the same fields,
swapped, and as many sentences; a patch turns `before` into `after`.

Inside, from the ground up: `words`; `documents` (comparison, patches, the sentence for whatever has
none of its own); `rules` (members of an object and what is said of them); `conditions` (property
filters); `alignment` and `steps`; a file of rules for each kind of query; `queries`, which knows
all kinds; and a file for each kind of row.
"""
