"""LibriSpeech and librispeech_finetuning: 26 readers, a chapter each, two to four utterances."""

from pathlib import Path

from corpora import clip, run, write_flac

# ids of which one is the beginning of another, as in the corpus: C-locale order is tested by them
SUBSETS = {
    "train-clean-100": ("10", "103", "1034"),
    "train-clean-360": ("14", "1401"),
    "train-other-500": ("20", "201", "2012"),
    "dev-clean": ("84",),
    "dev-other": ("116",),
    "test-clean": ("61", "1089"),
    "test-other": ("367",),
}
# what limited supervision takes of the training speakers: fold or 9h, clean or other -> speaker
FINETUNING = {
    "1h/0/clean": "10",
    "1h/0/other": "20",
    "1h/1/clean": "103",
    "1h/1/other": "201",
    "9h/clean": "1034",
    "9h/other": "2012",
}
CHAPTER = "121123"
TAKEN = ("0000", "0002")  # of each speaker's utterances, by limited supervision


def lay_out(folder: Path) -> Path:
    """Make folder/LibriSpeech and folder/librispeech_finetuning."""
    root, number, table = folder / "LibriSpeech", 0, [";ID  |SEX| SUBSET | MINUTES | NAME"]
    for subset, speakers in SUBSETS.items():
        for speaker in speakers:
            table.append(f"{speaker:<5}| {'MF'[number % 2]} | {subset:<16} | 0.10 | A | B")
            write_chapter(root / subset, speaker, number, [f"{i:04d}" for i in range(4)])
            number += 4
    (root / "SPEAKERS.TXT").write_text("\n".join(table) + "\n")
    numbers = {s: 4 * i for i, s in enumerate(s for names in SUBSETS.values() for s in names)}
    for fold in range(6):  # the archive has all of them; ours are empty but for two
        for noise in ("clean", "other"):
            (folder / f"librispeech_finetuning/1h/{fold}/{noise}").mkdir(parents=True)
    for part, speaker in FINETUNING.items():
        where = folder / "librispeech_finetuning" / part
        write_chapter(where, speaker, numbers[speaker], list(TAKEN))
    return folder


def write_chapter(where: Path, speaker: str, number: int, utts: list[str]) -> None:
    """Utterance k of a chapter is clip `number` + k; all four transcripts are there."""
    folder, name = where / speaker / CHAPTER, f"{speaker}-{CHAPTER}"
    for utt in utts:
        write_flac(folder / f"{name}-{utt}.flac", clip(number + int(utt))[1])
    lines = (f"{name}-{i:04d} {clip(number + i)[0]}\n" for i in range(4))
    (folder / f"{name}.trans.txt").write_text("".join(lines))


def lists() -> dict[str, list[str]]:
    """The lists of utterance ids that cut the same out of LibriSpeech."""
    found = {"10min": [], "1h": [], "10h": []}
    for part, speaker in FINETUNING.items():
        utts = [f"{speaker}-{CHAPTER}-{utt}" for utt in TAKEN]
        found["10h"] += utts
        found["1h"] += utts * part.startswith("1h")
        found["10min"] += utts * part.startswith("1h/0")
    return found


if __name__ == "__main__":
    run(lay_out)
