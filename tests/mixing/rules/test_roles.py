"""Roles of tracks: by names of real multitracks, and by how they sound."""

import numpy as np
import pytest
import soundfile

from mixprior.mixing.rules.roles import Features, Role, measure, role_of, shared_words
from tests import reference
from tests.mixing.sounds import RATE_HZ, sound

# The 47 tracks of the two songs in the reference material, role by role: "3" Sodium, "4" Potassium.
TRUTH = {
    "3.Sodium": {
        "vocals": "BGVOX BUILD, BGVOX OOH, BGVOX OUTRO, VOX LEAD",
        "drums": "ALT HATS, BUILD PRC, CLAP, FAST HATS, FILL BUILD, GLITCH HH, HH BUILD, HH, HVY KICK, K & SN, KICK, "
        "SLOW BEAT, TOPS",
        "bass": "BASS STAB, SY BASS",
        "other": "HIGH STABS, MICROCOSM_EFFECT, MINILOGUE_SYNTH, PLUCK, REVERSE SWEEP, RISE, SLIDE, SWEEPS, "
        "TRANSISTION",
    },
    "4.Potassium": {
        "vocals": "BGVOX ALT, BGVOX ECHO, VOX LEAD",
        "drums": "BREAKBEAT, END DRUMS, HAT FILL, HATS, KICK HATS, KICK, OUTRO DRUM, SNARE, TRAP BEAT",
        "bass": "PAD + BASS",
        "other": "BUILD, KEYS, MALLET, MICROCOSM_EFFECT, MINILOGUE_SYNTH, SWEEP",
    },
}
TRACKS = [
    (f"{song}_Stem_{track}_mobile.m4a", role)
    for song, roles in TRUTH.items()
    for role, tracks in roles.items()
    for track in tracks.split(", ")
]
# Names as MUSDB, MedleyDB, Cambridge-MT and studios have them.
OTHER_NAMES = {
    "vocals": ["01_LeadVox.wav", "Backing Vocals 2", "vocals.wav", "LV dbl", "Choir_L", "MaleSinger", "leadvocal"],
    "drums": [
        "02_KickIn.wav",
        "SnareUp",
        "Overheads",
        "drums",
        "Bass Drum",
        "HiHat",
        "Tom1",
        "Shaker 3",
        "BD",
        "cymbals",
    ],
    "bass": ["03_BassDI.wav", "bass.wav", "SubBass", "Synth Bass", "Double Bass", "Bassline"],
    "other": [
        "ElecGtr1",
        "04_Piano.wav",
        "LeadSynth",
        "Strings Hi",
        "Rhodes",
        "AcousticGuitarMic",
        "Brass",
        "FX 2",
        "ARP",
    ],
}
SILENT_NAMES = ["Audio 07", "track_3.wav", "Bounce", "take-2b", "Bassoon"]

DRUM = Features(low_share=0.3, high_share=0.1, attack_db=3.5, pitched=0.2, gliding=0.0)
CYMBAL = Features(low_share=0.0, high_share=0.9, attack_db=0.6, pitched=0.1, gliding=0.0)
LOW = Features(low_share=0.9, high_share=0.0, attack_db=0.6, pitched=0.9, gliding=0.0)
SINGER = Features(low_share=0.01, high_share=0.02, attack_db=1.2, pitched=0.9, gliding=0.5)
PIANO = Features(low_share=0.1, high_share=0.0, attack_db=1.0, pitched=0.9, gliding=0.02)


SONGS = ("3.Sodium", "4.Potassium")


@pytest.mark.reference(*(f"music/multitracks/{song}" for song in SONGS))
def test_the_names_at_hand_are_those_of_the_table():
    at_hand = {path.name for song in SONGS for path in reference.files(f"music/multitracks/{song}", "*.m4a")}
    assert {name for name, _ in TRACKS} == at_hand
    assert len(TRACKS) == 47


@pytest.mark.parametrize(("name", "role"), TRACKS)
def test_names_of_two_real_multitracks(name, role):
    song = name.split("_")[0]
    ignored = shared_words([other for other, _ in TRACKS if other.startswith(song)])
    found = role_of(name, ignored=ignored)
    assert found.role == role
    assert found.reason.startswith("name: ")
    assert 0.6 <= found.confidence <= 0.95


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in OTHER_NAMES.items() for name in names])
def test_names_as_other_multitracks_have_them(role, name):
    found = role_of(name)
    assert (found.role, found.reason[:6]) == (role, "name: ")


@pytest.mark.parametrize("name", SILENT_NAMES)
def test_names_that_say_nothing_are_left_to_the_sound(name):
    assert role_of(name) == Role("other", 0.0, "no word of the name is of a class")
    assert role_of(name, lambda: SINGER).role == "vocals"


@pytest.mark.parametrize("name", ["other.wav", "Other", "others"])
def test_a_track_called_other_is_other_without_doubt(name):
    assert role_of(name) == Role("other", 0.7, f"name: {name.removesuffix('.wav').upper()}")


def test_other_in_a_name_gives_way_to_any_other_word():
    assert role_of("Other Kick").role == "drums"
    assert role_of("Mother").confidence == 0.0


def test_a_name_that_speaks_is_not_listened_to():
    def refuse():
        raise AssertionError

    assert role_of("KICK", refuse).role == "drums"


def test_the_title_of_the_song_says_nothing_about_its_tracks():
    names = ["Drum Machine Love_Guitar.wav", "Drum Machine Love_Vox.wav", "Drum Machine Love_BD.wav"]
    ignored = shared_words(names)
    assert [role_of(name, ignored=ignored).role for name in names] == ["other", "vocals", "drums"]
    assert shared_words(names[:1]) == frozenset()


def test_tracks_that_differ_by_number_alone_keep_the_word_they_share():
    names = ["Vox 1.wav", "Vox 2.wav", "Vox L.wav"]
    ignored = shared_words(names)
    assert [role_of(name, ignored=ignored).role for name in names] == ["vocals"] * 3


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("3.Sodium_Stem_K & SN_mobile.m4a", Role("drums", 0.95, "name: SN")),
        ("HIGH STABS", Role("other", 0.7, "name: STABS")),
        ("PAD + BASS", Role("bass", 0.6, "name: BASS, but also PAD (other)")),
        ("VOX LEAD", Role("vocals", 0.95, "name: VOX")),
    ],
)
def test_it_says_which_word_and_how_sure(name, found):
    assert role_of(name) == found


@pytest.mark.parametrize(
    ("features", "role", "told"),
    [
        (DRUM, "drums", "not pitched (0.20), and hits (3.5 dB)"),
        (CYMBAL, "drums", "not pitched (0.10), 90% above 5 kHz"),
        (LOW, "bass", "90% below 150 Hz"),
        (SINGER, "vocals", "pitch glides (50% of the time), 1% below 150 Hz"),
        (PIANO, "other", "neither hits, nor is low, nor glides like vocals"),
    ],
)
def test_what_is_heard_decides_where_the_name_says_nothing(features, role, told):
    found = role_of("Audio 07", lambda: features)
    assert (found.role, found.reason) == (role, f"sound: {told}")
    assert 0 < found.confidence < 1


def test_a_silent_track_is_other_without_confidence():
    assert measure(sound(np.zeros((2, RATE_HZ)))) is None
    assert role_of("Audio 07", lambda: None) == Role("other", 0.0, "silent, and no word of the name is of a class")


# Features of known sounds.


def stereo(mono):
    return np.tile(mono, (2, 1)).astype(np.float32)


def seconds(duration_s, rate_hz=RATE_HZ):
    return np.arange(round(duration_s * rate_hz)) / rate_hz


def sawtooth(frequency_hz, rate_hz=RATE_HZ):
    return 0.2 * (2 * (np.cumsum(np.broadcast_to(frequency_hz, 4 * rate_hz)) / rate_hz % 1) - 1)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_a_low_tone_lies_low_at_any_rate(rate_hz):
    found = measure(sound(stereo(0.2 * np.sin(2 * np.pi * 80 * seconds(4, rate_hz))), rate_hz))
    assert found.low_share == pytest.approx(1.0, abs=0.001)
    assert found.high_share == pytest.approx(0.0, abs=0.001)


def test_a_held_note_is_pitched_and_does_not_glide():
    found = measure(sound(stereo(sawtooth(220.0))))
    assert found.pitched > 0.95
    assert found.gliding == 0.0


def test_vibrato_of_a_semitone_glides():
    vibrato_hz = 220.0 * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 2.7 * seconds(4)) * 2)
    assert measure(sound(stereo(sawtooth(vibrato_hz)))).gliding > 0.5


def test_a_melody_of_held_notes_does_not_glide():
    notes_hz = np.repeat([220.0, 293.66, 329.63, 220.0, 440.0, 261.63, 392.0, 196.0], RATE_HZ // 2)
    assert measure(sound(stereo(sawtooth(notes_hz)))).gliding < 0.15


def test_noise_is_not_pitched_and_clicks_hit():
    noise = np.random.default_rng(5).standard_normal(4 * RATE_HZ)
    steady = measure(sound(stereo(0.1 * noise)))
    assert steady.pitched < 0.2
    assert steady.attack_db < 0.8
    hits = measure(sound(stereo(0.5 * noise * np.exp(-((seconds(4) % 0.25) / 0.01)))))
    assert hits.attack_db > 4.0


@pytest.mark.reference("music/voices")
def test_voices_sound_like_voices():
    for path in reference.files("music/voices", "*.wav"):
        mono, rate_hz = soundfile.read(path, dtype="float32")
        found = role_of("Audio 07", lambda mono=mono, rate_hz=rate_hz: measure(sound(stereo(mono), rate_hz)))
        assert found.role == "vocals", path
