"""Every class of ours under the name a conf calls it by: all that touches ESPnet's tables.

To add a masker, an encoder, a target or a loss: write its file in its room, add its line here.
"""

from __future__ import annotations

import espnet2.tasks.abs_task as espnet_task
import espnet2.tasks.asr as espnet_asr
import espnet2.tasks.lm as espnet_lm
import espnet2.tasks.ssl as espnet_ssl
import espnet2.train.dataset as espnet_dataset

from espnet_ext.data.audio import SpeechDir
from espnet_ext.data.preprocess import TrainingText
from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.encoder.student import StudentView
from espnet_ext.encoder.swap import SwapViews
from espnet_ext.encoder.teacher import EMATeacher
from espnet_ext.encoder.transformer import ContextTransformer
from espnet_ext.encoder.views import OneView
from espnet_ext.frontend.conv2d import Conv2dSubsampling
from espnet_ext.frontend.layer_norm import LatentNorm
from espnet_ext.frontend.wave_cnn import WaveCNN
from espnet_ext.loss.contrastive import ContrastiveLoss
from espnet_ext.loss.diversity import DiversityLoss
from espnet_ext.loss.feature_penalty import FeaturePenalty
from espnet_ext.loss.masked_prediction import MaskedPredictionLoss
from espnet_ext.loss.multicluster import MulticlusterLoss
from espnet_ext.loss.ranking import RankingLoss
from espnet_ext.loss.regression import RegressionLoss
from espnet_ext.masking.confidence import ConfidenceSpans
from espnet_ext.masking.easy_to_hard import EasyToHard
from espnet_ext.masking.inverse_block import InverseBlocks
from espnet_ext.masking.random import RandomSpans
from espnet_ext.model.asr import Recogniser
from espnet_ext.model.lm import LanguageModel
from espnet_ext.schedules import Cosine, Polynomial
from espnet_ext.targets.features import Features
from espnet_ext.targets.gumbel import GumbelQuantiser
from espnet_ext.targets.labels import Labels
from espnet_ext.targets.teacher_average import TeacherAverage

MASKERS = {
    "random": RandomSpans,
    "confidence": ConfidenceSpans,
    "inverse_block": InverseBlocks,
    "easy_to_hard": EasyToHard,
}
VIEWS = {"one": OneView, "swap": SwapViews, "student": StudentView}
TEACHERS = {"ema": EMATeacher}
TARGETS = {
    "gumbel": GumbelQuantiser,
    "features": Features,
    "labels": Labels,
    "teacher_average": TeacherAverage,
}
LOSSES = {
    "contrastive": ContrastiveLoss,
    "diversity": DiversityLoss,
    "feature_penalty": FeaturePenalty,
    "masked_prediction": MaskedPredictionLoss,
    "multicluster": MulticlusterLoss,
    "regression": RegressionLoss,
    "ranking": RankingLoss,
}

FRONTENDS = {"wave_cnn": WaveCNN}
PREENCODERS = {"conv2d": Conv2dSubsampling, "layer_norm": LatentNorm}
ENCODERS = {"context_conformer": ContextConformer, "context_transformer": ContextTransformer}
SCHEDULERS = {"cosine": Cosine, "polynomial": Polynomial}


def register() -> None:
    """Make our classes known to ESPnet. Calling it again changes nothing."""
    for tables in (espnet_ssl, espnet_asr):
        tables.frontend_choices.classes.update(FRONTENDS)
        tables.preencoder_choices.classes.update(PREENCODERS)
        tables.encoder_choices.classes.update(ENCODERS)
    espnet_task.scheduler_classes.update(SCHEDULERS)
    espnet_asr.model_choices.classes["recogniser"] = Recogniser
    espnet_lm.model_choices.classes["language_model"] = LanguageModel
    espnet_asr.preprocessor_choices.classes["training_text"] = TrainingText
    espnet_dataset.DATA_TYPES["speech_dir"] = {
        "func": SpeechDir,
        "kwargs": [],
        "help": "wav.scp of a Kaldi data directory; `segments` beside it are read in place.",
    }
