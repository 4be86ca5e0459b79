"""The references' common ground: a project in plain Python, for all kinds of insight.

For tests and for arguments. Written from funnels.md section 4 and trends.md, in their words; it
shares nothing with the SQL but the plans. `world` is what there is, `reading` what a plan reads.
"""
