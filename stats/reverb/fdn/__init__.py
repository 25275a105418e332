"""The plug-in IEM FdnReverb: its settings, its sound, and the fit of its settings to a response.

`settings` (the eleven knobs) and `delay_lines` make a `network` (sound in, reverberation out). `level` turns `dry_wet`
into a level and back; `presets` names settings by their source. `fit`, by `closed_form` and `genetic`, finds settings
that sound like a response.
"""
