"""A linear CTC probe: how much a frozen encoder's layers say of the letters, in seconds.

The encoder runs once over the speech; what is trained on its outputs is one weight per layer and
one linear map, as in SUPERB (Yang et al. 2021, arXiv 2105.01051, §3.2), with CTC.

Shapes: B utterances, T frames, L layers, D the encoder's width, V tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from espnet_ext.config import UserError, atomic_write
from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.kaldi_dir import read_table
from espnet_ext.data.parts import own_share
from espnet_ext.data.tokens import SPACE, UNKNOWN
from espnet_ext.decode.greedy import ctc_greedy
from espnet_ext.tasks.labels import WEIGHTS

BLANK = 0
EPOCHS, BATCH, RATE = 80, 16, 0.01  # by then the valid loss hardly falls any more
LARGEST = 4 * 2**30  # bytes of frames in memory


class Probe(nn.Module):
    """Layers in a learnt mix; then one linear map."""

    def __init__(self, n_layers: int, dim: int, n_tokens: int):
        super().__init__()
        self.mix_L = nn.Parameter(torch.zeros(n_layers))
        self.out = nn.Linear(dim, n_tokens)

    def forward(self, layers_BTLD: Tensor) -> Tensor:
        """Log-probabilities (B, T, V)."""
        mixed_BTD = torch.einsum("btld,l->btd", layers_BTLD.float(), self.mix_L.softmax(0))
        return self.out(mixed_BTD).log_softmax(-1)


@dataclass
class Frames:
    """A data directory as a frozen encoder sees it: utterance -> (T, L, D), each frame of a layer
    normalised, in half precision."""

    frames_TLD: dict[str, Tensor]

    def batch(self, utts: list[str]) -> tuple[Tensor, Tensor]:
        rows = [self.frames_TLD[utt] for utt in utts]
        return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])


class AllLayers:
    """A pre-trained model under the name that `encoded_batches` calls: speech to all layers."""

    def __init__(self, model: nn.Module):
        self.model = model.eval()
        self.parameters = model.parameters

    def encode(self, speech_BS: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        _, latents_BTD, frames_B = self.model.latents(speech_BS, lengths_B)
        encoder = self.model.encoder
        return torch.stack(encoder.hidden(encoder.embed(latents_BTD), frames_B), 2), frames_B


def load_frozen(exp: Path, random: bool, seed: int) -> AllLayers:
    """A pre-training's encoder, or one of its shape that has seen nothing."""
    from espnet_ext.tasks.ssl import SSLTask

    for name in ("config.yaml", *(() if random else (WEIGHTS,))):
        if not (exp / name).exists():
            raise UserError(f"{exp / name}: missing; this pre-training is not finished")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(seed)
    weights = None if random else exp / WEIGHTS
    return AllLayers(SSLTask.build_model_from_file(exp / "config.yaml", weights, device)[0])


@torch.no_grad()
def encode(model: AllLayers, data_dir: Path, batch_sec: float) -> Frames:
    """Every layer's output for every utterance.

    Raises:
        UserError: more than 4 GiB of it.
    """
    from espnet_ext.tasks.decoding.infer import encoded_batches

    speech, dur_sec = SpeechDir(data_dir / "wav.scp"), own_share(data_dir, 1, 1)
    found: dict[str, Tensor] = {}
    seen_sec = seen_bytes = 0.0
    with tqdm(total=len(dur_sec), desc=f"encode {data_dir}") as bar:
        for utts, hidden_BTLD, frames_B in encoded_batches(model, speech, dur_sec, batch_sec):
            for utt, row_TLD, n in zip(utts, hidden_BTLD, frames_B.tolist(), strict=True):
                normal_TLD = F.layer_norm(row_TLD[:n], row_TLD.shape[-1:])
                found[utt] = normal_TLD.half().cpu()
                seen_sec += dur_sec[utt]
                seen_bytes += found[utt].nbytes
            whole = seen_bytes * sum(dur_sec.values()) / seen_sec
            if whole > LARGEST:
                raise UserError(
                    f"{data_dir}: all layers would take {whole / 2**30:.0f} GiB of memory; "
                    "expected at most 4: probe on fewer hours (utils: a subset of the directory)"
                )
            bar.update(len(utts))
    return Frames(found)


def read_targets(data_dir: Path, tokens: list[str]) -> dict[str, Tensor]:
    """Utterance -> token ids of its characters; of one that is no token, that of <unk>."""
    id_of = {token: i for i, token in enumerate(tokens)}
    targets = {}
    for utt, words in read_table(data_dir / "text"):
        spelt = [SPACE if c == " " else c for c in " ".join(words.split())]
        targets[utt] = torch.tensor([id_of.get(c, id_of[UNKNOWN]) for c in spelt])
    return targets


def train(
    train: tuple[Frames, dict[str, Tensor]],
    valid: tuple[Frames, dict[str, Tensor]],
    n_tokens: int,
    seed: int,
) -> tuple[Probe, dict]:
    """The probe of the epoch with the least loss on `valid`, and how it went."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    _, n_layers, dim = next(iter(train[0].frames_TLD.values())).shape
    probe = Probe(n_layers, dim, n_tokens)
    optimiser = torch.optim.Adam(probe.parameters(), RATE)
    # neighbours in length share a batch, so that little of it is padding
    utts = sorted(train[1], key=lambda utt: (len(train[0].frames_TLD[utt]), utt))
    batches = [utts[start : start + BATCH] for start in range(0, len(utts), BATCH)]
    best, curve = (float("inf"), {}), []
    for _ in tqdm(range(EPOCHS), desc=f"probe, seed {seed}"):
        for i in torch.randperm(len(batches), generator=generator):
            optimiser.zero_grad()
            ctc(probe, *train, batches[i]).backward()
            optimiser.step()
        with torch.no_grad():
            loss = float(ctc(probe, *valid, sorted(valid[1])))
        curve.append(round(loss, 4))
        if loss < best[0]:
            best = (loss, {name: x.clone() for name, x in probe.state_dict().items()})
    if not best[1]:
        raise UserError("the probe's loss was never finite: is the encoder's output?")
    probe.load_state_dict(best[1])
    weights = [round(float(w), 4) for w in probe.mix_L.detach().softmax(0)]
    return probe, {"valid_loss": curve, "layer_weights": weights}


def ctc(probe: Probe, frames: Frames, targets: dict[str, Tensor], utts: list[str]) -> Tensor:
    """Mean over utterances; one longer than its frames counts nothing, as in fine-tuning."""
    layers_BTLD, lengths_B = frames.batch(utts)
    labels = [targets[utt] for utt in utts]
    loss_B = F.ctc_loss(
        probe(layers_BTLD).transpose(0, 1),
        torch.cat(labels),
        lengths_B,
        torch.tensor([len(row) for row in labels]),
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    return loss_B.mean()


@torch.no_grad()
def recognise(probe: Probe, frames: Frames, tokens: list[str]) -> dict[str, str]:
    """Greedy words of every utterance."""
    texts = {}
    for utt in sorted(frames.frames_TLD):
        layers_BTLD, lengths_B = frames.batch([utt])
        (ids,) = ctc_greedy(probe(layers_BTLD), lengths_B, BLANK)
        texts[utt] = "".join(" " if tokens[i] == SPACE else tokens[i] for i in ids)
    return texts


def run(
    exp: Path,
    out: Path,
    train_dir: Path,
    valid_dir: Path,
    test_dirs: list[Path],
    token_dir: Path,
    seeds: list[int],
    random: bool = False,
    batch_sec: float = 120.0,
) -> None:
    """Probe one pre-training: `OUT_seedN/decode_probe/<set>/text` for every seed and test set."""
    tokens = (token_dir / "tokens.txt").read_text(encoding="utf-8").split("\n")[:-1]
    if SPACE not in tokens:
        raise UserError(f"{token_dir}: its tokens have no {SPACE}; expected characters")
    model = load_frozen(exp, random, seed=0)
    frames = {d: encode(model, d, batch_sec) for d in dict.fromkeys([train_dir, valid_dir])}
    frames |= {d: encode(model, d, batch_sec) for d in test_dirs if d not in frames}
    heard = [(frames[d], read_targets(d, tokens)) for d in (train_dir, valid_dir)]
    for seed in seeds:
        home = out.with_name(f"{out.name}_seed{seed}")
        probe, went = train(*heard, len(tokens), seed)
        for test_dir in test_dirs:
            texts = recognise(probe, frames[test_dir], tokens)
            with atomic_write(home / "decode_probe" / test_dir.name / "text") as handle:
                handle.writelines(f"{utt} {texts[utt]}".rstrip() + "\n" for utt in texts)
        settings = {"exp": str(exp), "random": random, "seed": seed, "train_dir": str(train_dir)}
        with atomic_write(home / "probe.yaml") as handle:
            yaml.safe_dump(settings | went, handle, sort_keys=False)
        print(f"{home}: least valid loss {min(went['valid_loss']):.2f}")
