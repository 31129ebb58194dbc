"""LibriSpeech: what becomes of its layout, and what is said when it is not all there."""

import shutil
from pathlib import Path

import soundfile
from corpora import librispeech as look_alike
from corpora.preparing import assert_valid, runner

from espnet_ext.data.corpora import librispeech
from espnet_ext.data.corpora.librispeech.published import LIMITED, SETS, expected
from espnet_ext.data.headers import flac_header
from espnet_ext.data.kaldi_dir import read_dict

ROOT = Path(__file__).parents[2]
prepare, faults = runner(librispeech)


def test_published_counts():
    subsets = [28539, 104014, 148688, 2703, 2864, 2620, 2939]
    assert [expected(name) for name in SETS][:7] == subsets
    assert expected("train_960") == 281241 and expected("dev") == 5567
    assert expected("train_1h") == 286 and expected("train_10h") == 2763


def test_every_subset(laid_out, tmp_path, capsys):
    prepare(laid_out, tmp_path)
    assert len(list(tmp_path.iterdir())) == 8  # seven and train_960
    for path in tmp_path.iterdir():
        assert_valid(path)
    texts = read_dict(tmp_path / "test_clean/text")
    assert list(texts)[:5] == [*(f"1089-121123-000{i}" for i in range(4)), "61-121123-0000"]
    for utt, wav in read_dict(tmp_path / "test_clean/wav.scp").items():
        assert wav.endswith(f"/LibriSpeech/test-clean/{utt.split('-')[0]}/121123/{utt}.flac")
    assert read_dict(tmp_path / "train_960/utt2spk")["1034-121123-0002"] == "1034-121123"
    assert read_dict(tmp_path / "dev_other/spk2gender") == {"116-121123": "m"}
    assert "dev_clean                 4     0.00  2,703" in capsys.readouterr().out


def test_plain_speakers_and_bytes_that_do_not_depend_on_the_number_of_readers(laid_out, tmp_path):
    more = ["--speakers", "plain", "--sets", "dev train_clean_100"]
    prepare(laid_out / "LibriSpeech", tmp_path / "one", *more, "--nj", "1")
    prepare(laid_out / "LibriSpeech", tmp_path / "four", *more, "--nj", "4")
    assert read_dict(tmp_path / "one/dev/spk2utt").keys() == {"116", "84"}
    for name in ("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur", "spk2gender"):
        path = Path("train_clean_100") / name
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "four" / path).read_bytes()


def test_limited_supervision_by_archive_and_by_lists(laid_out, tmp_path):
    sets = ["--sets", " ".join(LIMITED)]
    prepare(laid_out, tmp_path / "archive", *sets)
    for name, utts in look_alike.lists().items():
        (tmp_path / name).write_text("".join(f"{utt}\n" for utt in utts))
    (tmp_path / "src").mkdir()
    (tmp_path / "src/LibriSpeech").symlink_to(laid_out / "LibriSpeech")
    prepare(tmp_path / "src", tmp_path / "lists", *sets, "--lists", str(tmp_path))
    for name, count in zip(LIMITED, (4, 8, 12), strict=True):
        ours = {folder: tmp_path / folder / name for folder in ("archive", "lists")}
        assert read_dict(ours["archive"] / "text") == read_dict(ours["lists"] / "text")
        assert read_dict(ours["archive"] / "utt2dur") == read_dict(ours["lists"] / "utt2dur")
        assert len(read_dict(ours["archive"] / "text")) == count
        assert "/librispeech_finetuning/1h/0/" in (ours["archive"] / "wav.scp").read_text()
        assert "/LibriSpeech/train-other-500/" in (ours["lists"] / "wav.scp").read_text()


def test_committed_lists_are_libri_lights():
    lists = {n: (ROOT / "egs2/librispeech/ssl1/local/limited" / n).read_text().split() for n in
             ("10min", "1h", "10h")}  # fmt: skip
    assert [len(set(utts)) for utts in lists.values()] == [48, 286, 2763]
    assert set(lists["10min"]) < set(lists["1h"]) < set(lists["10h"])
    assert len({utt.split("-")[0] for utt in lists["1h"]}) == 24  # Libri-light, table 2


def test_smoke_takes_a_few_utterances_of_each_set(laid_out, tmp_path):
    prepare(laid_out, tmp_path, "--size", "smoke", "--sets", "train_960")
    assert len(read_dict(tmp_path / "train_960/text")) == librispeech.SMOKE_UTTERANCES


def test_a_part_of_the_corpus_is_not_taken_for_all_of_it(laid_out, tmp_path):
    said = faults(laid_out, tmp_path, "--complete", "true", "--sets", "dev_clean")
    assert "set dev_clean of another size than is published (1); first: 4 utterances" in said
    assert not (tmp_path / "dev_clean/wav.scp").exists()


def test_all_faults_of_a_pass_are_said_at_once(corpus, tmp_path):
    root = corpus / "LibriSpeech"
    chapter = root / "train-clean-100/10/121123"
    (chapter / "10-121123-0000.flac").unlink()
    (chapter / "10-121123-0001.flac").unlink()
    (chapter / "10-121123-0002.flac").unlink()  # the link, not its target
    (chapter / "10-121123-0002.flac").touch()
    text = root / "train-clean-100/103/121123/103-121123.trans.txt"
    lines = text.read_text().splitlines()
    text.write_text("\n".join([lines[0], f"{lines[1].split()[0]}  '' .", lines[2]]) + "\n")
    (root / "train-clean-360/1401/121123/1401-121123.trans.txt").unlink()
    low = root / "train-other-500/20/121123/20-121123-0003.flac"
    low.unlink()
    soundfile.write(low, [[0.1, 0.1]] * 800, 8000)
    (root / "dev-clean/84").rename(root / "dev-clean/10")
    (root / "test-other").rename(root / "test-else")

    said = faults(corpus, tmp_path / "data", "--sets", " ".join(list(SETS)[:7]))
    for line in (
        "10 kinds of fault",
        f"subsets that are not there (1); first: {root}/test-other;",
        "speakers in two subsets, so perhaps in training and test (1); first: "
        f"{root}/train-clean-100/10 is in dev-clean too",
        f"speakers that SPEAKERS.TXT has elsewhere (1); first: {root}/dev-clean/10",
        f"transcripts without a FLAC file (2); first: {chapter}/10-121123-0000.flac",
        f"empty FLAC files (1); first: {chapter}/10-121123-0002.flac",
        "transcripts without a word (1); first: 103-121123.trans.txt: 103-121123-0001 '' .",
        "FLAC files without a transcript (",
        "chapters without a readable transcript file (",
        "FLAC files that are not 16000 Hz mono (1)",
        "FLAC files of another chapter (4)",
    ):
        assert line in said, f"{line!r} in:\n{said}"
    assert not list((tmp_path / "data").rglob("wav.scp"))


def test_wrong_roots_and_names(corpus, tmp_path):
    assert "expected the folder LibriSpeech" in faults(tmp_path, tmp_path)
    assert "--sets dev-clean: expected some of" in faults(corpus, tmp_path, "--sets", "dev-clean")
    (corpus / "LibriSpeech/SPEAKERS.TXT").unlink()
    (corpus / "LibriSpeech/dev-clean/84/121123/84-121123-0001.flac").unlink()
    said = faults(corpus, tmp_path, "--sets", "dev_clean")
    assert "SPEAKERS.TXT: No such file" in said and "transcripts without a FLAC file (1)" in said
    (corpus / "LibriSpeech/SPEAKERS.TXT").write_bytes(b"14 | F | dev-clean | 8 | Andr\xe9\n")
    assert "SPEAKERS.TXT: not UTF-8; " in faults(corpus, tmp_path, "--sets", "dev_clean")


def test_an_archive_that_was_not_unpacked_to_its_end(corpus, tmp_path):
    shutil.rmtree(corpus / "LibriSpeech/train-clean-100/103")
    shutil.rmtree(corpus / "librispeech_finetuning/1h/4/other")
    (corpus / "librispeech_finetuning/9h/clean/1034/121123/1034-121123.trans.txt").unlink()
    said = faults(corpus, tmp_path, "--complete", "true", "--sets", "train_10h train_clean_100")
    assert "speakers of train-clean-100 that are not there (1); first:" in said
    assert "folders of librispeech_finetuning that are not there (1)" in said
    assert "8 utterances, published are 28,539" in said
    assert "FLAC files without a transcript (2)" in said


def test_the_header_is_what_libsndfile_reads(laid_out, tmp_path):
    for path in sorted((laid_out / "LibriSpeech/dev-clean").rglob("*.flac")):
        sound, info = flac_header(path), soundfile.info(path)
        assert (sound.rate, sound.channels, sound.frames) == (
            info.samplerate,
            info.channels,
            info.frames,
        )
    (tmp_path / "no.flac").write_bytes(b"RIFF" + bytes(100))
    assert flac_header(tmp_path / "no.flac").fault == "audio_unreadable"
    assert flac_header(tmp_path / "none.flac").fault == "audio_missing"
