"""The WER by which a fine-tuning chooses its checkpoint."""

import pytest
import torch
from espnet2.asr.ctc import CTC
from espnet2.asr.decoder.transducer_decoder import TransducerDecoder
from espnet2.asr_transducer.joint_network import JointNetwork
from espnet2.train.distributed_utils import DistributedOption
from espnet2.train.reporter import Reporter

from espnet_ext.data.kaldi_dir import read_dict
from espnet_ext.decode.greedy import rnnt_greedy
from espnet_ext.encoder.conformer import ContextConformer
from espnet_ext.frontend.conv2d import Conv2dSubsampling
from espnet_ext.model.asr import Recogniser
from espnet_ext.score.wer import word_errors
from espnet_ext.tasks.asr import RecogniserTrainer
from espnet_ext.tasks.training.guards import Guard
from espnet_ext.tasks.training.trainer import SafeOptions

BEST = [["valid", "wer", "min"], ["valid", "loss", "min"]]
TOKENS = ["<blank>", "<unk>", "▁a", "▁b", "c", "<sos/eos>"]


def distance(ref: list[str], hyp: list[str]) -> int:
    row = list(range(len(hyp) + 1))
    for i, word in enumerate(ref, 1):
        last, row[0] = row[0], i
        for j, said in enumerate(hyp, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != said))
    return row[-1]


def words(ids) -> list[str]:
    return "".join(TOKENS[i] for i in ids).replace("▁", " ").split()


def said_by_ctc(model, encoded_BTD, frames_B) -> list[list[int]]:
    rows = []
    for row_TD, n in zip(encoded_BTD, frames_B.tolist(), strict=True):
        path = model.ctc.ctc_lo(row_TD[:n]).argmax(-1)
        rows.append([i for i in torch.unique_consecutive(path).tolist() if i != 0])
    return rows


@pytest.mark.parametrize(("transducer", "ctc_weight"), [(False, 1.0), (True, 0.3), (True, 0.0)])
def test_all_errors_over_all_words_whatever_the_batches(transducer, ctc_weight):
    torch.manual_seed(4)
    n = len(TOKENS)
    model = Recogniser(
        vocab_size=n,
        token_list=TOKENS,
        frontend=None,
        specaug=None,
        normalize=None,
        preencoder=Conv2dSubsampling(10, 2, 16),
        encoder=ContextConformer(16, 16, 1, heads=2, ff_dim=16, kernel=3, dropout=0.0),
        postencoder=None,
        decoder=TransducerDecoder(n, hidden_size=12) if transducer else None,
        joint_network=JointNetwork(n, 16, 12, joint_space_size=8) if transducer else None,
        ctc=CTC(n, 16),
        ctc_weight=ctc_weight,
    ).eval()
    if transducer:
        model.joint_network.lin_out.bias.data[0] -= 0.3  # fewer blanks, more words
    model.count_errors = word_errors
    batch = {
        "speech": 3 * torch.randn(3, 60, 10),
        "speech_lengths": torch.tensor([60, 33, 40]),
        "text": torch.tensor([[2, 3, 4, 2], [3, 2, -1, -1], [2, -1, -1, -1]]),
        "text_lengths": torch.tensor([4, 2, 1]),
    }
    with torch.no_grad():
        encoded_BTD, frames_B = model.encode(batch["speech"], batch["speech_lengths"])
        if model.ctc is None:
            own = model.decoder, model.joint_network, encoded_BTD, frames_B, 0
            hyps = rnnt_greedy(*own)
        else:
            hyps = said_by_ctc(model, encoded_BTD, frames_B)
    refs = [words(row[row >= 0]) for row in batch["text"]]
    errors = sum(distance(ref, words(hyp)) for ref, hyp in zip(refs, hyps, strict=True))
    assert errors not in (0, 6)  # neither perfect nor silent

    options = object.__new__(SafeOptions)  # as a training's: no other option matters here
    options.ngpu, options.no_forward_run, options.use_amp = 0, False, False
    options.guard = Guard()
    for parts in ([slice(0, 3)], [slice(0, 1), slice(1, 3)]):
        batches = [([], {name: x[part] for name, x in batch.items()}) for part in parts]
        reporter = Reporter(1)
        with reporter.observe("valid", 1) as own, torch.no_grad():
            RecogniserTrainer.validate_one_epoch(
                model=model,
                iterator=batches,
                reporter=own,
                options=options,
                distributed_option=DistributedOption(),
            )
        assert reporter.get_value("valid", "wer", 1) == pytest.approx(errors / 6)
    assert "word_errors" not in model.train()(**batch)[1]


def test_the_checkpoint_of_the_least_wer_is_decoded_with(recipe):
    """The WER that validation told of it is that of `decode` and a count of its own."""
    conf = recipe.conf("asr", {"best_model_criterion": BEST})
    options = ["--max_epoch", "3", "--keep_nbest_models", "1"]
    status, lines = recipe.train("asr", conf, "by_wer", *options)
    assert status == 0, lines[-5:]
    exp = recipe.root / "exp/by_wer"
    state = torch.load(exp / "checkpoint.pth", weights_only=False)["reporter"]["stats"]
    wers = {epoch: own["valid"]["wer"] for epoch, own in state.items()}
    best = min(wers, key=wers.get)
    (recipe.root / "greedy.yaml").write_text("output: ctc\n")
    where = ["--data", "data/test", "--out", "exp/by_wer/d", "--nj", "1"]
    for own in (["--job", "1"], ["--merge", "true"]):
        conf = ["--exp", "exp/by_wer", "--config", "greedy.yaml"]
        status, lines = recipe.run("decode", *conf, *where, *own)
        assert status == 0, lines[-5:]
    refs, hyps = read_dict(recipe.root / "data/test/text"), read_dict(exp / "d/text")
    errors = sum(distance(refs[utt].split(), hyps[utt].split()) for utt in refs)
    assert wers[best] == pytest.approx(errors / sum(len(text.split()) for text in refs.values()))

    (exp / "valid.wer.ave.pth").unlink()
    status, lines = recipe.run("decode", *conf, *where, "--job", "1")
    assert status == 2 and "valid.wer.ave.pth: missing" in lines[-1]


def test_the_loss_must_stand_beside_it(recipe):
    conf = recipe.conf("asr", {"best_model_criterion": BEST[:1]})
    status, lines = recipe.train("asr", conf, "wer_alone", "--max_epoch", "1")
    assert status == 2 and "needs model: recogniser, and [valid, loss, min] after it" in lines[-1]
