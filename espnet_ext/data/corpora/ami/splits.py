"""AMI's full-corpus-ASR partition: which of the 171 meetings is in which set."""

_MEETINGS = {
    "train": """
        EN2001a EN2001b EN2001d EN2001e EN2003a EN2004a EN2005a EN2006a EN2006b EN2009b EN2009c
        EN2009d
        ES2002a ES2002b ES2002c ES2002d ES2003a ES2003b ES2003c ES2003d ES2005a ES2005b ES2005c
        ES2005d ES2006a ES2006b ES2006c ES2006d ES2007a ES2007b ES2007c ES2007d ES2008a ES2008b
        ES2008c ES2008d ES2009a ES2009b ES2009c ES2009d ES2010a ES2010b ES2010c ES2010d ES2012a
        ES2012b ES2012c ES2012d ES2013a ES2013b ES2013c ES2013d ES2014a ES2014b ES2014c ES2014d
        ES2015a ES2015b ES2015c ES2015d ES2016a ES2016b ES2016c ES2016d
        IB4005
        IN1001 IN1002 IN1005 IN1007 IN1008 IN1009 IN1012 IN1013 IN1014 IN1016
        IS1000a IS1000b IS1000c IS1000d IS1001a IS1001b IS1001c IS1001d IS1002b IS1002c IS1002d
        IS1003a IS1003b IS1003c IS1003d IS1004a IS1004b IS1004c IS1004d IS1005a IS1005b IS1005c
        IS1006a IS1006b IS1006c IS1006d IS1007a IS1007b IS1007c IS1007d
        TS3005a TS3005b TS3005c TS3005d TS3006a TS3006b TS3006c TS3006d TS3007a TS3007b TS3007c
        TS3007d TS3008a TS3008b TS3008c TS3008d TS3009a TS3009b TS3009c TS3009d TS3010a TS3010b
        TS3010c TS3010d TS3011a TS3011b TS3011c TS3011d TS3012a TS3012b TS3012c TS3012d
    """,
    "dev": """
        ES2011a ES2011b ES2011c ES2011d
        IB4001 IB4002 IB4003 IB4004 IB4010 IB4011
        IS1008a IS1008b IS1008c IS1008d
        TS3004a TS3004b TS3004c TS3004d
    """,
    "eval": """
        EN2002a EN2002b EN2002c EN2002d
        ES2004a ES2004b ES2004c ES2004d
        IS1009a IS1009b IS1009c IS1009d
        TS3003a TS3003b TS3003c TS3003d
    """,
}
SETS = {name: meetings.split() for name, meetings in _MEETINGS.items()}

# What Kaldi's s5b makes of release 1.6.1 of the annotation (dev, eval: its RESULTS_ihm; train: the
# data directory published as edinburghcstr/ami). 1.6.2 has other times in the non-scenario meetings
# (EN, IB, IN).
KALDI_UTTERANCES = {"train": 108502, "dev": 13098, "eval": 12643}
# Words of what the same scripts make, as ESPnet's egs2/ami/asr1 counts them (its dev lacks 41
# utterances). Kaldi scores 94.5 k and 90.0 k: its glm joins and parts some.
KALDI_WORDS = {"dev": 94802, "eval": 89666}

FIVE_HEADSETS = {"EN2001a", "EN2001d", "EN2001e"}  # the others have four
# no Array1 on the mirror: Kaldi expects 169 files of a microphone, lhotse's download met a 404
LOST_ARRAYS = {"IS1003b", "IS1007d"}
