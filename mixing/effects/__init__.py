"""Effects: each takes a sound in blocks of any length and gives what it would give in one piece."""
