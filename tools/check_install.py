"""Checks an installation by using it: a line for each thing that works, a mend for what does not.

Example: .venv/bin/python tools/check_install.py
"""

import importlib
import importlib.metadata
import io
import sys
from collections.abc import Callable

REINSTALL = "rm -rf .venv && make setup"


def check_espnet() -> str:
    found = importlib.metadata.version("espnet")
    if found != "202611":
        raise RuntimeError(f"version {found}, expected 202611")
    for task in ("asr", "ssl"):  # the trainer and all it pulls in
        importlib.import_module(f"espnet2.tasks.{task}")

    return f"espnet {found}"


def check_packages() -> str:
    names = ["kaldiio", "s3prl", "sentencepiece", "soundfile"]
    if sys.version_info < (3, 13):  # the pin says why
        names.append("flashlight.lib.text.decoder")
    for name in names:
        importlib.import_module(name)
    import kaldialign

    errors = kaldialign.edit_distance(["a", "b"], ["a", "c"])["total"]
    if errors != 1:
        raise RuntimeError(f"kaldialign counts {errors} errors between `a b` and `a c`, expected 1")
    return "kaldialign, " + ", ".join(name.split(".")[0] for name in names)


def check_rnnt_loss() -> str:
    """One frame and no label: the loss is -log P(blank), which is log 4 for even logits."""
    import math

    import torch
    import torchaudio

    logits_BTUV = torch.zeros(1, 1, 1, 4)
    one_B, none_B = torch.tensor([1], dtype=torch.int32), torch.tensor([0], dtype=torch.int32)
    targets_BU = torch.zeros(1, 0, dtype=torch.int32)
    loss = torchaudio.functional.rnnt_loss(logits_BTUV, targets_BU, one_B, none_B, blank=0).item()
    if abs(loss - math.log(4)) > 1e-5:
        raise RuntimeError(f"RNN-T loss {loss}, expected {math.log(4)}")
    return f"RNN-T loss (torch {torch.__version__}, torchaudio {torchaudio.__version__})"


def check_kmeans() -> str:
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans

    points_ND = np.array([[0.0, 0.0], [0.1, 0.0], [9.0, 9.0], [9.1, 9.0]])
    labels_N = MiniBatchKMeans(2, n_init=3, random_state=0).fit_predict(points_ND)
    if not (labels_N[0] == labels_N[1] != labels_N[2] == labels_N[3]):
        raise RuntimeError(f"two clear clusters came out as {labels_N.tolist()}")
    return "k-means"


def check_audio() -> str:
    """A second of a 440 Hz tone through G.722 and back must keep its pitch."""
    import av
    import numpy as np

    rate = 16000
    tone_N = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    packed = io.BytesIO()
    with av.open(packed, "w", format="g722") as out:
        stream = out.add_stream("g722", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone_N[None], format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    packed.seek(0)
    with av.open(packed, format="g722") as source:
        back_N = np.concatenate([frame.to_ndarray()[0] for frame in source.decode(audio=0)])
    pitch_hz = np.abs(np.fft.rfft(back_N.astype(float))).argmax() * rate / len(back_N)
    if abs(pitch_hz - 440) > 2:
        raise RuntimeError(f"a 440 Hz tone came back from G.722 at {pitch_hz:.0f} Hz")
    return f"audio: G.722 there and back (av {av.__version__})"


CHECKS: dict[Callable[[], str], str] = {
    check_espnet: REINSTALL,
    check_packages: REINSTALL,
    check_rnnt_loss: f"torchaudio loads only with PyPI's own torch build: {REINSTALL}",
    check_kmeans: REINSTALL,
    check_audio: f"the av wheel carries its codecs; another av may not: {REINSTALL}",
}


def main() -> int:
    failed = 0
    for check, mend in CHECKS.items():
        try:
            print(f"  ok    {check()}", file=sys.stderr)
        except Exception as err:  # whatever goes wrong, the user gets the mend
            failed += 1
            reason = str(err).split("\n")[0] or type(err).__name__
            print(f"  FAIL  {check.__name__}: {reason}; mend: {mend}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
