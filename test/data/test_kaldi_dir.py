"""Data directories on disk."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espnet_ext.config import UserError
from espnet_ext.data.kaldi_dir import Utterance, read_dict, read_table, write_data_dir, write_table
from espnet_ext.data.spill import Spill


@given(st.sets(st.text("abAB09-_.é", min_size=1, max_size=5), min_size=1))
def test_tables_are_in_the_order_of_c_locale_sort(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("table") / "wav.scp"
    write_table(path, ((key, f"{key}.wav") for key in ids))
    subprocess.run(["sort", "-c", "-k1,1", path], env={"LC_ALL": "C"}, check=True)
    assert read_dict(path) == {key: f"{key}.wav" for key in ids}


def test_round_trip_with_and_without_segments(tmp_path):
    write_data_dir(
        tmp_path,
        [Utterance("b-2", "b", "b.wav", 1.5, "TWO"), Utterance("a-1", "a", "a.wav", 1, "ONE")],
    )
    assert list(read_table(tmp_path / "text")) == [("a-1", "ONE"), ("b-2", "TWO")]
    assert read_dict(tmp_path / "spk2utt") == {"a": "a-1", "b": "b-2"}
    assert read_dict(tmp_path / "utt2dur")["b-2"] == "1.5000"

    cuts = [Utterance(f"a-{i}", "a", "a.flac", 1, None, "a", i, i + 1) for i in range(3)]
    write_data_dir(tmp_path, cuts)
    assert read_dict(tmp_path / "wav.scp") == {"a": "a.flac"}
    assert read_dict(tmp_path / "segments")["a-2"] == "a 2.000 3.000"
    assert not (tmp_path / "text").exists()  # that of the earlier set would not fit


@given(st.lists(st.text("ab-", min_size=1, max_size=4), min_size=1, unique=True), st.integers(1, 5))
def test_what_does_not_fit_into_memory_is_sorted_on_disk(tmp_path_factory, keys, run_rows):
    spill = Spill(tmp_path_factory.mktemp("spill"), run_rows)
    rows = [(key, key[::-1], 1.5, None) for key in keys]
    spill.extend(rows)
    assert list(spill) == sorted(rows) == list(spill)  # and may be read again
    assert not list(spill.folder.iterdir())


def test_a_set_that_breaks_off_leaves_the_earlier_one(tmp_path):
    def broken():
        yield Utterance("b", "b", "b.wav", 1, "B")
        raise UserError("the corpus is damaged")

    write_data_dir(tmp_path, [Utterance("a", "a", "a.wav", 1, "A")])
    with pytest.raises(UserError, match="damaged"):
        write_data_dir(tmp_path, broken())
    assert read_dict(tmp_path / "wav.scp") == {"a": "a.wav"}
    assert not list(tmp_path.glob(".*"))


def test_refuses_sets_that_are_no_sets(tmp_path):
    with pytest.raises(UserError, match="no utterance"):
        write_data_dir(tmp_path / "none", [])
    with pytest.raises(UserError, match="1 of 2 utterances have no transcript; first: b"):
        write_data_dir(
            tmp_path / "half", [Utterance("a", "a", "a", 1, "A"), Utterance("b", "b", "b", 1)]
        )
    cuts = [Utterance(f"a{i}", "a", f"{i}.wav", 1, None, "a", i, i + 1) for i in range(2)]
    with pytest.raises(UserError, match=r"wav.scp: a would be 0.wav and 1.wav"):
        write_data_dir(tmp_path / "two", cuts)
    with pytest.raises(UserError, match="a would occur twice"):
        write_data_dir(tmp_path / "twice", [Utterance("a", "a", "a", 1, "A")] * 2)
    assert not (tmp_path / "twice/wav.scp").exists()


def test_reading_names_the_line(tmp_path):
    (tmp_path / "text").write_bytes(b"a A\n\nb B\n")
    with pytest.raises(UserError, match="text:2: empty line"):
        read_dict(tmp_path / "text")
    (tmp_path / "text").write_bytes(b"a A\nb \xff\n")
    with pytest.raises(UserError, match="text:2: not UTF-8"):
        read_dict(tmp_path / "text")
    (tmp_path / "text").write_bytes(b"a A\na B\n")
    with pytest.raises(UserError, match="a occurs twice"):
        read_dict(tmp_path / "text")
