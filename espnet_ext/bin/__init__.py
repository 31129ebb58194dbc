"""Command lines: they parse, and call functions that live elsewhere."""

import contextlib
import errno
import sys
from collections.abc import Callable
from typing import TextIO

from espnet_ext.config import UserError

# What a system refuses that the user can mend, and how.
REFUSED = {
    errno.EACCES: "ask for the right to it, or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOSPC: "free some space; the same command goes on",
    errno.EDQUOT: "free some space; the same command goes on",
}


def run_main(main: Callable[[], None]) -> None:
    """Run a command; a fault the user can mend is one line on stderr and exit status 2."""
    try:
        with contextlib.redirect_stderr(_WithoutNotice(sys.stderr)):
            main()
    except UserError as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # `… --help | head`
        sys.exit(0)
    except OSError as err:
        if err.errno not in REFUSED:
            raise
        place = f"{err.filename}: " if err.filename else ""
        print(f"error: {place}{err.strerror}; {REFUSED[err.errno]}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(130)


class _WithoutNotice:
    """stderr less one line: ESPnet says when it is imported that flash-attn is not installed, which
    nothing here needs. One that is installed and broken is still told of."""

    def __init__(self, stream: TextIO):
        self.stream, self.left_out = stream, False

    def write(self, text: str) -> int:
        after = self.left_out
        self.left_out = (
            text.startswith("Failed to import Flash Attention")
            and "No module named 'flash_attn'" in text
        )
        if self.left_out or (after and text == "\n"):  # print writes the line's end by itself
            return len(text)
        return self.stream.write(text)

    def __getattr__(self, name: str):
        return getattr(self.stream, name)
