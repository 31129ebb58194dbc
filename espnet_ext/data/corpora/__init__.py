"""One module per corpus: from its layout on disk to Kaldi data directories.

`prepare_corpus NAME SRC DST` finds the module by its name. What a module has:

    its docstring          what the corpus is, its layout with two real lines, ids, sets, and where
                           we differ from others; `prepare_corpus NAME --help` shows it
    prepare(src, dst, options)
                           reads SRC, writes DST/<set> with `kaldi_dir.write_data_dir`, prints what
                           came in and what was kept
    add_arguments(parser)  its own options, if it has any
    archives(src, options) what `--download true` fetches to where, if everyone may: a list of
                           `download.Archive`
    OBTAIN                 otherwise: one line on where to get it, and as what to lay it out

What a module keeps to (test/data/test_every_corpus.py asks it of each):

- SRC is only read; audio is never copied or cut (`segments` are read in place).
- The same SRC and options give the same bytes in DST.
- Every fault of a pass is said at once (`findings.Findings`); a set with a fault is not written.
- Counts that the corpus' makers or Kaldi publish are asserted where the whole corpus is meant.
- `options.nj` is how many files may be read at a time.
- What grows with the corpus is streamed: utterances are yielded, not listed.
"""
