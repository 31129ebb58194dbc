"""One module per corpus: from its layout on disk to Kaldi data directories."""
