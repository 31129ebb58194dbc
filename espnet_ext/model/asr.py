"""The recogniser of every fine-tuning and of the scorer: RNN-T, CTC, or both on one encoder.

Shapes: B utterances, T latent frames, D the encoder's width, U labels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from espnet2.asr.espnet_model import ESPnetASRModel, autocast_type
from torch import Tensor

from espnet_ext.decode.greedy import ctc_greedy, rnnt_greedy
from espnet_ext.decode.units import join, unit_of
from espnet_ext.masking.channel import TimeChannelMask
from espnet_ext.transducer.rnnt import rnnt_loss


class Recogniser(ESPnetASRModel):
    """ESPnet's recogniser, with an RNN-T that needs no extra package to be built.

    ESPnet's own constructor imports warprnnt_pytorch as soon as there is a joint network; so it is
    given none, and the transducer is set beside it.

    What a loss cannot score is left out and counted, batch by batch, in the log: for CTC
    utterances with more labels than frames (`skipped_ctc`), for RNN-T those without a frame
    (`skipped_transducer`; it emits any number of labels at a frame).

    `masks` hides spans of the latents in training; the task sets it where a conf wants it, and
    `count_errors`, of (words said, words heard) for each utterance: then validation tells of greedy
    search, CTC's where there is one, `words` and `word_errors` of an utterance on average. ESPnet's
    own count for CTC is of letters, a mean over batches, and takes what CTC says of the padding as
    said.

    Args:
        ctc_weight: with a transducer, the weight of CTC beside its loss; without one, 1.0.
        freeze_updates: optimiser updates before the encoder and what is below it learn, too
            (wav2vec 2.0 §4.3: 10k). A new output layer first learns to say blank, and would teach
            that to a pre-trained encoder.
        fastemit_lambda: of the RNN-T loss, 0 for the plain one (FastEmit: 0.001 to 0.01).
        kwargs: ESPnetASRModel's.
    """

    def __init__(
        self,
        *,
        decoder,
        joint_network,
        ctc,
        ctc_weight: float = 1.0,
        freeze_updates: int = 0,
        fastemit_lambda: float = 0.0,
        **kwargs,
    ):
        if fastemit_lambda < 0:
            raise ValueError(
                f"model_conf: fastemit_lambda must be 0 or more, not {fastemit_lambda}"
            )
        options = {"report_cer": False, "report_wer": False} | kwargs
        super().__init__(decoder=None, joint_network=None, ctc=ctc, ctc_weight=1.0, **options)
        self.masks: TimeChannelMask | None = None
        self.count_errors: Callable[[list[tuple[list[str], list[str]]]], int] | None = None
        self.generator: torch.Generator | None = None  # of one call of `forward`
        self.freeze_updates = freeze_updates
        self.fastemit_lambda = fastemit_lambda
        self.register_buffer("updates", torch.zeros(()))  # advanced by the trainer
        if joint_network is None:
            if ctc_weight != 1.0:
                raise ValueError("model_conf: ctc_weight must be 1.0 where there is no decoder")
            return
        self.use_transducer_decoder = True
        self.decoder, self.joint_network = decoder, joint_network
        self.ctc_weight = ctc_weight
        if ctc_weight == 0.0:
            self.ctc = None

    def after_update(self) -> None:
        """Called by the trainer after each optimiser update."""
        self.updates += 1

    def encode(self, speech: Tensor, speech_lengths: Tensor) -> tuple[Tensor, Tensor]:
        # asks the device for the count only until the encoder thaws
        if self.training and self.freeze_updates and self.updates >= self.freeze_updates:
            self.freeze_updates = 0
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._is_frozen()):
            if self.masks is None or not self.training:
                return super().encode(speech, speech_lengths)
            latents_BTF, lengths_B = self._latents(speech, speech_lengths)
            shown_BTD = self.encoder.embed(latents_BTF)
            shown_BTD = self.masks(shown_BTD, lengths_B, self.generator)
            return self.encoder.hidden(shown_BTD, lengths_B)[-1], lengths_B

    def _latents(self, speech: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """What ESPnet's `encode` does before it calls the encoder."""
        with torch.autocast("cuda", enabled=self.autocast_frontend, dtype=autocast_type):
            x, lengths_B = self._extract_feats(speech, lengths_B)
            for stage in (self.specaug, self.normalize):
                if stage is not None:
                    x, lengths_B = stage(x, lengths_B)
        return (x, lengths_B) if self.preencoder is None else self.preencoder(x, lengths_B)

    def _is_frozen(self) -> bool:
        return self.training and self.freeze_updates > 0

    def forward(
        self, *args, generator: torch.Generator | None = None, **kwargs
    ) -> tuple[Tensor, dict[str, Tensor | None], Tensor]:
        """ESPnet's loss, a mean over the utterances that can be scored; their number, at least 1,
        is the weight.

        Args:
            generator: of the masks; None is torch's global one.
        """
        self.generator, self.skipped, self.counted = generator, {}, {}
        loss, stats, weight = super().forward(*args, **kwargs)
        for name, n_skipped in self.skipped.items():
            stats[f"skipped_{name}"] = n_skipped.to(loss)[None]
        main = "transducer" if self.use_transducer_decoder else "ctc"
        weight = (weight - self.skipped[main]).clamp(min=1)
        for name, count in self.counted.items():
            stats[name] = count / weight.to(loss)  # the trainer weighs it again
        return loss, stats, weight

    def _count(self, hyps: list[list[int]], labels_BU: Tensor, labels_B: Tensor) -> None:
        unit = unit_of(self.token_list)
        pairs = []
        for hyp, row_U, n in zip(hyps, labels_BU.tolist(), labels_B.tolist(), strict=True):
            rows = ([self.token_list[i] for i in ids] for ids in (row_U[:n], hyp))
            pairs.append(tuple(join(tokens, unit) for tokens in rows))
        n_words = sum(len(said) for said, _ in pairs)
        self.counted = {"word_errors": self.count_errors(pairs), "words": n_words}

    @property
    def _counts(self) -> bool:
        return self.count_errors is not None and not self.training

    def _calc_ctc_loss(
        self, encoder_out: Tensor, encoder_out_lens: Tensor, labels: Tensor, labels_B: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        loss, cer = super()._calc_ctc_loss(encoder_out, encoder_out_lens, labels, labels_B)
        too_long_B = ctc_frames(labels, labels_B) > encoder_out_lens
        self.skipped["ctc"] = too_long_B.sum()
        # ESPnet's CTC gives them a loss of 0, and counts them in its mean
        n_scored = (len(labels) - self.skipped["ctc"]).clamp(min=1)
        if self._counts:
            log_probs_BTV = self.ctc.log_softmax(encoder_out)
            self._count(
                ctc_greedy(log_probs_BTV, encoder_out_lens, self.blank_id), labels, labels_B
            )
        return loss * len(labels) / n_scored, cer

    def _calc_transducer_loss(
        self, encoder_out: Tensor, encoder_out_lens: Tensor, labels: Tensor
    ) -> tuple[Tensor, None, None]:
        labels_B = (labels != self.ignore_id).sum(1)
        labels_BU = labels.masked_fill(labels == self.ignore_id, self.blank_id)
        self.decoder.set_device(encoder_out.device)
        prefix_BWD = self.decoder(F.pad(labels_BU, (1, 0), value=self.blank_id))
        joint = self.joint_network
        loss_B = rnnt_loss(
            joint.lin_enc(encoder_out),
            joint.lin_dec(prefix_BWD),
            joint.lin_out.weight,
            joint.lin_out.bias,
            labels_BU,
            encoder_out_lens,
            labels_B,
            blank=self.blank_id,
            activation=joint.joint_activation,
            fastemit_lambda=self.fastemit_lambda,
        )
        if self._counts and self.ctc is None:
            said = rnnt_greedy(self.decoder, joint, encoder_out, encoder_out_lens, self.blank_id)
            self._count(said, labels, labels_B)
        self.skipped["transducer"] = (encoder_out_lens == 0).sum()
        n_scored = (len(loss_B) - self.skipped["transducer"]).clamp(min=1)
        return loss_B.sum() / n_scored, None, None


def ctc_frames(labels_BU: Tensor, labels_B: Tensor) -> Tensor:
    """The least frames that CTC needs for each row's labels: one each, and a blank between equal
    neighbours (Graves et al. 2006)."""
    place_U = torch.arange(1, labels_BU.shape[1], device=labels_BU.device)
    again_BU = (labels_BU[:, 1:] == labels_BU[:, :-1]) & (place_U < labels_B[:, None])
    return labels_B + again_BU.sum(1)
