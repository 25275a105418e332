"""The faults that the project is held to, by number: what is injected, and what is expected of it.

A test names the rows it holds by `@pytest.mark.fault(6, 7)`; every row has one at least. `tools/docs/reliability.py`
runs them all and writes the table of docs/reliability.md.
"""

FAULTS: dict[int, tuple[str, str]] = {
    1: ("one of N songs makes the code raise", "N-1 songs are mined, one failure row with stage, kind and message"),
    2: ("a bundle is replayed", "the same bytes, no further file"),
    3: ("two processes write the same song at once", "one valid file, nothing left beside it"),
    4: ("SIGKILL while a file is written", "no half file is read; a rerun completes it and leaves the others alone"),
    5: ("SIGKILL of a run, of its children", "a rerun mines the rest only; nothing is mined twice"),
    6: ("native crash, or a child killed", "tried once more, alone; then a `Crashed` row, and the rest is mined"),
    7: ("a decoder or a model hangs", "a `TimedOut` row at the limit of the stage"),
    8: (
        "out of memory, on the GPU too; a lost CUDA context",
        "tried three times, alone, in a new process after a lost context; then a row that the next run tries again",
    ),
    9: ("the disk is full", "one line, no half file, the run can go on"),
    10: ("the output cannot be written, the input is missing", "one line before anything is decoded, exit 2"),
    11: ("empty file, HTML or text as MP3", "`Undecodable` row"),
    12: ("truncated WAV, FLAC, MP3, Ogg", "`Truncated` row; flagged `length_unsure` where the format does not tell"),
    13: ("flipped bits in the middle", "`Undecodable` row, or flagged `damaged_pcm`"),
    14: ("0 frames; 0.1 s; 0.39 s; 2.9 s", "`TooShort` row"),
    15: ("digital silence, noise at -100 dBFS; one silent stem", "`Silent` row; null statistics of that stem"),
    16: ("NaN, infinite, 1e30 samples", "`NonFinite` or `OverScale` row"),
    17: ("mono, 5.1, L = R, L = -R, DC offset, clipped", "defined values, no division by zero, priors all the same"),
    18: ("8 kHz to 192 kHz; 1 Hz, 384 kHz", "within 0.1 LU; refused"),
    19: (
        "hours of audio, 14,000-fold FLAC, 2^32 frames claimed",
        "refused by the header in time and memory that are small",
    ),
    20: ("DRM, video without audio, cover art first", "`Undecodable`, `NoAudio`; art is ignored"),
    21: ("paths that lead out, links, FIFOs, odd names", "refused before they are opened; odd names are mined"),
    22: (
        "catalog: empty, BOM, twice the same path, no `path`, a million rows",
        "the line and its fault; a million rows stream",
    ),
    23: ("weights altered, truncated, a malicious pickle, other arguments", "refused before anything is loaded"),
    24: ("no network", "works with cached weights; else one line that names the file"),
    25: ("shuffled catalog, 1 and 2 workers, other bundles", "the same bytes of priors"),
    26: ("priors of another version, foreign or damaged Parquet", "one line, exit 2"),
    27: ("unknown genre or stem, small group", "one line with the choices; the parent group is taken and named"),
    28: (
        "mix of silence, of other rates and lengths, of 1 and 64 tracks",
        "defined gains, -1 dBTP holds, as long as the longest",
    ),
    29: ("Ctrl-C, SIGTERM", "130, 143, no traceback, no process left, the run can go on"),
    30: ("stale temporary files, foreign files in the output", "ignored and counted; removed only if ours"),
    31: ("reverb fit of a dry sound, of reverb alone, twice by one seed", "bounded settings, the same twice"),
    32: ("an extra is not installed", "the core works; one line that names the extra"),
}
