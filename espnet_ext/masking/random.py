"""Random spans: every frame is as likely a start as any other (wav2vec 2.0 §3.1)."""

from espnet_ext.masking.spans import Masker, gumbel


class RandomSpans(Masker):
    """Starts drawn without replacement from the uniform distribution.

    wav2vec 2.0 draws `start_prob` 0.065 of the frames as starts of 10-frame spans; `fraction`
    instead fixes what is masked after overlaps, as Ask2Mask's comparisons need.
    """

    def priority(self, shape, device, confidence_BT, predicted_loss_BT, progress, generator):
        return gumbel(shape, device, generator)
