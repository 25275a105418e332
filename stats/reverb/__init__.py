"""Artificial reverberation: the feedback delay network of the plug-in IEM FdnReverb, its settings, and fits of them.

`settings` (the eleven knobs), `delay_lines` and `shelf` (decay by band) make a `network` (sound in, reverberation out).
`level` turns `dry_wet` into a level and back; `presets` names settings by their source.
`energy_decay` measures an impulse response; `fit`, by `closed_form` and `genetic`, finds settings that sound like it.
`tempo_rule` is the textbook's reverberation time by tempo, and whether a catalog follows one.
"""
