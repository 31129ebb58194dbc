"""Which prompt is in which set: utterance ids in the recipe's `local/splits`, made once."""

import hashlib
from collections import Counter
from collections.abc import Container, Mapping
from pathlib import Path

from espnet_ext.config import UserError

SETS = ("train", "dev", "test", "test_open")


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


def read_splits(path: Path, prompts: Container[str]) -> dict[str, list[str]]:
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


def spread(utts: list[str], count: int) -> list[str]:
    """`count` of them, evenly over the list, so that a tiny set still hears every voice."""
    step = max(len(utts) // count, 1)
    return utts[::step][:count]
