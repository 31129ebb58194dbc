"""CHiME-6's partition, and what is known of its sessions. Facts of the challenge's data page."""

SETS = {
    name: sessions.split()
    for name, sessions in {
        "train": "S03 S04 S05 S06 S07 S08 S12 S13 S16 S17 S18 S19 S20 S22 S23 S24",
        "dev": "S02 S09",
        "eval": "S01 S21",
    }.items()
}
# CHiME-7 moved these two from train to eval: its results are not CHiME-6's.
CHIME7_EVAL = {"S19", "S20"}

ABSENT_ARRAYS = {("S05", "U03"), ("S05", "U04"), ("S09", "U05"), ("S22", "U03")}
# Kaldi trains without them: P11 drops out, P52 and P54 are unreliable, P53 disconnects
BAD_WORN = {("S03", "P11"), ("S19", "P52"), ("S24", "P53"), ("S24", "P54")}

# seconds from which the sessions are scored, and an end after all of them (Kaldi's track 2)
UEM_START_SEC = {"S01": 0, "S02": 75, "S09": 64, "S21": 59}
UEM_END_SEC = 12000

# Utterances neither [redacted] nor of negative length (data page of CHiME-8, which has this split),
# and their words as Kaldi scores them (its chime6/s5_track1/RESULTS: 58,881 in all)
UTTERANCES = {"train": 79967, "dev": 7437}
WORDS = {
    ("S02", "DINING"): 8288,
    ("S02", "KITCHEN"): 12696,
    ("S02", "LIVING"): 15460,
    ("S09", "DINING"): 5766,
    ("S09", "KITCHEN"): 8911,
    ("S09", "LIVING"): 7760,
}
