"""A trend's numbers as ClickHouse statements (trends.md section 15), each of one series and range.

`counted`: the events that count. `keys`: what tells their rows apart. `numbers`: what they come to.
"""
