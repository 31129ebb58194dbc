"""Libri-light: how long recordings are cut, and what is said when the corpus is damaged."""

import itertools
import json
import random
import shutil

import pytest
from corpora import librilight as look_alike
from corpora.preparing import assert_valid, runner
from hypothesis import given, settings
from hypothesis import strategies as st

from espnet_ext.config import UserError
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import librilight
from espnet_ext.data.corpora.librilight.rules import join_overlaps, random_pieces, voiced_pieces
from espnet_ext.data.kaldi_dir import read_dict

TABLES = ("wav.scp", "segments", "utt2spk", "spk2utt", "utt2dur")

prepare, faults = runner(librilight)


@given(st.integers(0, 10_000_000), st.integers(0, 9))
def test_random_pieces_tile_the_recording(dur_ms, seed):
    pieces = random_pieces(dur_ms, random.Random(seed))
    edges = [0, *itertools.chain(*pieces), dur_ms]
    assert edges[::2] == edges[1::2]  # each begins where the one before ends
    if dur_ms >= 32_000:
        assert all(32_000 <= end - start <= 64_000 for start, end in pieces)
    else:
        assert len(pieces) == (dur_ms > 0)


STRETCHES = st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 90_000)), max_size=20)


@settings(deadline=None)
@given(STRETCHES, st.integers(10_000, 200_000), st.integers(0, 5_000))
def test_voiced_pieces_hold_all_voice_and_no_long_pause(lengths, most_ms, pause_ms):
    dur_ms = 320_000
    voice = join_overlaps([(start, start + length) for start, length in lengths], dur_ms)
    pieces = voiced_pieces(voice, most_ms, pause_ms)
    heard = set().union(*(range(s, min(s + n, dur_ms), 100) for s, n in lengths))
    assert all(any(start <= ms < end for start, end in pieces) for ms in heard)
    assert all(0 < end - start <= most_ms and end <= dur_ms for start, end in pieces)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(pieces))
    silent = sum(end - start for start, end in pieces) - sum(end - start for start, end in voice)
    assert 0 <= silent <= pause_ms * max(0, len(voice) - 1)


def test_voiced_pieces_by_hand():
    voice = [(400, 12_320), (13_000, 21_600), (24_000, 62_400), (62_500, 193_000)]
    assert voiced_pieces(voice, 60_000, 2_000) == [
        (400, 21_600),  # then a pause of 2.4 s
        (24_000, 62_400),  # with the next part it would have more than 60 s
        (62_500, 106_000),  # 130.5 s in three equal parts
        (106_000, 149_500),
        (149_500, 193_000),
    ]
    assert voiced_pieces(voice[:2], 10_000, 2_000) == [
        (400, 6_360),
        (6_360, 12_320),
        (13_000, 21_600),
    ]


def test_segments_in_place(laid_out, tmp_path, capsys):
    prepare(laid_out, tmp_path / "atm", "--sets", "unlab_600 unlab_60k", "--seed", "3")
    prepare(laid_out, tmp_path / "w2v2", "--sets", "unlab_60k", "--rule", "w2v2")
    out = capsys.readouterr().out
    assert "unlab_600: 3 recordings, 0.06 hours (published: 2,588, 577.2)" in out
    assert "none in 1 recordings" in out
    for path in (tmp_path / "atm/unlab_60k", tmp_path / "w2v2/unlab_60k"):
        assert_valid(path, require_text=False)
    segments = read_dict(tmp_path / "atm/unlab_60k/segments")
    small = read_dict(tmp_path / "atm/unlab_600/segments")
    assert small.items() <= segments.items()  # a recording has the same pieces in every set
    odd = f"1001-{look_alike.BOOK}-chapter_1__part_a"
    assert [row for utt, row in segments.items() if utt.startswith(odd)][-1].endswith(" 65.500")
    wavs = read_dict(tmp_path / "atm/unlab_60k/wav.scp")
    assert wavs[odd].endswith("/1001/sea_fairies_0812_librivox_64kb_mp3/chapter 1, part_a.flac")
    assert len(SpeechDir(tmp_path / "atm/unlab_60k/wav.scp")[f"{odd}-00000"]) >= 32 * 16000
    assert list(read_dict(tmp_path / "atm/unlab_60k/spk2utt")) == ["10", "100", "1001", "9"]
    voiced = read_dict(tmp_path / "w2v2/unlab_60k/segments")
    mine = [row.split(" ", 1)[1] for utt, row in voiced.items() if "02_baum" in utt]
    assert mine == ["9.500 19.900"]  # the first stretch is under two seconds


def test_the_seed_and_nothing_else_moves_the_cuts(laid_out, tmp_path):
    for name, seed, nj in (("a", "1", "1"), ("b", "1", "4"), ("c", "2", "1")):
        prepare(laid_out, tmp_path / name, "--sets", "small", "--seed", seed, "--nj", nj)
    read = {n: [(tmp_path / n / "small" / t).read_bytes() for t in TABLES] for n in "abc"}
    assert read["a"] == read["b"] != read["c"]


def test_smoke_takes_a_few(laid_out, tmp_path, monkeypatch):
    monkeypatch.setattr(librilight, "SMOKE_SEGMENTS", 2)
    prepare(laid_out, tmp_path, "--sets", "small", "--size", "smoke")
    assert len(read_dict(tmp_path / "small/segments")) == 2


def test_all_faults_of_a_pass_are_said_at_once(laid_out, tmp_path):
    src = shutil.copytree(laid_out, tmp_path / "src")
    book = src / "small/100" / look_alike.BOOK
    (book / "02_baum_sea_fairies_64kb.flac").write_bytes(b"")
    (book / "03_baum_sea_fairies_64kb.json").write_text("{}")
    shutil.copy(book / "01_baum_sea_fairies_64kb.flac", book / "04.flac")
    (src / "small/100" / look_alike.BOOK / "01_baum_sea_fairies_64kb.json").write_text('{"a": 1}')
    other = next((src / "medium").rglob("*.json"))
    other.write_text(json.dumps({"voice_activity": [[5.0, 2.0]]}))
    shutil.rmtree(src / "large")
    with pytest.raises(UserError) as caught:
        prepare(src, tmp_path / "data", "--sets", "unlab_60k", "--rule", "w2v2")
    for line in (
        "6 kinds of fault",
        f"subsets that are not there (1); first: {src}/large; --download true",
        f"FLAC files without a json (1); first: {book}/04.flac",
        f"json files without a FLAC (1); first: {book}/03_baum_sea_fairies_64kb.json",
        f"empty FLAC files (1); first: {book}/02_baum_sea_fairies_64kb.flac",
        f"json files without voice activity (1); first: {book}/01_baum",
        f"json files with a stretch that ends before it begins (1); first: {other}",
    ):
        assert line in str(caught.value)
    assert not (tmp_path / "data/unlab_60k/wav.scp").exists()


def test_voice_that_overlaps_or_lies_outside_the_recording(laid_out, tmp_path):
    src = shutil.copytree(laid_out, tmp_path / "src")
    note = src / "small/1001" / look_alike.BOOK / "chapter 1, part_a.json"
    note.write_text(json.dumps({"voice_activity": [[30, 50], [-5, 10.5], [8, 20], [60, 99]]}))
    prepare(src, tmp_path / "data", "--rule", "w2v2", "--sets", "small")
    rows = read_dict(tmp_path / "data/small/segments")
    mine = [row.split(" ", 1)[1] for utt, row in rows.items() if utt.startswith("1001-")]
    assert mine == ["0.000 20.000", "30.000 50.000", "60.000 65.500"]


def test_an_archive_that_was_not_unpacked_to_its_end(laid_out, tmp_path):
    src = shutil.copytree(laid_out, tmp_path / "src")
    flac = next((src / "large").rglob("c_64kb.flac"))
    flac.write_bytes(flac.read_bytes()[:30])  # within its header
    next((src / "medium").rglob("*.json")).write_text('{"voice_activity": [[0.5,')
    damaged = ['{"voice_activity": [[0, Infinity]]}', "[" * 100_000]
    for note, text in zip(sorted((src / "small").rglob("*.json")), damaged, strict=False):
        note.write_text(text)
    said = faults(src, tmp_path / "data", "--rule", "w2v2", "--sets", "unlab_60k")
    assert "2 kinds of fault" in said
    assert "FLAC files that are not 16000 Hz mono (1)" in said and "c_64kb.flac" in said
    assert "json files without voice activity (3)" in said


def test_wrong_roots_and_values(laid_out, tmp_path):
    for src, more, said in (
        (laid_out / "small", [], "expected the folder that holds one of them"),
        (laid_out, ["--sets", "unlab_6"], "--sets unlab_6: expected some of small medium large"),
        (laid_out, ["--min_sec", "70"], "--min_sec < --most_sec"),
    ):
        with pytest.raises(UserError, match=said):
            prepare(src, tmp_path, *more)
