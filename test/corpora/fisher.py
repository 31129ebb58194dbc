"""Fisher: calls of both parts, two channels of mu-law SPHERE, with LDC's transcripts."""

from pathlib import Path

from corpora import run
from corpora.swbd import write_call

# call -> disc, transcripts
CALLS = {
    "fe_03_00001": ("fe_03_p1_sph1/audio/000", "fe_03_p1_tran/data/trans/000"),
    "fe_03_00002": ("fe_03_p1_sph1/audio/000", "fe_03_p1_tran/data/trans/000"),
    "fe_03_05851": ("fisher_eng_tr_sp_d1/audio/058", "fe_03_p2_tran/data/trans/058"),
}
# what stands beside the words, turn by turn
EXTRAS = ("[laughter] {}", "{} t._v.", "{} [mn]", "(( {} ))")


def lay_out(folder: Path) -> Path:
    """Make folder/{fe_03_p1_sph1,fe_03_p1_tran,fisher_eng_tr_sp_d1,fe_03_p2_tran}."""
    for n, (call, (audio, texts)) in enumerate(CALLS.items()):
        turns, _ = write_call(folder / audio / f"{call}.sph", 3 * n)
        lines = [f"# {call}.sph", "# Transcribed at the LDC", ""]
        for k, (side, words, start_sec, end_sec) in enumerate(turns):
            said = EXTRAS[k % len(EXTRAS)].format(words)
            lines += [f"{start_sec:.2f} {end_sec:.2f} {side}: {said} ", ""]
        path = folder / texts / f"{call}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
    return folder


if __name__ == "__main__":
    run(lay_out)
