"""CPU time, wall time and memory of our code beside the libraries, and beside itself at an earlier commit.

`make bench` measures every row but long ones and writes the table of docs/performance.md; `python -m tools.benches
ROW...` measures some, and leaves the others as they were measured. To add a row, write in a module of this folder

    def voice() -> np.ndarray: ...                        # what both take: made once in either process
    def ours(voice: np.ndarray) -> float: ...             # imports what it needs inside, as does theirs
    def theirs(voice: np.ndarray) -> float: ...
    ROWS = (Comparison("peak", "peak of 4 minutes", ours, Peer("numpy", theirs), voice, off=difference, unit="dB"),)

and name the module in `tools.benches.rows`. `before(ours)` is the peer that is the same work at the earlier commit,
`Command(...)` is work that is a command. Work is called in a process of its own, so it is a function of a module, or a
`functools.partial` of one. Numbers are written by whoever runs `make bench` whole, not with the row.
"""
