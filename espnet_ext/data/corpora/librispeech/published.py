"""What is published of LibriSpeech: its sets, their counts, where they are fetched from."""

from __future__ import annotations

from pathlib import Path

from espnet_ext.data.download import Archive

# subset: utterances, bytes of the archive, its sha256
SUBSETS = {
    "train-clean-100": (
        28539,
        6387309499,
        "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    ),
    "train-clean-360": (
        104014,
        23049477885,
        "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    ),
    "train-other-500": (
        148688,
        30593501606,
        "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    ),
    "dev-clean": (
        2703,
        337926286,
        "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    ),
    "dev-other": (
        2864,
        314305928,
        "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    ),
    "test-clean": (
        2620,
        346663984,
        "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    ),
    "test-other": (
        2939,
        328757843,
        "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    ),
}
URL = "https://www.openslr.org/resources/12"
SETS = {subset.replace("-", "_"): [subset] for subset in SUBSETS} | {
    "train_960": ["train-clean-100", "train-clean-360", "train-other-500"],
    "dev": ["dev-clean", "dev-other"],
}

# set: folders of librispeech_finetuning, utterances. The counts are those of Libri-light's lists,
# which has none of 10 minutes (wav2vec 2.0 §5.1 speaks of 48 recordings).
FOLDS = [f"1h/{fold}" for fold in range(6)]
LIMITED = {
    "train_10min": (["1h/0"], None),
    "train_1h": (FOLDS, 286),
    "train_10h": ([*FOLDS, "9h"], 2763),
}
LIMITED_FROM = ["train-clean-100", "train-other-500"]  # which subsets they were cut from
FINETUNING = "librispeech_finetuning"
FINETUNING_URL = f"https://dl.fbaipublicfiles.com/librilight/data/{FINETUNING}.tgz"
FINETUNING_SHA256 = "5d1efdc777b548194d7e09ba89126e2188026df9fd57aa57eb14408d2b2342af"


def expected(name: str) -> int | None:
    """How many utterances the whole set has, where that is published."""
    if name in LIMITED:
        return LIMITED[name][1]
    return sum(SUBSETS[subset][0] for subset in SETS[name])


def archives(root: Path, sets: list[str], lists: bool) -> list[Archive]:
    """The archives that the sets need. `lists`: the limited ones are cut out of LibriSpeech."""
    subsets = [subset for name in sets if name in SETS for subset in SETS[name]]
    wanted = []
    if any(name in LIMITED for name in sets):
        if lists:
            subsets += LIMITED_FROM
        else:
            target = root.parent / FINETUNING
            wanted.append(
                Archive(FINETUNING_URL, target, FINETUNING, f"sha256:{FINETUNING_SHA256}")
            )
    for subset in dict.fromkeys(subsets):
        _, size, sha256 = SUBSETS[subset]
        url = f"{URL}/{subset}.tar.gz"
        member = f"LibriSpeech/{subset}"
        wanted.append(Archive(url, root / subset, member, f"sha256:{sha256}", size))
    return wanted
