"""The program of one process of a parallel parse: `python -m sources.tables.parse_process 5`.

The number is that of the open socket on which it gets its part, tells of progress, and answers.
"""

import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from sources.tables.parallel import ParsedPart, parse_part


def main() -> None:
    """Parse the part that is asked for; end as soon as nobody listens any more."""
    # whoever started it is interrupted too, and ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ConnectionError), Connection(int(sys.argv[1])) as caller:
        part = caller.recv()
        found: ParsedPart | Exception
        try:
            found = parse_part(part, lambda lines, size: caller.send((lines, size)))
        except Exception as error:  # noqa: BLE001 - the caller raises it
            found = error
        caller.send(found)


if __name__ == "__main__":
    main()
