"""Training of the blind reverb estimator: dry recordings of singers and speakers, and responses that make them wet.

`voices` cuts the recordings that voices.csv lists into clips and measures how dry they are; `singing` turns speech into
singing; `responses` draws wet-only responses and measures their reverberation times; `wet_vocals` renders clips over
music and separates them; `rows` turns them into features and truths; `train` fits the estimator, and `spread`
the errors that it states. Mining needs none of it.
"""
