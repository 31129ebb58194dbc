"""Audio in and out."""

import av
import numpy as np
import pytest
import soundfile
from corpora import clip
from corpora.sphere import write_sphere

from espnet_ext.config import UserError
from espnet_ext.data.audio import SpeechDir, decode_to_flac
from espnet_ext.data.headers import Sound, glance, probe

RATE = 16000


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


def encode(path, samples_N, codec, form=None, rate=RATE):
    """Write ±1 samples with PyAV."""
    with av.open(str(path), "w", format=form) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        pcm_1N = (samples_N * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm_1N, format="s16", layout="mono")
        frame.sample_rate = rate
        for part in av.AudioResampler(format=stream.format).resample(frame):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def test_segments_equal_slices(tmp_path):
    samples_N = noise(3 * RATE)
    soundfile.write(tmp_path / "r.flac", samples_N, RATE)
    (tmp_path / "wav.scp").write_text(f"r {tmp_path}/r.flac\n")
    whole_N = SpeechDir(tmp_path / "wav.scp")["r"]
    assert whole_N.dtype == np.float32 and np.abs(whole_N - samples_N).max() < 1e-4
    (tmp_path / "segments").write_text("r-1 r 0.25 1.5\nr-2 r 1.5 3.004\n")
    speech = SpeechDir(tmp_path / "wav.scp")
    assert list(speech) == ["r-1", "r-2"] and len(speech) == 2 and "r" not in speech
    np.testing.assert_array_equal(speech["r-1"], whole_N[4000:24000])
    np.testing.assert_array_equal(speech["r-2"], whole_N[24000:])


def test_speech_dir_is_lazy_and_says_what_is_wrong(tmp_path):
    soundfile.write(tmp_path / "stereo.wav", noise(RATE).reshape(-1, 2), RATE)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "noise.wav").write_bytes(bytes(range(256)) * 9)
    names = ("absent", "empty", "noise", "stereo")
    (tmp_path / "wav.scp").write_text("".join(f"{n} {tmp_path}/{n}.wav\n" for n in names))
    speech = SpeechDir(tmp_path / "wav.scp")
    assert list(speech) == list(names)
    wrong = ("no such audio", "an empty file", "cannot be read as audio", "2 channels")
    for name, message in zip(names, wrong, strict=True):
        with pytest.raises(UserError, match=rf"{name}\.wav: .*{message}|{name}\.wav: {message}"):
            speech[name]


def test_a_channel_is_read_in_place(tmp_path):
    samples_NC = noise(2 * RATE).reshape(-1, 2)
    soundfile.write(tmp_path / "worn.wav", samples_NC, RATE)
    wav = tmp_path / "worn.wav"
    (tmp_path / "wav.scp").write_text("".join(f"{c} {wav}#channel={c}\n" for c in (1, 2, 3)))
    (tmp_path / "segments").write_text("".join(f"{c} {c} 0.25 0.75\n" for c in (1, 2, 3)))
    speech = SpeechDir(tmp_path / "wav.scp")
    for channel in (1, 2):
        assert speech[str(channel)].flags.c_contiguous
        np.testing.assert_allclose(
            speech[str(channel)], samples_NC[4000:12000, channel - 1], atol=1e-4
        )
    with pytest.raises(UserError, match=r"worn\.wav#channel=3: the file has 2 channels"):
        speech["3"]
    assert probe(f"{wav}#channel=2") == Sound(RATE, 1, RATE)
    missing = probe(f"{wav}#channel=3")
    assert missing.fault == "audio_unreadable" and "channel 3" in missing.detail


@pytest.mark.parametrize("coding", ["pcm", "ulaw"])
def test_a_telephone_channel_is_brought_to_16_khz_as_it_is_read(tmp_path, coding):
    seconds = np.arange(8 * 8000) / 8000
    tones_NC = np.stack([np.sin(2 * np.pi * hz * seconds) for hz in (300, 1000)], 1)
    call = tmp_path / "sw02001.sph"
    write_sphere(call, (tones_NC * 16000).astype(np.int16), 8000, coding)
    entry = f"{call}#channel=2#rate=16000"
    assert probe(entry) == Sound(RATE, 1, 8 * RATE)
    (tmp_path / "wav.scp").write_text(f"sw02001-B {entry}\n")
    assert len(SpeechDir(tmp_path / "wav.scp")["sw02001-B"]) == 8 * RATE
    (tmp_path / "segments").write_text("a sw02001-B 1.00003 3.5\nb sw02001-B 7 9\n")
    speech = SpeechDir(tmp_path / "wav.scp")
    assert len(speech["a"]) == 56000 - 16000 and len(speech["b"]) == RATE
    wanted_N = 16000 / 32768 * np.sin(2 * np.pi * 1000 * np.arange(16000, 56000) / RATE)
    inside = slice(200, -200)  # the filter rings at the ends of a cut
    assert np.abs(speech["a"] - wanted_N)[inside].max() < (0.002 if coding == "pcm" else 0.02)


def test_packed_sphere_is_unpacked(tmp_path):
    samples_N = clip(2)[1]
    packed = tmp_path / "01ic0201.wv1"
    write_sphere(packed, samples_N, RATE, "pcm,embedded-shorten-v2.00")
    assert packed.stat().st_size < 0.9 * samples_N.nbytes
    (tmp_path / "wav.scp").write_text(f"a {packed}\n")
    np.testing.assert_array_equal(SpeechDir(tmp_path / "wav.scp")["a"] * 32768, samples_N)
    assert probe(str(packed)) == glance(str(packed)) == Sound(RATE, 1, len(samples_N))
    whole = packed.read_bytes()
    packed.write_bytes(whole[: len(whole) // 2])
    assert "its header promises" in probe(str(packed)).detail
    packed.write_bytes(whole.replace(b"-s26 pcm,", b"-s27 ulaw,"))
    assert "sph2pipe" in probe(str(packed)).detail and glance(str(packed)).fault


def test_pipes_are_refused_unless_allowed(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(RATE), RATE)
    (tmp_path / "wav.scp").write_text(f"a cat {tmp_path}/a.wav |\n")
    with pytest.raises(UserError, match="a is a shell command; refused"):
        SpeechDir(tmp_path / "wav.scp")
    assert len(SpeechDir(tmp_path / "wav.scp", allow_pipes=True)["a"]) == RATE


def test_g722_has_two_samples_a_byte(tmp_path):
    tone_N = 0.5 * np.sin(np.arange(RATE // 2) * 2 * np.pi * 440 / RATE).astype(np.float32)
    encode(tmp_path / "a.g722", tone_N, "g722", form="g722")
    samples = decode_to_flac(tmp_path / "a.g722", tmp_path / "out/a.flac")
    decoded_N, rate = soundfile.read(tmp_path / "out/a.flac")
    assert samples == len(decoded_N) == 2 * (tmp_path / "a.g722").stat().st_size
    assert rate == RATE and len(decoded_N) == pytest.approx(len(tone_N), abs=2)
    peak_hz = np.argmax(np.abs(np.fft.rfft(decoded_N))) * rate / len(decoded_N)
    assert peak_hz == pytest.approx(440, abs=3)


def test_flac_and_mp3_keep_rate_and_samples(tmp_path):
    soundfile.write(tmp_path / "a.flac", noise(4000), 8000)
    assert decode_to_flac(tmp_path / "a.flac", tmp_path / "b.flac") == 4000
    a_N, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    b_N, rate = soundfile.read(tmp_path / "b.flac", dtype="int16")
    assert rate == 8000
    np.testing.assert_array_equal(a_N, b_N)
    soundfile.write(tmp_path / "a.mp3", noise(RATE), RATE)
    assert decode_to_flac(tmp_path / "a.mp3", tmp_path / "c.flac") == pytest.approx(RATE, abs=2400)


@pytest.mark.parametrize("name", ["empty.g722", "empty.mp3", "text.flac", "absent.g722"])
def test_damaged_sources_are_named_and_nothing_is_left(tmp_path, name):
    if name != "absent.g722":
        (tmp_path / name).write_bytes(b"" if "empty" in name else b"not audio at all\n" * 9)
    with pytest.raises(UserError, match=name):
        decode_to_flac(tmp_path / name, tmp_path / "out.flac")
    assert not list(tmp_path.glob("*out.flac*"))


def test_several_channels_need_a_choice(tmp_path):
    samples_NC = np.stack([noise(800), noise(800, seed=1)], axis=1)
    soundfile.write(tmp_path / "a.wav", samples_NC, RATE)
    with pytest.raises(UserError, match="2 channels"):
        decode_to_flac(tmp_path / "a.wav", tmp_path / "b.flac")
    decode_to_flac(tmp_path / "a.wav", tmp_path / "b.flac", channel=1)
    b_N, _ = soundfile.read(tmp_path / "b.flac")
    assert np.abs(b_N - samples_NC[:, 1]).max() < 1e-4
