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
from espnet_ext.decode.greedy import rnnt_greedy
from espnet_ext.decode.rnnt import RNNTBeam
from espnet_ext.decode.search import CTCSearch
from espnet_ext.tasks.asr import ASRTask

CONF = Path(__file__).resolve().parents[2] / "conf"
TOKENS = ["<blank>", "<unk>", "<space>", "A", "B", "C", "<sos/eos>"]
WORDS = {"A": [("A",)], "AB": [("A", "B")], "CAB": [("C", "A", "B")], "C": [("C",)]}
RNNT = {"decoder_conf": {"hidden_size": 16}, "joint_net_conf": {"joint_space_size": 16}}
LARGE = {"frontend_conf": {"norm": "layer", "conv_bias": True, "normalise_wave": True}}


def build(tmp_path, arch: str, changes: dict, finetune: str = "ctc"):
    """An untrained recogniser."""
    wave = arch != "logmel_conformer"
    blocks = [*(["arch/wave_transformer"] if wave else []), f"arch/{arch}", f"finetune/{finetune}"]
    blocks.append("size/cpu_tiny_wave" if wave else "size/cpu_tiny")
    conf, flat = tmp_path / "conf.yaml", tmp_path / "flat.yaml"
    own = {"extends": [f"{CONF}/{block}.yaml" for block in blocks]} | changes
    conf.write_text(yaml.safe_dump(own))
    flat.write_text(yaml.safe_dump(compose(conf)[0] | {"token_list": TOKENS}))
    where = ["--config", str(flat), "--output_dir", str(tmp_path), "--token_type", "char"]
    torch.manual_seed(0)
    return ASRTask.build_model(ASRTask.get_parser().parse_args(where)).eval()


def sixteen() -> list[torch.Tensor]:
    """Noise of a quarter of a second to two seconds."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(4000, 32000, (16,), generator=generator).tolist()
    return [0.1 * torch.randn(n, generator=generator) for n in lengths]


def pad(waves: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    lengths_B = torch.tensor([len(wave) for wave in waves])
    return torch.nn.utils.rnn.pad_sequence(waves, batch_first=True), lengths_B


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
    model.ctc.ctc_lo.weight.data *= 4  # sure of itself, so that words come out
    waves = sixteen()
    searches = [
        CTCSearch(TOKENS, DecodeConf()),
        CTCSearch(TOKENS, DecodeConf(search="lexicon", lexicon="x", nbest=3), WORDS),
    ]

    def emissions(speech_BS, lengths_B):
        encoded_BTD, frames_B = model.encode(speech_BS, lengths_B)
        log_probs_BTV = model.ctc.log_softmax(encoded_BTD)
        return [row[:n] for row, n in zip(log_probs_BTV, frames_B, strict=True)]

    together = emissions(*pad(waves))
    said = set()
    for wave, in_batch_TV in zip(waves, together, strict=True):
        (alone_TV,) = emissions(*pad([wave]))
        assert alone_TV.shape == in_batch_TV.shape
        assert (alone_TV - in_batch_TV).abs().max() < 1e-5
        for search in searches:
            words = [[hyp.words for hyp in search.search(e)] for e in (alone_TV, in_batch_TV)]
            assert words[0] == words[1]
            said.add(words[0][0])
    assert len(said) > 1, said


@torch.no_grad()
def test_a_transducer_says_the_same_of_one_and_of_sixteen(tmp_path):
    model = build(tmp_path, "logmel_conformer", RNNT, "rnnt")
    torch.manual_seed(2)
    for parameter in (*model.decoder.parameters(), *model.joint_network.parameters()):
        torch.nn.init.normal_(parameter, std=0.3)  # frame, label and state all matter
    model.joint_network.lin_out.bias.data[0] += 2  # blank often enough
    waves = sixteen()
    own = (model.decoder, model.joint_network)
    beam = RNNTBeam(*own, TOKENS, beam_size=4)

    def said(waves) -> list:
        encoded_BTD, frames_B = model.encode(*pad(waves))
        greedy = rnnt_greedy(*own, encoded_BTD, frames_B, model.blank_id)
        rows = zip(encoded_BTD, frames_B, strict=True)
        return list(zip(greedy, (beam.search(row[:n])[0].tokens for row, n in rows), strict=True))

    together = said(waves)
    assert together == [said([wave])[0] for wave in waves]
    assert len({tuple(greedy) for greedy, _ in together}) > 8, together
