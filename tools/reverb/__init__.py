"""The FdnReverb plug-in and known reverbs, to hold ours against."""
