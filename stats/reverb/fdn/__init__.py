"""The plug-in IEM FdnReverb: its settings, its sound, and the fit of its settings to a response."""
