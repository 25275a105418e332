"""Reverb: the plug-in and its fit (`fdn`), the estimate from vocals (`blind`), and the columns of both.

`energy_decay` measures the decay of an impulse response, `response` makes one of a decay.
"""
