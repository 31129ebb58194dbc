"""Run NIST's own programs (Debian's package sctk) and give their totals as Kaldi's score files do.

The command is that of Kaldi's recipes. One speaker at a time (AMI's headsets, Switchboard):

    hubscr.pl -V -l english -h hub5 -g glm -r ref.stm hyp.ctm

Several at once (AMI's distant microphones), where asclite lets the words of up to four speakers
come in any order among each other:

    hubscr.pl -V -l english -h rt-stt -a -o4 -m 1:2 -C -B 8192 -g glm -r ref.stm hyp.ctm

hubscr.pl passes both sides through csrfilt.sh with the glm, then calls sclite or asclite with -F
-D. What a recipe leaves out before that is in `rules.py`. In asclite's table the row
`inter_segment_gap` is what was heard where nobody spoke. Of a word such as B-52 csrfilt.sh loses
the 52, which it takes for a confidence; `score_wer --glm` keeps it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from espnet_ext.config import UserError, atomic_write
from espnet_ext.score.kaldi_files import per_spk_lines
from espnet_ext.score.nist_files import (
    Segment,
    check_covered,
    ctm_lines,
    overlaps,
    read_segments,
    read_words,
    stm_lines,
)
from espnet_ext.score.rules import BEFORE_GLM
from espnet_ext.score.wer import ErrorCounts

FETCHED = Path(__file__).resolve().parents[2] / ".cache/deb/sctk/usr/lib/sctk/bin"
INSTALLED = Path("/usr/lib/sctk/bin")
NO_GLM = ';; no rules\n* name "none"\n\x7f => \x7f\n'
# | ami_es2011a_sdm_fee041 |  155   1010 |  778    105    127    169    401    116 |
ROW = re.compile(r"^\s*\|\s*(\S+)\s*\|" + r"\s*(\d+)" * 2 + r"\s*\|" + r"\s*(\d+)" * 6 + r"\s*\|")


@dataclass(frozen=True)
class Options:
    tool: str = "auto"  # sclite, asclite, or asclite where speakers overlap
    rules: str = "nist"  # nist, ami or swbd: what goes before the glm
    glm: Path | None = None  # default: DATA/glm if there
    overlap: int = 4  # speakers at once, asclite
    prefix: str = ""  # only recordings whose file begins so, as eval2000's sw_ and en_
    mode: str = "strict"  # strict, or all: utterances without hypothesis have no words


def find_sctk() -> Path | None:
    """The folder of hubscr.pl, sclite and asclite: $SCTK, or on PATH, Debian's, or fetched."""
    on_path = shutil.which("hubscr.pl")
    named = os.environ.get("SCTK")
    places = [Path(named)] if named else [Path(on_path).parent if on_path else INSTALLED]
    places += [] if named else [INSTALLED, FETCHED]
    return next(
        (p for p in places if (p / "hubscr.pl").is_file() and (p / "sclite").is_file()), None
    )


def need_sctk() -> Path:
    """As `find_sctk`.

    Raises:
        UserError: it is nowhere, or perl is missing; says how to mend that.
    """
    folder = find_sctk()
    if folder is None:
        raise UserError(
            f"sctk: not in $SCTK, on PATH, in {INSTALLED} or .cache/deb/sctk; install Debian's "
            "package sctk, or without root: tools/fetch_deb.sh .cache/deb/sctk sctk"
        )
    if not shutil.which("perl"):
        raise UserError("perl: not on PATH; hubscr.pl of sctk needs it; install perl")
    return folder


def score_nist(data: Path, hyp: Path, out: Path, options: Options | None = None) -> str:
    """Write OUT/{ref.stm,hyp.ctm,glm}, run the program, write OUT/{wer,per_spk}.

    Returns:
        What OUT/wer says.

    Raises:
        UserError: sctk is missing; tables or hypotheses that do not fit; a program that failed.
    """
    options = options or Options()
    sctk = need_sctk()
    before_ref, before_hyp = BEFORE_GLM[options.rules]
    segments = read_segments(data)
    hyps = _read_hypotheses(data, hyp, options.mode)
    stm = stm_lines(data, segments, before_ref)
    check_covered(stm, hyps, segments, data)
    stm, hyps = _only(stm, hyps, segments, options.prefix)
    ctm = ctm_lines(hyps, segments, before_hyp)
    tool = options.tool
    if tool == "auto":
        tool = "asclite" if overlaps(stm) else "sclite"
    remarks = []
    if tool == "asclite" and not ctm:  # all words are deleted, whoever spoke at once
        tool = "sclite"
        remarks = ["# no word in any hypothesis: not asclite, which reads no empty ctm"]
    for name in ("wer", "per_spk"):
        (out / name).unlink(missing_ok=True)
    glm = _glm_text(data, options.glm)
    for name, lines in (("ref.stm", stm), ("hyp.ctm", ctm), ("glm", [glm])):
        with atomic_write(out / name) as file:
            file.writelines(lines)
    _run(sctk, out, tool, options.overlap)
    rows = read_raw(out / "hyp.ctm.filt.raw")
    total = rows.pop("Sum")
    with atomic_write(out / "per_spk") as file:
        file.writelines(per_spk_lines(rows))
    remarks += [
        f"# {tool} of NIST's sctk, rules: {options.rules}, glm: {options.glm or data / 'glm'}"
        + (f", recordings {options.prefix}*" if options.prefix else "")
    ]
    report = [total.rate_line(), total.sentence_line(), f"Scored {total.utts} sentences.", *remarks]
    with atomic_write(out / "wer") as file:
        file.write("\n".join(report) + "\n")
    return "\n".join(report)


def _read_hypotheses(data: Path, hyp: Path, mode: str) -> dict[str, list[str]]:
    hyps = read_words(hyp)
    expected = read_words(data / "text")
    absent = [utt for utt in expected if utt not in hyps]
    extra = [utt for utt in hyps if utt not in expected]
    if extra or (absent and mode == "strict"):
        kind, first = ("not in", extra[0]) if extra else ("missing of", absent[0])
        raise UserError(
            f"{hyp}: {len(extra or absent)} utterances {kind} {data}/text; first: {first}; decode "
            "this set again" + ("" if extra else ", or --mode all to count their words as deleted")
        )
    return hyps


def _only(
    stm: list[str], hyps: dict[str, list[str]], segments: dict[str, Segment], prefix: str
) -> tuple[list[str], dict[str, list[str]]]:
    kept = [line for line in stm if line.startswith(prefix)]
    if not kept:
        raise UserError(f"--prefix {prefix}: no recording of the stm begins so; leave it out")
    return kept, {u: w for u, w in hyps.items() if segments[u].place[0].startswith(prefix)}


def _glm_text(data: Path, given: Path | None) -> str:
    path = given or data / "glm"
    if not given and not path.exists():
        return NO_GLM
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected NIST's glm file") from None


def _run(sctk: Path, out: Path, tool: str, overlap: int) -> None:
    """hubscr.pl in OUT; what it says goes to OUT/hubscr.log."""
    for old in out.glob("*.filt*"):
        old.unlink()
    command = ["perl", str(sctk / "hubscr.pl"), "-V", "-l", "english", "-g", "glm", "-r", "ref.stm"]
    if tool == "asclite":
        command += ["-h", "rt-stt", "-a", f"-o{overlap}", "-m", "1:2", "-C", "-B", "8192"]
    else:
        command += ["-h", "hub5"]
    env = {**os.environ, "PATH": f"{sctk}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C"}
    done = subprocess.run(
        [*command, "hyp.ctm"], cwd=out, env=env, capture_output=True, text=True, errors="replace"
    )
    with atomic_write(out / "hubscr.log") as file:
        file.write(done.stdout + done.stderr)
    if done.returncode or not (out / "hyp.ctm.filt.raw").exists():
        said = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
        raise UserError(f"{out}/hubscr.log: {tool} failed: {said[0] if said else 'no score'}")


def read_raw(path: Path) -> dict[str, ErrorCounts]:
    """Counts by speaker, and `Sum`, of sclite's or asclite's `rsum` report.

    Raises:
        UserError: no Sum in it, or one that its rows do not add up to.
    """
    counts: dict[str, ErrorCounts] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := ROW.match(line):
            utts, words, _, subs, dels, ins, _, wrong = map(int, match.groups()[1:])
            counts[match[1]] = ErrorCounts(subs, ins, dels, words, utts, wrong)
    total = counts.get("Sum")
    if total is None or sum((c for s, c in counts.items() if s != "Sum"), ErrorCounts()) != total:
        raise UserError(f"{path}: no Sum that its rows add up to; see hubscr.log beside it")
    return counts
