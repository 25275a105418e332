"""A mix as one page to listen to: before, after and a reference, with what was done and why."""
