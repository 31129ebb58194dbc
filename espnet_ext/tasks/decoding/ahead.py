"""What stages ask of a decode conf, and what is wrong with it, before hours of training."""

from __future__ import annotations

from pathlib import Path

from espnet_ext.config import compose
from espnet_ext.decode.conf import needs, output_of, read_conf


def look_ahead(
    config: Path, asr_config: Path | None = None, asr_args: str = "", valid_set: str = ""
) -> dict[str, str]:
    """`needs` of a conf, with `output` told from the recogniser's conf where that is given.

    Args:
        asr_args: further options of the recogniser's training, which may give it CTC.
        valid_set: the recipe's, on which weights may be tuned.

    Raises:
        UserError: a fault of the conf, of its `ngram:` and `tune:`, or with that recogniser.
    """
    conf = read_conf(config)
    if isinstance(conf.ngram, dict):
        from espnet_ext.tasks.ngram import settings_of

        settings_of(config)
    if conf.tune is not None:
        from espnet_ext.tasks.tuning.tune import read_tuning, refuse_test_set
        from espnet_ext.tasks.tuning.tuned_values import published

        tuning = read_tuning(conf, str(config))
        published(list(tuning.init), str(config))
        refuse_test_set(tuning.set or valid_set, valid_set, force=False)
    found = needs(conf)
    if asr_config is not None:
        recogniser, _ = compose(asr_config)
        ctc_weight = (recogniser.get("model_conf") or {}).get("ctc_weight", 1.0)
        has_ctc = ctc_weight != 0 or "ctc_weight" in asr_args
        has_rnnt = recogniser.get("decoder") == "transducer"
        found["output"] = output_of(conf, has_ctc, has_rnnt, str(config))
    return found
