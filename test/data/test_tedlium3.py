"""TED-LIUM 3: what becomes of an stm, and what is said of faults."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpora import clip
from corpora import tedlium3 as look_alike
from corpora.preparing import runner

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import tedlium3
from espnet_ext.data.kaldi_dir import read_dict

prepare, faults = runner(tedlium3)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("i 'm sure it 's eight o 'clock", "i'm sure it's eight o'clock"),
        ("he said 'cause we don 't", "he said 'cause we don't"),
        ("{NOISE} so <unk> it(2) was (AaronHuey_2010X-2) <sil>", "so it was"),
        ("ignore_time_segment_in_scoring", ""),
        ("<unk>", ""),
    ],
)
def test_normalise(raw, words):
    assert tedlium3.normalise(raw, unk=False) == words


def test_utterances(laid_out, tmp_path):
    prepare(laid_out, tmp_path)
    texts = read_dict(tmp_path / "dev/text")
    first = "BlaiseAguerayArcas_2007-0000050-0000120"
    assert len(texts) == 8 and min(texts) == first and texts[first] == "go"
    assert set(read_dict(tmp_path / "train/spk2utt")) == {*look_alike.TALKS["train"]}
    heard_N = SpeechDir(tmp_path / "dev/wav.scp")[first] * 32768
    said_N = clip(16)[1]
    assert len(heard_N) == 0.7 * 16000
    assert np.abs(heard_N - said_N[: len(heard_N)]).max() < 1
    prepare(laid_out / "TEDLIUM_release-3", tmp_path / "unk", "--unk", "keep", "--sets", "dev")
    assert sum("<unk>" in text for text in read_dict(tmp_path / "unk/dev/text").values()) == 2


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    legacy = corpus / "TEDLIUM_release-3/legacy"
    stm = legacy / "train/stm/AlGore_2009.stm"
    rows = stm.read_text().splitlines()
    rows[1] = rows[1].replace(" 0.50 ", " -0.50 ")
    rows[2] = rows[2].replace("AlGore_2009 1", "AlGore_2008 1")
    rows[3] = "AlGore_2009 1 AlGore_2009 9.00 8.00 <o,f0,male> backwards"
    stm.write_text("\n".join(rows))
    sph = legacy / "train/sph/AaronHuey_2010X.sph"
    sph.write_bytes(sph.read_bytes()[:-999])
    (legacy / "test/sph/AimeeMullins_2009P.sph").write_bytes(b"")
    (legacy / "dev/stm/BlaiseAguerayArcas_2007.stm").unlink()
    said = faults(corpus, tmp_path / "data")
    for line in (
        "5 kinds of fault",
        f"lines of an stm that are no stretch of its talk (3); first: {stm}:2;",
        f"recordings that are cut off (1); first: {sph}",
        f"empty recordings (1); first: {legacy}/test/sph/AimeeMullins_2009P.sph",
        f"sets that are not there (1); first: {legacy}/dev/stm",
        f"talks without an stm (1); first: {legacy}/dev/sph/BlaiseAguerayArcas_2007.sph",
    ):
        assert line in said, f"{line!r} in:\n{said}"
    assert not list((tmp_path / "data").rglob("wav.scp"))


def test_utterances_end_with_their_recording(corpus, tmp_path, capsys):
    sph = corpus / "TEDLIUM_release-3/legacy/dev/sph/BlaiseAguerayArcas_2007.sph"
    samples_N, rate = soundfile.read(sph, dtype="int16")
    look_alike.write_sphere(sph, samples_N[: -rate // 2], rate)
    prepare(corpus, tmp_path / "data", "--sets", "dev")
    assert "cut off by the end of their recording: 1" in capsys.readouterr().out


def test_counts_and_the_archive(corpus, tmp_path, monkeypatch):
    stm = corpus / "TEDLIUM_release-3/legacy/dev/stm/BlaiseAguerayArcas_2007.stm"
    *rows, last = stm.read_text().splitlines()
    stm.write_text("\n".join([*rows, f"{last.partition('>')[0]}> <unk>"]) + "\n")
    with monkeypatch.context() as patch:  # of its 8 lines one has no word, and none is missing
        patch.setitem(tedlium3.SETS, "dev", 8)
        prepare(corpus, tmp_path / "data", "--complete", "true", "--sets", "dev")
    assert len(read_dict(tmp_path / "data/dev/text")) == 7
    assert "8, published are 507" in faults(corpus, tmp_path, "--complete", "true", "--sets", "dev")
    (archive,) = tedlium3.archives(Path("/corpora"), None)
    assert archive.target == Path("/corpora/TEDLIUM_release-3") and archive.checksum
    assert "expected some of train dev test" in faults(corpus, tmp_path, "--sets", "dev2")
