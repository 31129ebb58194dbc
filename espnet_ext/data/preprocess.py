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


class CropWithConfidence(AbsPreprocessor):
    """Crop long utterances for pre-training; cut their confidences at the same frames.

    Args:
        crop_sec: longest piece kept, at a random place in training and at the beginning in
            validation. Ask2Mask trains on 32 s.
        frame_samples: samples per latent frame; crops begin on a multiple of it.
        sample_rate: in Hz.
    """

    def __init__(self, train: bool, crop_sec: float, frame_samples: int, sample_rate: int):
        super().__init__(train)
        self.frame_samples = frame_samples
        self.crop_frames = int(crop_sec * sample_rate) // frame_samples

    def __call__(self, uid: str, data: dict) -> dict[str, np.ndarray]:
        speech_S, hop = data["speech"], self.frame_samples
        n_frames = len(speech_S) // hop
        if "confidence" in data and abs(len(data["confidence"]) - n_frames) > 1:
            raise UserError(
                f"confidence of {uid}: {len(data['confidence'])} frames, but its audio has "
                f"{n_frames} of {hop} samples; dump the confidences of this data directory again"
            )
        first = 0
        if n_frames > self.crop_frames:
            if self.train:
                first = int(np.random.randint(n_frames - self.crop_frames + 1))
            data["speech"] = speech_S[first * hop : (first + self.crop_frames) * hop]
            if "confidence" in data:
                data["confidence"] = data["confidence"][first : first + self.crop_frames]
        return data
