"""What is done to an utterance before it joins a batch.

Random draws are numpy's, which ESPnet seeds anew for every epoch.
"""

from __future__ import annotations

import numpy as np
import soxr
from espnet2.train.preprocessor import AbsPreprocessor, CommonPreprocessor

from espnet_ext.config import UserError


class TrainingText(CommonPreprocessor):
    """ESPnet's preprocessor, with speed perturbation on the fly (Ko et al. 2015).

    Args:
        speeds: factors, one drawn per utterance and epoch; 1.0 alone leaves speech as it is.
            Pitch changes with the tempo, as in Kaldi.
    """

    def __init__(self, train: bool, speeds: tuple[float, ...] = (1.0,), **kwargs):
        super().__init__(train, **kwargs)
        self.speeds = speeds

    def __call__(self, uid: str, data: dict) -> dict[str, np.ndarray]:
        if self.train and len(self.speeds) > 1:
            speed = float(np.random.choice(self.speeds))
            if speed != 1.0:
                data["speech"] = soxr.resample(data["speech"], speed, 1.0, quality="MQ")
        return super().__call__(uid, data)


class CropStreams(AbsPreprocessor):
    """Crop long utterances for pre-training, and at the same frames what is known of every frame:
    `confidence` (T,) and `labels` (T, G).

    Args:
        crop_sec: longest piece kept, at a random place in training and at the beginning in
            validation. Ask2Mask trains on 32 s.
        frame_samples: samples per latent frame; crops begin on a multiple of it.
        sample_rate: in Hz.
        label_sizes: number of labels in each of the G sets.
        files: name of a stream -> file it is read from, for messages.
    """

    def __init__(
        self,
        train: bool,
        crop_sec: float,
        frame_samples: int,
        sample_rate: int,
        label_sizes: list[int] | None = None,
        files: dict[str, str] | None = None,
    ):
        super().__init__(train)
        self.frame_samples = frame_samples
        self.crop_frames = int(crop_sec * sample_rate) // frame_samples
        self.label_sizes, self.files = label_sizes or [], files or {}

    def __call__(self, uid: str, data: dict) -> dict[str, np.ndarray]:
        speech_S, hop = data["speech"], self.frame_samples
        n_frames = len(speech_S) // hop
        streams = [name for name in ("confidence", "labels") if name in data]
        for name in streams:
            if abs(len(data[name]) - n_frames) > 1:
                raise UserError(
                    f"{self._of(name, uid)}: {len(data[name])} frames, but its audio has "
                    f"{n_frames} of {hop} samples; make the {name} of this data directory again"
                )
        if "labels" in data:
            data["labels"] = self._checked(data["labels"], uid)
        first = 0
        if n_frames > self.crop_frames:
            if self.train:
                first = int(np.random.randint(n_frames - self.crop_frames + 1))
            data["speech"] = speech_S[first * hop : (first + self.crop_frames) * hop]
            for name in streams:
                data[name] = data[name][first : first + self.crop_frames]
        return data

    def _checked(self, labels_TG: np.ndarray, uid: str) -> np.ndarray:
        """Labels as int64. A label outside would end in an index fault deep in the loss."""
        sizes = self.label_sizes
        if labels_TG.ndim != 2 or labels_TG.shape[1] != len(sizes):
            sets = labels_TG.shape[1] if labels_TG.ndim == 2 else "no"
            raise UserError(
                f"{self._of('labels', uid)}: {sets} label sets, but the conf's `sizes` has "
                f"{len(sizes)}; make the labels with --sizes {','.join(map(str, sizes))}"
            )
        labels_TG = labels_TG.astype(np.int64)
        for labels_T, size in zip(labels_TG.T, sizes, strict=True):
            if len(labels_T) and not 0 <= labels_T.min() <= labels_T.max() < size:
                raise UserError(
                    f"{self._of('labels', uid)}: labels {labels_T.min()} to {labels_T.max()}, but "
                    f"the conf's `sizes` has {size}, whose labels are 0 to {size - 1}; "
                    f"make the labels with --sizes {','.join(map(str, sizes))}"
                )
        return labels_TG

    def _of(self, name: str, uid: str) -> str:
        """`dump/train/labels_mfcc_100.scp: labels of UTT`."""
        file = self.files.get(name)
        return f"{file}: {name} of {uid}" if file else f"{name} of {uid}"
