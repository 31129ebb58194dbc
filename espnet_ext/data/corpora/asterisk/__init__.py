"""Asterisk core sounds 1.6.1: telephone prompts of five voices, 16 kHz G.722.

English and Spanish by Allison Smith, French by June Wallack: CC BY-SA 3.0. Italian by Carlo Flora,
Russian by ivrvoice.ru: CC BY 3.0 (as the Debian packages state it).

SRC holds what the Debian packages unpack (or the upstream tarballs laid out alike):

    usr/share/asterisk/sounds/en_US_f_Allison/digits/a-m.g722
    usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz
        ; Core Asterisk Sounds in English
        digits/a-m: A.M.
        vm-intro: Please leave your message after the tone. … (simple tone sound plays)

`text.py` has the rules by which the script becomes words, `splits.py` who is in which set.
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import soundfile
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write, str2bool
from espnet_ext.data.audio import decode_to_flac
from espnet_ext.data.corpora.asterisk.splits import SETS, make_splits, read_splits, spread
from espnet_ext.data.corpora.asterisk.text import (
    NoTranscriptError,
    normalise,
    speech_sec,
    too_fast_or_slow,
)
from espnet_ext.data.findings import Findings
from espnet_ext.data.headers import probe
from espnet_ext.data.kaldi_dir import Utterance, write_data_dir

OBTAIN = "its packages are Debian's; egs2/asterisk/ssl1/local/data.sh fetches and unpacks them"
VOICES = {  # speaker: (folder, prompts in release 1.6.1)
    "en-allison": ("en_US_f_Allison", 568),
    "es-allison": ("es_MX_f_Allison", 527),
    "fr-june": ("fr_CA_f_June", 561),
    "it-carlo": ("it_IT_m_Carlo", 599),
    "ru-ivrvoice": ("ru_RU_f_IvrvoiceRU", 576),
}
LABELLED = "en-allison"
TEXT = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
SMOKE_SIZES = {"train": 60, "dev": 10, "test": 10, "test_open": 10, "unlabelled": 120}

# The same paths in every voice; the scripts of the other four do not always say so.
NOT_SPEECH = re.compile(
    r"silence/\d+|beep|beeperr|ascending-2tone|descending-2tone|tt-monkeys|confbridge-(join|leave)"
)
IMPLAUSIBLE = "fewer than 3 or more than 30 characters a second"
KNOWN_EMPTY = {"ru-ivrvoice-is"}  # zero bytes in release 1.6.1; any other empty file is an error


@dataclass(slots=True)
class Prompt:
    """One recorded prompt; for English `text`, or the `reason` why it has none."""

    utt: str
    speaker: str
    source: Path
    wav: Path
    text: str | None = None
    reason: str | None = None
    speech: bool = True
    dur_sec: float = 0.0
    speech_sec: float = 0.0


def utt_id(speaker: str, path: str) -> str:
    """`en-allison`, `digits/a-m` -> `en-allison-digits_a-m`."""
    return f"{speaker}-{path.replace('/', '_')}"


def read_script(path: Path) -> dict[str, str]:
    """Prompt path -> text as written, from `core-sounds-XX.txt.gz`.

    Raises:
        UserError: no such file, or a line that is neither `path: text` nor a comment.
    """
    # digits/a-m: A.M.
    # ; a comment
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") as lines:
            numbered = [(n, line.strip()) for n, line in enumerate(lines, 1)]
    except (OSError, EOFError, UnicodeDecodeError) as err:
        raise UserError(f"{path}: cannot be read ({err}); fetch the packages again") from None
    script = {}
    for number, line in numbered:
        if not line or line.startswith(";"):
            continue
        key, colon, text = line.partition(":")
        if not colon or key in script:
            raise UserError(f"{path}:{number}: {line!r}; expected `path: text`, each path once")
        script[key] = text.strip()
    return script


def find_prompts(src: Path, audio_dir: Path, speaker: str) -> list[Prompt]:
    """Every .g722 of one voice, with its reason where it is no speech or an empty file.

    Raises:
        UserError: no recordings of this voice, or two that would share an id.
    """
    folder, released = VOICES[speaker]
    root = src / "usr/share/asterisk/sounds" / folder
    prompts: dict[str, Prompt] = {}
    for source in sorted(root.rglob("*.g722")):
        path = source.relative_to(root).with_suffix("").as_posix()
        utt = utt_id(speaker, path)
        if utt in prompts:
            raise UserError(f"{source}: its id {utt} is that of {prompts[utt].source} too")
        prompts[utt] = prompt = Prompt(utt, speaker, source, audio_dir / speaker / f"{utt}.flac")
        if NOT_SPEECH.fullmatch(path):
            prompt.reason = "not speech: silence, tones, beeps"
        elif utt in KNOWN_EMPTY and source.stat().st_size == 0:
            prompt.reason = "empty file in the package"
        prompt.speech = prompt.reason is None
    if not prompts:
        raise UserError(f"{root}: no .g722 file; expected the unpacked g722 packages under {src}")
    if len(prompts) != released:
        print(
            f"warning: {root}: {len(prompts)} prompts; release 1.6.1 has {released}; "
            "if that is not meant, unpack the package again",
            file=sys.stderr,
        )
    return list(prompts.values())


def transcribe(prompts: list[Prompt], script: Mapping[str, str]) -> int:
    """Give each English prompt its text or a reason; return how many texts have no recording."""
    by_id = {utt_id(LABELLED, path): text for path, text in script.items()}
    for prompt in prompts:
        if prompt.reason:
            continue
        try:
            prompt.text = normalise(by_id.pop(prompt.utt))
        except KeyError:
            prompt.reason = "recording without a transcript"
        except NoTranscriptError as why:
            prompt.reason = str(why)
    known = {prompt.utt for prompt in prompts}
    return len(by_id.keys() - known)


def decode(prompt: Prompt) -> tuple[float, float, str | None]:
    """Make the FLAC unless a whole one is there.

    Returns:
        Seconds in all, seconds from first to last sound, and what is wrong with the recording.
    """
    source = prompt.source.stat()
    there = probe(str(prompt.wav))
    if (
        there.fault
        or there.frames != 2 * source.st_size
        or prompt.wav.stat().st_mtime < source.st_mtime
    ):
        try:
            decode_to_flac(prompt.source, prompt.wav)
        except UserError as err:
            return 0.0, 0.0, str(err)
    samples_N, rate = soundfile.read(prompt.wav, dtype="float32")
    return len(samples_N) / rate, speech_sec(samples_N, rate), None


def decode_all(src: Path, prompts: list[Prompt], nj: int) -> None:
    """Decode in `nj` processes, fill in the durations; raise UserError for all that cannot be."""
    found = Findings(src)
    with ExitStack() as stack:
        mapped = map(decode, prompts)
        if nj > 1:
            # spawn: a fork would copy whatever threads and locks the caller holds
            pool = stack.enter_context(ProcessPoolExecutor(nj, get_context("spawn")))
            mapped = pool.map(decode, prompts, chunksize=32)
        times = tqdm(mapped, "decode G.722", len(prompts), unit="prompt", mininterval=0.5)
        for prompt, (dur_sec, heard_sec, wrong) in zip(prompts, times, strict=True):
            prompt.dur_sec, prompt.speech_sec = dur_sec, heard_sec
            if wrong:
                found.add("prompts that cannot be decoded", wrong, "unpack the packages again")
    found.raise_any()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--audio_dir", type=Path, default=Path("downloads/asterisk/flac"))
    parser.add_argument("--splits", type=Path, default=Path("local/splits"))
    parser.add_argument("--size", choices=("full", "smoke"), default="full")
    parser.add_argument(
        "--make_splits", type=str2bool, default=False, help="write the lists anew, then read them"
    )


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Decode the prompts and write data dirs train, dev, test, test_open and unlabelled.

    `unlabelled` is all five voices less the prompts of dev, test and test_open. With `--size smoke`
    each set is a few utterances of its list, and no more than those are decoded.

    Raises:
        UserError: a package is missing or damaged, or the lists do not fit the corpus.
    """
    voices = {speaker: find_prompts(src, options.audio_dir, speaker) for speaker in VOICES}
    english = voices[LABELLED]
    texts_alone = transcribe(english, read_script(src / TEXT))
    prompts = {prompt.utt: prompt for voice in voices.values() for prompt in voice}
    if options.make_splits:
        decode_all(src, [p for p in english if p.text], options.nj)
        leave_out_implausible(english)
        lists = make_splits({p.utt: p.text for p in english if p.text})
        for name, utts in lists.items():
            with atomic_write(options.splits / name) as out:
                out.writelines(f"{utt}\n" for utt in utts)
    sets = read_splits(options.splits, prompts)
    held_out = {utt for name in SETS if name != "train" for utt in sets[name]}
    sets["unlabelled"] = sorted(
        utt for utt, prompt in prompts.items() if prompt.speech and utt not in held_out
    )
    if options.size == "smoke":
        sets = {name: spread(utts, SMOKE_SIZES[name]) for name, utts in sets.items()}
    wanted = {utt for utts in sets.values() for utt in utts}
    decode_all(src, [prompts[utt] for utt in sorted(wanted)], options.nj)
    leave_out_implausible(english)
    for name, utts in sets.items():
        check_transcribed(options.splits / name, [prompts[utt] for utt in utts], name)
        write_data_dir(dst / name, (entry(prompts[utt], name != "unlabelled") for utt in utts))
    print(summary(voices, texts_alone, held_out))
    print(set_table(sets, prompts))


def leave_out_implausible(prompts: list[Prompt]) -> None:
    """Take the transcript from each decoded prompt whose duration disproves it."""
    for prompt in prompts:
        if prompt.text and prompt.dur_sec and too_fast_or_slow(prompt.text, prompt.speech_sec):
            prompt.text, prompt.reason = None, IMPLAUSIBLE


def check_transcribed(path: Path, prompts: list[Prompt], name: str) -> None:
    """Raise UserError where a labelled list names a prompt that has no transcript."""
    without = [prompt for prompt in prompts if not prompt.text]
    if name != "unlabelled" and without:
        raise UserError(
            f"{path}: {len(without)} prompts have no transcript; first: {without[0].utt} "
            f"({without[0].reason}); take them from the list"
        )


def entry(prompt: Prompt, labelled: bool) -> Utterance:
    """The prompt as a line of each table."""
    text = prompt.text if labelled else None
    return Utterance(prompt.utt, prompt.speaker, str(prompt.wav), prompt.dur_sec, text)


def summary(voices: Mapping[str, list[Prompt]], texts_alone: int, held_out: set[str]) -> str:
    """The table of what came in, what was kept, and why the rest was left out."""
    english = voices[LABELLED]
    reasons = Counter({IMPLAUSIBLE: 0})  # worth knowing that it was looked for
    reasons.update(prompt.reason for prompt in english if prompt.reason)
    rows = [("English prompts recorded", len(english))]
    rows += [(f"  left out: {reason}", count) for reason, count in reasons.most_common()]
    rows += [
        ("  kept, with a transcript", sum(prompt.text is not None for prompt in english)),
        ("transcripts without a recording, left out", texts_alone),
        ("prompts of all voices", sum(map(len, voices.values()))),
    ]
    for reason in ("not speech: silence, tones, beeps", "empty file in the package"):
        count = sum(prompt.reason == reason for voice in voices.values() for prompt in voice)
        rows.append((f"  left out of unlabelled: {reason}", count))
    rows.append(("  left out of unlabelled: held out for dev and tests", len(held_out)))
    return "\n".join(f"{label:<70}{count:>6}" for label, count in rows)


def set_table(sets: Mapping[str, list[str]], prompts: Mapping[str, Prompt]) -> str:
    """Utterances, minutes, words and words that train does not know, for each set."""
    known = {word for utt in sets["train"] for word in (prompts[utt].text or "").split()}
    lines = [f"{'set':<12}{'utterances':>11}{'minutes':>9}{'words':>7}{'unseen':>8}"]
    for name, utts in sets.items():
        minutes = sum(prompts[utt].dur_sec for utt in utts) / 60
        words = [word for utt in utts for word in (prompts[utt].text or "").split()]
        counts = (len(words), sum(word not in known for word in words))
        shown = "".join(f"{n:>{w}}" for n, w in zip(counts, (7, 8), strict=True))
        lines.append(f"{name:<12}{len(utts):>11}{minutes:>9.1f}" + shown * (name != "unlabelled"))
    return "\n".join(lines)
