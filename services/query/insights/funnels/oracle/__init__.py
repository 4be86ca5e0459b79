"""The funnel's semantics in plain Python: the SQL must give the same answers.

For tests and for arguments. Written from funnels.md, rule by rule and in its words; it shares
nothing with the SQL but the plan. Read `attempts` first (one actor, ordered and strict), then
`unordered`, `trends` and `attribution`; `steps`, `periods`, `conversion_times`, `people` and
`correlation` make whole answers of many actors.

Where the text leaves a choice, this is ours:

- An anchor is a time, so attempts begun at the same instant stem from the same anchor.
- In "if best has depth k−1" of the exclusion rule, k−1 is the step at which `a` was found: A X
  spoils A behind an optional step that was passed over as it does without the optional step.
- In a tie of an unordered funnel or a trend, an event that matches both a step and an exclusion is
  one of "those with steps".
- A step with the wrong attribution value is not taken, but the event still matches it: a strict
  funnel is not broken there.
- Attribution of an unordered funnel looks at the queues after rule 1, so without the events that
  have left the window.
- Several properties are compared one after the other, each as text.
- A trend shows the breakdown values that somebody entered with.
- A trend's window is open as long as the newest first step of the entry (unordered: the newest
  event that left in the period) may still convert.
- Dropped and pending at a step are told apart by depth: who took an optional step's successor has
  passed it, and waits for nothing.
- Correlation: success is having step n, with optional steps between or not.
"""

from services.query.insights.funnels.oracle.seen import History, OracleEvent

__all__ = ["History", "OracleEvent"]
