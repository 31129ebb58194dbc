"""Command lines: they parse, and call functions that live elsewhere."""

import sys
from collections.abc import Callable

from espnet_ext.config import UserError


def run_main(main: Callable[[], None]) -> None:
    """Run a command; a fault the user can mend is one line on stderr and exit status 2."""
    try:
        main()
    except UserError as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # `… --help | head`
        sys.exit(0)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
