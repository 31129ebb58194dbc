"""Broadcast News: from both forms of its transcripts to utterances, and what is said of faults."""

import numpy as np
from corpora import broadcastnews as look_alike
from corpora import clip
from corpora.preparing import runner
from corpora.sphere import write_sphere

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.corpora import broadcastnews
from espnet_ext.data.corpora.broadcastnews import read_show
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.data.meetings import Notes

prepare, faults = runner(broadcastnews)


def test_both_years_give_what_was_said_when(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--sets", "train_1996 train_1997 train")
    texts = {name: read_dict(tmp_path / name / "text") for name in broadcastnews.SETS}
    assert texts["train"] == texts["train_1996"] | texts["train_1997"]
    assert len(texts["train_1996"]) == len(texts["train_1997"]) == 10
    speakers = read_dict(tmp_path / "train/spk2utt")
    assert set(speakers) == {f"{s}-{who}" for s in look_alike.SHOWS for who in look_alike.SPEAKERS}
    speech, first = SpeechDir(tmp_path / "train/wav.scp"), 0
    for name in ("train_1996", "train_1997"):
        in_time = sorted(texts[name], key=lambda utt: utt.split("-")[2])
        for k, utt in enumerate(in_time):
            said, samples_N = clip(first + k)
            assert said in texts[name][utt]
            if k == 0:  # times are rounded to a hundredth of a second
                heard_N = speech[utt] * 32768
                assert np.abs(heard_N[:8000] - samples_N[: len(heard_N)][:8000]).max() < 1
        first += len(in_time)
    assert sum(text.endswith(" U S") for text in texts["train"].values()) == 4


def test_what_is_left_out_is_said(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(
        "<segment s_time=1 e_time=9 speaker=A>hello <sync time=2> <foreign language=es> hola "
        "</foreign> <sync time=3> in 1984 <sync time=4>[noise] <sync time=4.5> back <sync time=4>"
        " ((yes)) <sync time=soon> no</segment> between"
    )
    found, notes = Findings("src"), Notes()
    utts = list(read_show(path, "a", "a.sph", found, notes))
    assert [(u.utt, u.text) for u in utts] == [("a-A-0000100-0000200", "HELLO")]
    assert notes.kinds["left out: foreign speech, digits"][0] == 2
    assert notes.kinds["left out: no length, or an end before the start"][0] == 1
    assert found.kinds["time marks that are no numbers"][0] == 2


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    (corpus / "LDC97S44/data/a960521.sph").unlink()
    packed = corpus / "97_eng_bns_hub4/ea970114.sph"
    write_sphere(packed, clip(0)[1], 16000, "pcm,embedded-shorten-v2.00")
    said = faults(corpus, tmp_path / "data")
    for line in (
        "2 kinds of fault",
        f"transcripts without a recording (1); first: {corpus}/hub4_eng_train_trans/9605/a960521",
        f"no stretch can be read alone (1); first: {packed}; convert it once",
    ):
        assert line in said
    for path in corpus.rglob("*.sgml"):
        path.unlink()
    assert "sets without a transcript" in faults(corpus, tmp_path / "data", "--sets", "train_1997")
    assert "expected some of train_1996" in faults(corpus, tmp_path / "data", "--sets", "test")
