"""What firn costs beside a plain way to the same answer; `make bench` measures and prints it.

A module of this package measures one thing: its ``rows`` makes what it needs and returns the rows
of the table. The plain ways stand in `benchmarks.baselines`; a test shows that both ways give the
same answer.
"""
