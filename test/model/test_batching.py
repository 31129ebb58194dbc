"""Emissions and words of an utterance do not depend on what it is batched with.

Every kind of recogniser that the confs build: log-Mel conformer, wave CNN with group norm (BASE)
and with layer norm (LARGE), data2vec's and data2vec 2.0's.
"""

from pathlib import Path

import pytest
import torch
import yaml

from espnet_ext.config import compose
from espnet_ext.decode.conf import DecodeConf
from espnet_ext.decode.search import CTCSearch
from espnet_ext.tasks.asr import ASRTask

CONF = Path(__file__).resolve().parents[2] / "conf"
TOKENS = ["<blank>", "<unk>", "<space>", "A", "B", "C", "<sos/eos>"]
WORDS = {"A": [("A",)], "AB": [("A", "B")], "CAB": [("C", "A", "B")], "C": [("C",)]}
LARGE = {"frontend_conf": {"norm": "layer", "conv_bias": True, "normalise_wave": True}}


def build(tmp_path, arch: str, changes: dict):
    """A recogniser with a CTC layer that is sure of itself, so that words come out."""
    wave = arch != "logmel_conformer"
    blocks = [*(["arch/wave_transformer"] if wave else []), f"arch/{arch}", "finetune/ctc"]
    blocks.append("size/cpu_tiny_wave" if wave else "size/cpu_tiny")
    conf, flat = tmp_path / "conf.yaml", tmp_path / "flat.yaml"
    own = {"extends": [f"{CONF}/{block}.yaml" for block in blocks]} | changes
    conf.write_text(yaml.safe_dump(own))
    flat.write_text(yaml.safe_dump(compose(conf)[0] | {"token_list": TOKENS}))
    where = ["--config", str(flat), "--output_dir", str(tmp_path), "--token_type", "char"]
    torch.manual_seed(0)
    model = ASRTask.build_model(ASRTask.get_parser().parse_args(where)).eval()
    model.ctc.ctc_lo.weight.data *= 4
    return model


@pytest.mark.parametrize(
    ("arch", "changes"),
    [
        ("logmel_conformer", {}),
        ("wave_transformer", {}),
        ("wave_transformer", LARGE),
        ("data2vec", {}),
        ("data2vec2", {}),
    ],
)
@torch.no_grad()
def test_a_batch_of_one_and_of_sixteen_are_recognised_alike(tmp_path, arch, changes):
    model = build(tmp_path, arch, changes)
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(4000, 32000, (16,), generator=generator)
    waves = [0.1 * torch.randn(n, generator=generator) for n in lengths.tolist()]
    padded_BS = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True)
    searches = [
        CTCSearch(TOKENS, DecodeConf()),
        CTCSearch(TOKENS, DecodeConf(search="lexicon", lexicon="x", nbest=3), WORDS),
    ]

    def emissions(speech_BS, lengths_B):
        encoded_BTD, frames_B = model.encode(speech_BS, lengths_B)
        log_probs_BTV = model.ctc.log_softmax(encoded_BTD)
        return [row[:n] for row, n in zip(log_probs_BTV, frames_B, strict=True)]

    together = emissions(padded_BS, lengths)
    said = set()
    for wave, in_batch_TV in zip(waves, together, strict=True):
        (alone_TV,) = emissions(wave[None], torch.tensor([len(wave)]))
        assert alone_TV.shape == in_batch_TV.shape
        assert (alone_TV - in_batch_TV).abs().max() < 1e-5
        for search in searches:
            words = [[hyp.words for hyp in search.search(e)] for e in (alone_TV, in_batch_TV)]
            assert words[0] == words[1]
            said.add(words[0][0])
    assert len(said) > 1, said
