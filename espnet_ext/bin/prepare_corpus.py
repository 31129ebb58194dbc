"""Turn a corpus on disk into Kaldi data directories.

Examples:
    python -m espnet_ext.bin.prepare_corpus asterisk downloads/asterisk data --nj 4
    python -m espnet_ext.bin.prepare_corpus mini_an4 - data
    python -m espnet_ext.bin.prepare_corpus librispeech downloads data --download true

A corpus is one module of espnet_ext/data/corpora (its __init__ says what is in one);
`prepare_corpus NAME --help` shows its layout and options.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from pathlib import Path

from espnet_ext.bin import run_main
from espnet_ext.config import UserError, str2bool
from espnet_ext.data import corpora


def main() -> None:
    names = sorted(module.name for module in pkgutil.iter_modules(corpora.__path__))
    parser = argparse.ArgumentParser(
        prog="prepare_corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    # Only the corpus that is asked for is imported, so that `--help` is quick.
    wanted = next((arg for arg in sys.argv[1:] if not arg.startswith("-")), None)
    for name in names:
        command = commands.add_parser(name, help=f"espnet_ext/data/corpora/{name}.py")
        command.add_argument("src", metavar="SRC", type=Path, help="where the corpus lies")
        command.add_argument("dst", metavar="DST", type=Path, help="where the data dirs go")
        command.add_argument("--nj", type=int, default=os.cpu_count(), help="files read at a time")
        command.add_argument(
            "--download", type=str2bool, default=False, help="fetch to SRC what is not there"
        )
        command.add_argument(
            "--mirror",
            default=os.environ.get("ESPNET_EXT_MIRROR", ""),
            help="in place of the publisher's https://host [$ESPNET_EXT_MIRROR]",
        )
        if name == wanted:
            module = importlib.import_module(f"{corpora.__name__}.{name}")
            command.description = module.__doc__
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            getattr(module, "add_arguments", lambda _: None)(command)
    options = parser.parse_args()
    module = importlib.import_module(f"{corpora.__name__}.{options.name}")
    if options.download:
        fetch(module, options)
    module.prepare(options.src, options.dst, options)


def fetch(module, options: argparse.Namespace) -> None:
    """Fetch what the module names; raise UserError where the public cannot."""
    if not hasattr(module, "archives"):
        where = getattr(module, "OBTAIN", "its files are not on the network")
        raise UserError(f"--download: {options.name} cannot be fetched; {where}")
    from espnet_ext.data.download import Fetcher

    Fetcher(options.mirror).fetch_all(module.archives(options.src, options))


if __name__ == "__main__":
    run_main(main)
