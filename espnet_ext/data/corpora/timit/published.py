"""TIMIT's partition, and what is published of its sets."""

from __future__ import annotations

# of TEST's 168 speakers: the core test set (its documentation), and the 50 that others validate on
_CORE = """
FDHC0 FELC0 FJLM0 FMGD0 FMLD0 FNLP0 FPAS0 FPKT0 MBPM0 MCMJ0 MDAB0 MGRT0 MJDH0 MJLN0 MJMP0
MKLT0 MLLL0 MLNT0 MNJM0 MPAM0 MTAS1 MTLS0 MWBT0 MWEW0
"""
_DEV = """
FADG0 FAKS0 FCAL1 FCMH0 FDAC1 FDMS0 FDRW0 FEDW0 FGJD0 FJEM0 FJMG0 FJSJ0 FKMS0 FMAH0 FMML0
FNMR0 FREW0 FSEM0 MAJC0 MBDG0 MBNS0 MBWM0 MCSH0 MDLF0 MDLS0 MDVC0 MERS0 MGJF0 MGLB0 MGWT0
MJAR0 MJFC0 MJSW0 MMDB1 MMDM2 MMJR0 MMWH0 MPDF0 MRCS0 MREB0 MRJM4 MRJR0 MROA0 MRTK0 MRWS1
MTAA0 MTDT0 MTEB0 MTHC0 MWJG0
"""

# set: folder, speakers (None: all), utterances without SA, phones of the 39 (as fairseq's wav2vec-U
# scores them, which prepares as Kaldi does)
SETS = {
    "train": ("TRAIN", None, 3696, 140225),
    "dev": ("TEST", _DEV.split(), 400, 15057),
    "test": ("TEST", _CORE.split(), 192, 7215),
    "test_full": ("TEST", None, 1344, None),
}
SPEAKERS = {"TRAIN": 462, "TEST": 168}
