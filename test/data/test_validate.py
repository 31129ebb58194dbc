"""Each way to damage a data directory is found, and the right file is named."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_ext.config import UserError
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.faults import KINDS, WARNINGS
from espnet_ext.data.kaldi_dir import Utterance, read_dict, write_data_dir
from espnet_ext.data.validate import Options, validate

RATE = 16000
FRAMES = 8000


def write_audio(path: Path, frames: int = FRAMES, rate: int = RATE, channels: int = 1) -> None:
    samples_NC = np.random.default_rng(0).uniform(-0.5, 0.5, (frames, channels))
    soundfile.write(path, samples_NC, rate, subtype="PCM_16")


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """`plain` (wav and flac in turn) and `cut` (segments): three utterances each, half a second."""
    root = tmp_path_factory.mktemp("clean")
    plain, cuts = [], []
    for i in range(3):
        wav = f"{'flac' if i % 2 else 'wav'}/a{i}.{'flac' if i % 2 else 'wav'}"
        (root / wav).parent.mkdir(exist_ok=True)
        write_audio(root / wav)
        plain.append(Utterance(f"spk-{i}", "spk", wav, 0.5, f"WORD NUMBER {i}"))
        cuts.append(Utterance(f"spk-{i}", "spk", wav, 0.25, "A B", f"rec{i}", 0.1, 0.35))
    write_data_dir(root / "plain", plain)
    write_data_dir(root / "cut", cuts)
    return root


def edit(path: Path, line: int, change) -> None:
    """Replace one line (bytes, with its end) by what `change` makes of it."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = change(lines[line])
    path.write_bytes(b"".join(lines))


def swap(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(reversed(lines)))


def audio_of(folder: Path, i: int) -> Path:
    return folder.parent / list(read_dict(folder / "wav.scp").values())[i]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def first_id(path: Path, i: int, new: bytes) -> None:
    edit(path, i, lambda line: new + line[line.index(b" ") :])


# name: (damage(folder, i of 0..2), file that is named, words of the complaint)
DAMAGES = {
    "wav.scp missing": (lambda d, i: (d / "wav.scp").unlink(), "wav.scp", "no such file"),
    "text missing": (lambda d, i: (d / "text").unlink(), "text", "no such file"),
    "utt2spk empty": (lambda d, i: (d / "utt2spk").write_text(""), "utt2spk", "an empty file"),
    "scp unsorted": (lambda d, i: swap(d / "wav.scp"), "wav.scp", "lines out of order"),
    "text unsorted": (lambda d, i: swap(d / "text"), "text", "lines out of order"),
    "id twice": (lambda d, i: edit(d / "wav.scp", i, lambda x: x + x), "wav.scp", "duplicated ids"),
    "text twice": (lambda d, i: edit(d / "text", i, lambda x: x + x), "text", "duplicated ids"),
    "scp columns": (
        lambda d, i: edit(d / "wav.scp", i, lambda x: b"spk-%d\n" % i),
        "wav.scp",
        "wrong number of columns",
    ),
    "utt2spk columns": (
        lambda d, i: edit(d / "utt2spk", i, lambda x: x[:-1] + b" b\n"),
        "utt2spk",
        "wrong number of columns",
    ),
    "blank line": (
        lambda d, i: edit(d / "text", i, lambda x: x + b"\n"),
        "text",
        "wrong number of columns",
    ),
    "no audio": (
        lambda d, i: edit(d / "text", i, lambda x: x + b"spk-%d-more X\n" % i),
        "text",
        "ids without audio",
    ),
    "no text": (lambda d, i: edit(d / "text", i, lambda x: b""), "text", "that have no line here"),
    "empty text": (
        lambda d, i: edit(d / "text", i, lambda x: x.split()[0] + b"\n"),
        "text",
        "empty transcripts",
    ),
    "spk2utt lacks one": (
        lambda d, i: edit(d / "spk2utt", 0, lambda x: x.replace(b" spk-%d" % i, b"")),
        "spk2utt",
        "disagree with utt2spk",
    ),
    "spk2utt has more": (
        lambda d, i: edit(d / "spk2utt", 0, lambda x: x[:-1] + b" spk-9\n"),
        "spk2utt",
        "disagree with utt2spk",
    ),
    "pipe": (
        lambda d, i: edit(d / "wav.scp", i, lambda x: x[:-1] + b" |\n"),
        "wav.scp",
        "shell commands",
    ),
    "audio gone": (lambda d, i: audio_of(d, i).unlink(), "wav.scp", "do not exist"),
    "audio empty": (lambda d, i: audio_of(d, i).write_bytes(b""), "wav.scp", "empty audio files"),
    "no samples": (lambda d, i: write_audio(audio_of(d, i), 0), "wav.scp", "empty audio files"),
    "audio truncated": (lambda d, i: truncate(audio_of(d, i)), "wav.scp", "truncated audio files"),
    "not audio": (
        lambda d, i: audio_of(d, i).write_text("no\n" * 99),
        "wav.scp",
        "unreadable audio",
    ),
    "8 kHz": (
        lambda d, i: write_audio(audio_of(d, i), rate=8000),
        "wav.scp",
        "at another sample rate",
    ),
    "stereo": (
        lambda d, i: write_audio(audio_of(d, i), channels=2),
        "wav.scp",
        "with several channels",
    ),
    "utt2dur off": (
        lambda d, i: edit(d / "utt2dur", i, lambda x: x.split()[0] + b" 0.6\n"),
        "utt2dur",
        "by over 20 ms",
    ),
    "utt2dur no number": (
        lambda d, i: edit(d / "utt2dur", i, lambda x: x.split()[0] + b" x\n"),
        "utt2dur",
        "no number",
    ),
    **{
        f"utt2dur{value.decode().rstrip()}": (
            lambda d, i, value=value: edit(d / "utt2dur", i, lambda x: x.split()[0] + value),
            "utt2dur",
            "not above 0",
        )
        for value in (b" 0\n", b" -0.5\n", b" nan\n", b" inf\n")
    },
    "utt2dur lacks one": (
        lambda d, i: edit(d / "utt2dur", i, lambda x: b""),
        "utt2dur",
        "that have no line here",
    ),
    "NUL": (
        lambda d, i: edit(d / "utt2spk", i, lambda x: b"\0" * len(x[:-1]) + b"\n"),
        "utt2spk",
        "NUL bytes",
    ),
    "byte order mark": (
        lambda d, i: edit(d / "text", 0, lambda x: b"\xef\xbb\xbf" + x),
        "text",
        "odd characters",
    ),
    "spk2utt twice": (
        lambda d, i: edit(d / "spk2utt", 0, lambda x: x + x),
        "spk2utt",
        "duplicated ids",
    ),
    "not UTF-8": (
        lambda d, i: edit(d / "text", i, lambda x: x[:-1] + b"\xff\n"),
        "text",
        "not UTF-8",
    ),
    "CRLF": (
        lambda d, i: edit(d / "text", i, lambda x: x[:-1] + b"\r\n"),
        "text",
        "Windows line ends",
    ),
    "tab": (
        lambda d, i: edit(d / "utt2spk", i, lambda x: x.replace(b" ", b"\t")),
        "utt2spk",
        "tabs",
    ),
    "two spaces": (
        lambda d, i: edit(d / "text", i, lambda x: x.replace(b" ", b"  ")),
        "text",
        "doubled",
    ),
    "odd space": (
        lambda d, i: edit(d / "text", i, lambda x: x[:-1] + "\u00a0B\n".encode()),
        "text",
        "tabs",
    ),
    "odd id": (lambda d, i: first_id(d / "text", i, b"spk-%d/x" % i), "text", "odd characters"),
    "cut off": (lambda d, i: edit(d / "text", -1, lambda x: x[:-1]), "text", "without its end"),
}
SEGMENT_DAMAGES = {
    "start after end": (b"0.35 0.1", "start at 0 or later"),
    "no length": (b"0.1 0.1", "start at 0 or later"),
    "negative": (b"-0.1 0.15", "start at 0 or later"),
    "not a number": (b"0.1 nan", "start at 0 or later"),
    "past the end": (b"0.3 0.55", "past the end"),
    "words": (b"0.1 later", "no number"),
    "columns": (b"0.1", "wrong number of columns"),
}
for name, (times, words) in SEGMENT_DAMAGES.items():
    DAMAGES[f"segment: {name}"] = (
        lambda d, i, times=times: edit(
            d / "segments", i, lambda x: b" ".join(x.split()[:2]) + b" " + times + b"\n"
        ),
        "segments",
        words,
    )
DAMAGES["segment: unknown recording"] = (
    lambda d, i: edit(d / "segments", i, lambda x: x.replace(b" rec", b" nobody")),
    "segments",
    "unknown recordings",
)


def check(folder: Path, **options) -> list[str]:
    """The fault lines of a directory whose audio lies beside it."""
    report, _about = validate(folder, Options(**options), folder.parent / "speech_shape")
    return report.lines(warnings=False)


def test_every_kind_of_fault_is_injected():
    found = {kind for kind, (what, *_) in KINDS.items() for *_, said in DAMAGES.values()
             if said in what}  # fmt: skip
    assert found == KINDS.keys() - WARNINGS and len(found) >= 28


@pytest.mark.parametrize("name", sorted(DAMAGES))
@settings(max_examples=3, deadline=None)
@given(i=st.integers(0, 2))
def test_every_damage_is_found_and_named(clean, tmp_path_factory, name, i):
    damage, named, words = DAMAGES[name]
    root = tmp_path_factory.mktemp("damaged")
    shutil.copytree(clean, root, dirs_exist_ok=True)
    folder = root / ("cut" if name.startswith("segment") else "plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert check(folder) == []
        (root / "speech_shape").unlink()
        damage(folder, i)
        lines = check(folder)
    assert any(line.startswith(str(folder / named)) and words in line for line in lines), lines
    assert not (root / "speech_shape").exists()
    shutil.rmtree(root)


def test_all_faults_of_a_pass_come_at_once_with_counts(clean, tmp_path, monkeypatch):
    shutil.copytree(clean, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "plain"
    for i in (1, 2):
        edit(folder / "text", i, lambda line: line.split()[0] + b"\n")
    write_audio(tmp_path / "wav/a0.wav", rate=8000)
    (folder / "utt2dur").write_text("spk-0 0.5\n")
    lines = check(folder)
    assert len(lines) == 3
    text, durs, rate = lines
    assert text == (
        f"{folder}/text:2: empty transcripts (2); first: spk-1; "
        "expected words after the id; transcribe or leave them out"
    )
    assert durs.startswith(f"{folder}/utt2dur: utterances of wav.scp that have no line here (2)")
    assert "wav/a0.wav, 8000 Hz); expected 16000 Hz" in rate


@pytest.mark.parametrize("kind", ["plain", "cut"])
def test_num_samples_are_what_speech_dir_reads(clean, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(clean)
    validate(clean / kind, Options(), tmp_path / "speech_shape")
    speech = SpeechDir(clean / kind / "wav.scp")
    lengths = {utt: str(len(speech[utt])) for utt in speech}
    assert read_dict(tmp_path / "speech_shape") == lengths


def test_options(clean, tmp_path, monkeypatch):
    shutil.copytree(clean, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "plain"
    edit(folder / "wav.scp", 0, lambda line: b"spk-0 cat wav/a0.wav |\n")
    assert check(folder, allow_pipes=True) == []
    (folder / "text").unlink()
    assert check(folder, allow_pipes=True, require_text=False) == []
    audio_of(folder, 1).unlink()
    assert "do not exist" in check(folder, allow_pipes=True, require_text=False)[0]
    report, _about = validate(folder, Options(allow_pipes=True, require_text=False, audio=False))
    assert not report.faults
    with pytest.raises(UserError, match="--audio true"):
        check(folder, audio=False)


def test_speaker_that_does_not_begin_the_id_is_a_warning(clean, tmp_path, monkeypatch):
    monkeypatch.chdir(clean)
    shutil.copytree(clean / "plain", tmp_path / "plain")
    for name in ("utt2spk", "spk2utt"):
        path = tmp_path / "plain" / name
        path.write_text(path.read_text().replace("spk\n", "me\n").replace("spk ", "me "))
    report, _about = validate(tmp_path / "plain", Options())
    assert report.lines(warnings=False) == []
    assert "utt2spk:1: utterance ids that do not begin with their speaker (3)" in str(
        report.lines(warnings=True)
    )


def test_command_line(clean, tmp_path):
    command = [sys.executable, "-m", "espnet_ext.bin.validate_data_dir"]
    env = {"PYTHONPATH": str(Path(__file__).parents[2])}

    def run(*args):
        return subprocess.run(
            [*command, *args], cwd=clean, env=env, capture_output=True, text=True, check=False
        )

    good = run("plain", "--num_samples_out", tmp_path / "shape")
    assert good.returncode == 0 and "3 utterances" in good.stdout
    assert (tmp_path / "shape").read_text() == "".join(f"spk-{i} {FRAMES}\n" for i in range(3))
    bad = run("plain", "--sample_rate", "8000")
    assert bad.returncode == 2 and "error: plain/wav.scp:1:" in bad.stderr
    assert run("absent").stderr.startswith("error: absent: no such directory")
