"""What the blind reverb estimator learns from: dry voices (voices, singing) and the responses that make them wet.

voices.csv (who speaks or sings in which package) -> voices -> clips and their dryness, speech made to sing by singing;
responses draws a wet-only response of any kind, and tells its reverberation times. Nothing here is needed for mining.
"""
