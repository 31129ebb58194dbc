"""Asterisk core sounds 1.6.1: telephone prompts of five voices, 16 kHz G.722, CC BY-SA 3.0.

SRC holds what the Debian packages unpack (or the upstream tarballs laid out alike):

    usr/share/asterisk/sounds/en_US_f_Allison/digits/a-m.g722
    usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz
        ; Core Asterisk Sounds in English
        digits/a-m: A.M.
        vm-intro: Please leave your message after the tone. … (simple tone sound plays)

How English text is normalised (`normalise`), in this order; a prompt whose spoken form is not
certain gets no transcript, and the reason is counted:
 1. Wholly in brackets, `[ascending tones]`, `(1 second of silence)`, `<beep ascending>`: not
    speech.
 2. Glosses go: `at [@]` -> AT; `IAX (note: does not say "2")` -> IAX.
 3. Any other bracket names a sound beside the speech, `(simple tone sound plays)`: left out.
 4. The symbols * and # have several names (star, asterisk, pound, hash): left out. Where the script
    spells the name, `pound key`, it is a word like any other.
 5. Upper case. A.M. and P.M. are read as letters: A M, P M. Another dot inside a word
    (www.asterisk.org) or a digit in one (3D, H.323, 500, 28.8) has no certain reading: left out.
 6. A digit alone is spoken as its name: `press 1` -> PRESS ONE, 0 -> ZERO.
 7. Hyphens split words; `...` and all punctuation go; apostrophes stay inside words (O'CLOCK).
 8. Misspellings of the script in `SPELLING` are mended, so that a word has one form.
Acronyms stay one word as written (PBX, IAX); letters spelt apart stay apart (M I S D N).

A transcript that the recording disproves (`too_fast_or_slow`) is left out too.

The splits are lists of utterance ids in the recipe's `local/splits`, made once by `make_splits`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write, str2bool
from espnet_ext.data.audio import decode_to_flac
from espnet_ext.data.kaldi_dir import Utterance, write_data_dir

RATE = 16000
VOICES = {
    "en-allison": "en_US_f_Allison",
    "es-allison": "es_MX_f_Allison",
    "fr-june": "fr_CA_f_June",
    "it-carlo": "it_IT_m_Carlo",
    "ru-ivrvoice": "ru_RU_f_IvrvoiceRU",
}
LABELLED = "en-allison"
TEXT = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
SETS = ("train", "dev", "test", "test_open")
SMOKE_SIZES = {"train": 60, "dev": 10, "test": 10, "test_open": 10, "unlabelled": 120}

# The same paths in every voice; the scripts of the other four do not always say so.
NOT_SPEECH = re.compile(
    r"silence/\d+|beep|beeperr|ascending-2tone|descending-2tone|tt-monkeys|confbridge-(join|leave)"
)
KNOWN_EMPTY = {"ru-ivrvoice-is"}  # zero bytes in release 1.6.1; any other empty file is an error

DIGITS = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"]
SPELLING = {
    "EXCLAIMATION": "EXCLAMATION",
    "FOURTIETH": "FORTIETH",
    "INDENTIFIED": "IDENTIFIED",
    "REPRESENATIVES": "REPRESENTATIVES",
    "UMUTE": "UNMUTE",
    "WITHELD": "WITHHELD",
}


class NoTranscriptError(Exception):
    """Why a prompt gets no transcript, in the words of the printed table."""


def normalise(raw: str) -> str:
    """The words spoken in one English prompt; the rules are in the module's docstring.

    Raises:
        NoTranscriptError: the spoken form is not certain; the message is the reason.
    """
    text = raw.strip()
    if re.fullmatch(r"\[.*\]|\(.*\)|<.*>", text):
        raise NoTranscriptError("not speech: silence, tones, beeps")
    text = re.sub(r"\s*(\[[^\w\]]+\]|\(note: .*?\))", "", text)
    if re.search(r"[\[\]()<>]", text):
        raise NoTranscriptError("speech beside another sound")
    if re.search(r"[*#]", text):
        raise NoTranscriptError("symbol with several names (* #)")
    text = text.upper().replace("’", "'")
    text = re.sub(r"\b([AP])\.M\.", r"\1 M", text)
    text = re.sub(r"\.{2,}|-", " ", text)
    words = []
    for token in text.split():
        word = token.strip(".,!?;:\"'")
        if re.fullmatch(r"\d", word):
            word = DIGITS[int(word)]
        elif re.search(r"[\d.]", word):
            raise NoTranscriptError("number or name with several readings")
        elif word and not re.fullmatch(r"[A-Z]+('[A-Z]+)*", word):
            raise NoTranscriptError("characters without a rule")
        if word:
            words.append(SPELLING.get(word, word))
    if not words:
        raise NoTranscriptError("no words")
    return " ".join(words)


def speech_sec(samples_N: np.ndarray, rate: int) -> float:
    """Seconds from the first to the last 20 ms that lie within 40 dB of the loudest 20 ms."""
    hop = rate // 50
    power_T = (samples_N[: len(samples_N) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1)
    loud = np.flatnonzero(power_T > power_T.max(initial=0.0) * 1e-4)
    return (loud[-1] + 1 - loud[0]) * hop / rate if len(loud) else 0.0


def too_fast_or_slow(text: str, dur_sec: float) -> bool:
    """Whether fewer than 3 or more than 30 characters a second disprove the transcript.

    A word without a vowel (MGCP) and a letter alone are read letter by letter: such a letter counts
    as three characters here.
    """
    spelt = sum(2 * len(w) for w in text.split() if len(w) == 1 or not set(w) & set("AEIOUY"))
    return not 3.0 <= (len(text) + spelt) / max(dur_sec, 1e-3) <= 30.0


def make_splits(
    texts: Mapping[str, str], dev: int = 45, test: int = 54, test_open: int = 60
) -> dict[str, list[str]]:
    """Share labelled prompts out among the sets; the same texts always give the same lists.

    Prompts with the same text stay together and go to train, so no held-out text is ever heard in
    training. Held-out prompts have 3 to 30 words: fewer say little about WER, and one of more would
    weigh as much as ten others. Candidates come in the order of a hash of their id:
     1. test_open takes prompts with a word that no other prompt has.
     2. dev and test take turns; a prompt is taken only while each word of everything taken so far
        still occurs in what is left for train (closed vocabulary).
    All the rest is train.
    """
    words = {utt: set(text.split()) for utt, text in texts.items()}
    copies = Counter(texts.values())
    candidates = sorted(
        (utt for utt in texts if copies[texts[utt]] == 1 and 3 <= len(texts[utt].split()) <= 30),
        key=lambda utt: hashlib.sha256(f"asterisk-1.6.1 {utt}".encode()).digest(),
    )
    prompts_with = Counter(word for utt in texts for word in words[utt])
    sets: dict[str, list[str]] = {name: [] for name in SETS}
    sets["test_open"] = [
        utt for utt in candidates if any(prompts_with[word] == 1 for word in words[utt])
    ][:test_open]
    taken = set(sets["test_open"])
    left = Counter(word for utt in texts if utt not in taken for word in words[utt])
    wanted = {"dev": dev, "test": test}
    for utt in candidates:
        open_sets = [name for name in wanted if len(sets[name]) < wanted[name]]
        if not open_sets:
            break
        if utt in taken or any(left[word] < 2 for word in words[utt]):
            continue
        name = min(open_sets, key=lambda name: len(sets[name]) / wanted[name])
        sets[name].append(utt)
        taken.add(utt)
        left.subtract(words[utt])
    sets["train"] = [utt for utt in texts if utt not in taken]
    return {name: sorted(utts) for name, utts in sets.items()}


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
    root = src / "usr/share/asterisk/sounds" / VOICES[speaker]
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


def decode(prompt: Prompt) -> tuple[float, float]:
    """Make the FLAC where it is missing or older; seconds in all and from first to last sound."""
    source = prompt.source.stat()
    if not (
        prompt.wav.exists()
        and prompt.wav.stat().st_mtime >= source.st_mtime
        and soundfile.info(prompt.wav).frames == 2 * source.st_size
    ):
        decode_to_flac(prompt.source, prompt.wav)
    samples_N, rate = soundfile.read(prompt.wav, dtype="float32")
    return len(samples_N) / rate, speech_sec(samples_N, rate)


def decode_all(prompts: list[Prompt], nj: int) -> None:
    """Decode in `nj` processes and fill in the durations."""
    bar = partial(tqdm, total=len(prompts), desc="decode G.722", unit="prompt", mininterval=0.5)
    # spawn: a fork would copy whatever threads and locks the caller holds
    with ProcessPoolExecutor(nj, mp_context=get_context("spawn")) as pool:
        for prompt, times in zip(
            prompts, bar(pool.map(decode, prompts, chunksize=32)), strict=True
        ):
            prompt.dur_sec, prompt.speech_sec = times


def read_splits(path: Path, prompts: Mapping[str, Prompt]) -> dict[str, list[str]]:
    """The committed lists, each id known to have a recording.

    Raises:
        UserError: a list is missing, names an unknown prompt or one that another list has.
    """
    sets: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    for name in SETS:
        try:
            sets[name] = (path / name).read_text(encoding="utf-8").split()
        except OSError as err:
            raise UserError(f"{path / name}: {err.strerror}; expected one id a line") from None
        for utt in sets[name]:
            if utt not in prompts:
                raise UserError(f"{path / name}: {utt} is not in SRC; expected release 1.6.1")
            if utt in seen:
                raise UserError(f"{path / name}: {utt} is in {seen[utt]} already")
            seen[utt] = name
    return sets


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
        decode_all([p for p in english if p.text], options.nj)
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
    decode_all([prompts[utt] for utt in sorted(wanted)], options.nj)
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
            prompt.text, prompt.reason = None, "fewer than 3 or more than 30 characters a second"


def check_transcribed(path: Path, prompts: list[Prompt], name: str) -> None:
    """Raise UserError where a labelled list names a prompt that has no transcript."""
    without = [prompt for prompt in prompts if not prompt.text]
    if name != "unlabelled" and without:
        raise UserError(
            f"{path}: {len(without)} prompts have no transcript; first: {without[0].utt} "
            f"({without[0].reason}); take them from the list"
        )


def spread(utts: list[str], count: int) -> list[str]:
    """`count` of them, evenly over the list, so that a tiny set still hears every voice."""
    step = max(len(utts) // count, 1)
    return utts[::step][:count]


def entry(prompt: Prompt, labelled: bool) -> Utterance:
    """The prompt as a line of each table."""
    text = prompt.text if labelled else None
    return Utterance(prompt.utt, prompt.speaker, str(prompt.wav), prompt.dur_sec, text)


def summary(voices: Mapping[str, list[Prompt]], texts_alone: int, held_out: set[str]) -> str:
    """The table of what came in, what was kept, and why the rest was left out."""
    english = voices[LABELLED]
    reasons = Counter(prompt.reason for prompt in english if prompt.reason)
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
