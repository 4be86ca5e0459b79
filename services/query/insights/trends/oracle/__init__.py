"""The semantics of trends in plain Python: the SQL must give the same answers.

For tests and for arguments. Written from trends.md, section by section and in its words; it shares
nothing with the SQL but the plan. Read `counted` first (which events stand behind a number), then
`numbers` (what they come to), `values` (how rows are told apart), `rows` (the whole answer) and
`people` (who is behind a number).

Where the text leaves a choice, this is ours:

- A share of the actors (sampling) is what the caller leaves in the world; here numbers are scaled.
  Scaled numbers of events and actors are rounded, sums are not; each number before it is summed up.
- A multiplier comes after scaling, and before cumulation and smoothing.
- With windows, the events of a window before the range count for bins too.
- A missing value is null, normalized as a url or not; only a url that is cut to nothing is "/".
- Of a first time, the events of its instant that pass all filters are one event: the first by uuid.
- The whole of a row of several points has the events of the range behind it, of weekly active too.
- Cohort rows of one size are by id as text; a row is zero when all of its numbers are.
- A formula's rows are called as the formula, broken down or not, and count 0 for a series that
  lacks the value, also where its events are in Other there.
"""
