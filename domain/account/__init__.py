"""An organization's accounts, as far as its chain tells of them: keys, members, projects, users.

The tables stay the truth of who may do what. A fact is said before its row is written, and a right
is taken away before that is said: so whenever a process dies, the tables give nobody more than the
chain tells.
"""
