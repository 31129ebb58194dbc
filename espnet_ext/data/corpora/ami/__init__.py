"""AMI: 171 meetings, about 100 hours, mostly by people whose first language is another; CC BY 4.0.

SRC holds the manual annotation 1.6.2 and the audio as the AMI mirror lays it out:

    ami_public_manual_1.6.2/words/ES2011a.A.words.xml    (or annotations/words/…, or words/…)
    ami_public_manual_1.6.2/segments/ES2011a.A.segments.xml
    ami_public_manual_1.6.2/corpusResources/meetings.xml
    amicorpus/ES2011a/audio/ES2011a.Headset-0.wav        --mic ihm: each speaker's own
    amicorpus/ES2011a/audio/ES2011a.Array1-01.wav        --mic sdm: the first distant microphone
    amicorpus/ES2011a/audio/ES2011a.Array1-08.wav        --mic mdm: all eight of the first array;
                                                         IS1003b and IS1007d have none

DST/train_MIC, dev_MIC and eval_MIC are the full-corpus-ASR partition (`splits.py`), cut and
normalised as in Kaldi's s5b recipe (`text.py` has the rules, and where we differ). Utterances:

    AMI_ES2011a_H00_FEE041_0003714_0003915  of speaker AMI_ES2011a_H00_FEE041
    AMI_ES2011a_SDM_FEE041_0003714_0003915  of speaker AMI_ES2011a_SDM_FEE041, in Kaldi of the room

Beside the usual tables: reco2file_and_channel, and for dev and eval stm and glm (`scoring.py`).
Where utterances of one speaker overlap there, the later one begins where the earlier one ends, as
in Kaldi.

MDM takes enhanced audio: `--enhanced DIR`, with MEETING.wav, MEETING.flac or MEETING_MDM8.wav at
any depth. Without it the tables come without wav.scp, and `channels.scp` lists what to enhance:

    AMI_ES2011a_MDM …/ES2011a.Array1-01.wav …/ES2011a.Array1-02.wav …

Kaldi's counts, 108,502 / 13,098 / 12,643 utterances and 94,802 / 89,666 words of dev and eval, are
of release 1.6.1. Where a whole set differs, the table says by how many; above 1 % it is an error.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from espnet_ext.config import UserError, str2bool
from espnet_ext.data.corpora.ami.nxt import Speaker, read_speakers, read_turns
from espnet_ext.data.corpora.ami.recordings import Recordings, first_channels, mirror_files
from espnet_ext.data.corpora.ami.scoring import glm, write_scoring_files
from espnet_ext.data.corpora.ami.splits import KALDI_UTTERANCES, KALDI_WORDS, LOST_ARRAYS, SETS
from espnet_ext.data.corpora.ami.text import utterances
from espnet_ext.data.download import Archive
from espnet_ext.data.findings import Findings
from espnet_ext.data.kaldi_dir import Utterance, write_data_dir, write_table
from espnet_ext.data.meetings import Notes, fit_to_recordings, look_at, spread, write_annotation

URL = "https://groups.inf.ed.ac.uk/ami"
ANNOTATION = "ami_public_manual_1.6.2"
SMOKE_SIZES = {"train": 60, "dev": 12, "eval": 12}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This corpus's own options."""
    parser.add_argument("--mic", choices=("ihm", "sdm", "mdm"), default="ihm")
    parser.add_argument("--sets", type=str.split, default=list(SETS), help="which, in quotes")
    parser.add_argument("--enhanced", type=Path, help="beamformed audio, for --mic mdm")
    parser.add_argument("--glm", type=Path, help="NIST's english.glm, in place of our short list")
    parser.add_argument(
        "--annotation_only",
        type=str2bool,
        default=False,
        help="tables without wav.scp, from no audio at all: to count before 100 GB are fetched",
    )
    parser.add_argument(
        "--complete",
        type=str2bool,
        default=True,
        help="every meeting and file must be there; false: prepare the meetings that are whole",
    )
    parser.add_argument(
        "--size", choices=("full", "smoke"), default="full", help="smoke: a few of one meeting"
    )


def archives(src: Path, options: argparse.Namespace) -> list[Archive]:
    """The annotation, and what the mirror has for these sets and this microphone."""
    found = [Archive(f"{URL}/AMICorpusAnnotations/{ANNOTATION}.zip", src / ANNOTATION, ".")]
    meetings = [] if options.annotation_only else [m for s in options.sets for m in SETS[s]]
    for meeting in meetings:
        for name in mirror_files(meeting, options.mic):
            path = f"amicorpus/{meeting}/audio/{name}"
            found.append(Archive(f"{URL}/AMICorpusMirror/{path}", src / path))
    return found


def prepare(src: Path, dst: Path, options: argparse.Namespace) -> None:
    """Write DST/{train,dev,eval}_MIC.

    Raises:
        UserError: SRC is not AMI; or all that is missing or damaged, in one message.
    """
    findings, notes = Findings(src), Notes()
    annotation = find_annotation(src)
    speakers = read_speakers(annotation)
    recordings = Recordings(
        src, options.mic, options.enhanced, not options.annotation_only, findings
    )
    glm_text = read_glm(options.glm)
    meetings = choose_meetings(annotation, speakers, recordings, options, notes)
    check_speakers(meetings, speakers, notes)
    sets = {}
    for name, wanted in meetings.items():
        utts = list(read_set(annotation, wanted, speakers, recordings, findings, notes))
        sets[name] = utts if name == "train" else end_overlaps(utts, notes)
    with_audio = not options.annotation_only and (options.mic != "mdm" or options.enhanced)
    if with_audio:
        sounds = look_at((utt.wav for utts in sets.values() for utt in utts), findings)
        sets = {name: fit_to_recordings(utts, sounds, notes) for name, utts in sets.items()}
        sets = {name: first_channels(utts, sounds, notes) for name, utts in sets.items()}
    elif not options.annotation_only:
        arrays = [str(p) for ms in meetings.values() for m in ms for p in recordings.array(m)]
        look_at(arrays, findings)
    if options.complete and options.size == "full":
        check_counts(sets, meetings, findings)
    findings.raise_any()
    if options.size == "smoke":
        sets = {name: spread(utts, SMOKE_SIZES[name]) for name, utts in sets.items()}
    for name, utts in sets.items():
        folder = dst / f"{name}_{options.mic}"
        write_tables(folder, utts, with_audio, None if name == "train" else glm_text)
        if options.mic == "mdm" and not with_audio:
            lists = ((m, " ".join(map(str, recordings.array(m)))) for m in meetings[name])
            write_table(folder / "channels.scp", ((f"AMI_{m}_MDM", paths) for m, paths in lists))
    print(summary(sets, meetings, notes))


def find_annotation(src: Path) -> Path:
    """The folder with words, segments and corpusResources.

    Raises:
        UserError: it is not under SRC.
    """
    for place in (ANNOTATION, "ami_public_manual_1.6.1", "annotations", "."):
        if (src / place / "corpusResources/meetings.xml").is_file():
            return src / place
    raise UserError(
        f"{src}: no {ANNOTATION}/corpusResources/meetings.xml, nor in annotations/; expected the "
        "unpacked manual annotation of AMI (--download true fetches it)"
    )


def read_glm(path: Path | None) -> str:
    """The user's rules, or ours."""
    try:
        return path.read_text(encoding="latin-1") if path else glm()
    except OSError as err:
        raise UserError(f"{path}: {err.strerror}; expected a glm file") from None


def choose_meetings(
    annotation: Path,
    speakers: dict[str, dict[str, Speaker]],
    recordings: Recordings,
    options: argparse.Namespace,
    notes: Notes,
) -> dict[str, list[str]]:
    """The meetings of each set: all, or those that are whole where that is enough.

    Raises:
        UserError: no such set, or no meeting of one is there.
    """
    unknown = [name for name in options.sets if name not in SETS]
    if unknown or not options.sets:
        raise UserError(f"--sets {' '.join(unknown)}: expected some of {' '.join(SETS)}")
    sets = {name: list(SETS[name]) for name in options.sets}
    if options.mic != "ihm" and not options.annotation_only:
        for meetings in sets.values():
            for meeting in sorted(LOST_ARRAYS & {*meetings}):
                notes.add("left out: meetings whose array recordings were lost", meeting)
                meetings.remove(meeting)
    if options.complete and options.size == "full":
        return sets
    for name, meetings in sets.items():
        there = [
            meeting
            for meeting in meetings
            if meeting in speakers
            and recordings.are_there(meeting, speakers[meeting])
            and all(
                (annotation / f"segments/{meeting}.{agent}.segments.xml").is_file()
                for agent in speakers[meeting]
            )
        ]
        if not there:
            raise UserError(f"{annotation}: no whole meeting of {name}; first of it: {meetings[0]}")
        if len(there) < len(meetings) and options.size == "full":
            first = next(meeting for meeting in meetings if meeting not in there)
            kind = f"meetings of {name} that are not there, or not whole"
            notes.add(kind, first, len(meetings) - len(there))
        sets[name] = there[:1] if options.size == "smoke" else there
    return sets


def check_speakers(
    meetings: dict[str, list[str]], speakers: dict[str, dict[str, Speaker]], notes: Notes
) -> None:
    """Note people who speak in train and in another set; ids do not show it, they name meetings."""
    names = {
        name: {who.name for meeting in wanted for who in speakers.get(meeting, {}).values()}
        for name, wanted in meetings.items()
    }
    for name in names.keys() - {"train"}:
        both = sorted(names.get("train", set()) & names[name])
        if both:
            notes.add(f"people who speak in train and in {name}", both[0], len(both))


def read_set(
    annotation: Path,
    meetings: list[str],
    speakers: dict[str, dict[str, Speaker]],
    recordings: Recordings,
    findings: Findings,
    notes: Notes,
) -> Iterator[Utterance]:
    """The utterances of these meetings."""
    for meeting in meetings:
        if meeting not in speakers:
            mend = "unpack the annotation again"
            findings.add("meetings that meetings.xml does not have", meeting, mend)
        for path in sorted((annotation / "words").glob(f"{meeting}.*.words.xml")):
            if path.name.split(".")[1] not in speakers.get(meeting, {}):
                notes.add("left out: words files of nobody in meetings.xml", path)
        seen: set[str] = set()
        for agent, speaker in sorted(speakers.get(meeting, {}).items()):
            recording = f"AMI_{meeting}_{recordings.label(speaker)}"
            wav = str(recordings.path(meeting, speaker))
            for turn in read_turns(annotation, meeting, agent, findings, notes):
                cuts = list(utterances(turn))
                if not cuts:
                    where = f"{recording} at {turn.start_sec:.2f} s"
                    notes.add("left out: turns without a word, or of under 10 ms", where)
                for cut in cuts:
                    who = f"{recording}_{speaker.name}"
                    utt = f"{who}_{cut.start_cs:07d}_{cut.end_cs:07d}"
                    if utt in seen:
                        notes.add("left out: utterances that are there already", utt)
                        continue
                    seen.add(utt)
                    start_sec, end_sec = cut.start_cs / 100, cut.end_cs / 100
                    dur_sec = (cut.end_cs - cut.start_cs) / 100
                    yield Utterance(utt, who, wav, dur_sec, cut.text, recording, start_sec, end_sec)


def end_overlaps(utts: list[Utterance], notes: Notes) -> list[Utterance]:
    """Let an utterance begin where the one before it, of the same speaker, ends."""
    kept: list[Utterance] = []
    for utt in sorted(utts, key=lambda utt: utt.utt):
        before = kept[-1] if kept and kept[-1].speaker == utt.speaker else None
        if not before or before.end_sec <= utt.start_sec:
            kept.append(utt)
        elif before.end_sec < utt.end_sec:
            notes.add("utterances that began before the speaker's last one ended", utt.utt)
            dur_sec = utt.end_sec - before.end_sec
            kept.append(replace(utt, start_sec=before.end_sec, dur_sec=dur_sec))
        else:
            notes.add("left out: utterances inside another of the same speaker", utt.utt)
    return kept


def write_tables(
    folder: Path, utts: list[Utterance], with_audio: bool, glm_text: str | None
) -> None:
    """A data directory, or its tables without wav.scp; and what it is scored by, given a glm."""
    files = {utt.recording: f"{Path(utt.wav).stem} A" for utt in utts}
    write_table(folder / "reco2file_and_channel", files.items())
    if glm_text is not None:
        write_scoring_files(folder, utts, glm_text)
    if with_audio:
        write_data_dir(folder, utts)
    else:
        write_annotation(folder, utts)


def is_whole(name: str, meetings: dict[str, list[str]]) -> bool:
    """Whether all meetings of a set are there, so that its counts must be the published ones."""
    return len(meetings[name]) == len(SETS[name])


def check_counts(
    sets: dict[str, list[Utterance]], meetings: dict[str, list[str]], findings: Findings
) -> None:
    """Whole sets must be within 1 % of Kaldi's: else the annotation is another, or not whole."""
    mend = "unpack release 1.6.2 again"
    whole = [name for name in sets if is_whole(name, meetings) and not findings]
    for name in whole:
        for what, count, kaldi in beside_kaldi(name, sets[name]):
            if abs(count - kaldi) > kaldi / 100:
                found = f"{name}, {count} {what}, Kaldi {kaldi}"
                findings.add("sets of another size than Kaldi's", found, mend)


def beside_kaldi(name: str, utts: list[Utterance]) -> list[tuple[str, int, int]]:
    """What is counted, ours and Kaldi's, of a whole set."""
    found = [("utterances", len(utts), KALDI_UTTERANCES[name])]
    if name in KALDI_WORDS:
        found.append(("words", count_words(utts), KALDI_WORDS[name]))
    return found


def count_words(utts: list[Utterance]) -> int:
    """Of all transcripts."""
    return sum(len(utt.text.split()) for utt in utts)


def summary(sets: dict[str, list[Utterance]], meetings: dict[str, list[str]], notes: Notes) -> str:
    """The table of what there is, and every remark."""
    lines = [f"{'':6}{'meetings':>9}{'speakers':>9}{'utterances':>11}{'words':>9}{'hours':>7}"]
    for name, utts in sets.items():
        hours = sum(utt.dur_sec for utt in utts) / 3600
        line = f"{name:6}{len(meetings[name]):9}{len({utt.speaker for utt in utts}):9}"
        line += f"{len(utts):11}{count_words(utts):9}{hours:7.2f}"
        if is_whole(name, meetings):
            counts = beside_kaldi(name, utts)
            more = ", ".join(f"{count - kaldi:+d} {what}" for what, count, kaldi in counts)
            line += f"  ({more} to Kaldi's of release 1.6.1)"
        lines.append(line)
    return "\n".join([*lines, *notes.lines()])
