"""Log of a rule: all goes to its file, an error to the terminal as well, in one line."""

import logging
import sys
from collections.abc import Iterable
from types import TracebackType

from firn.errors import FirnError


def start_log(rule: str, path: str, wildcards: Iterable[str] = ()) -> None:
    """Send log records and the traceback of an uncaught error to the file ``path``.

    Parameters
    ----------
    rule : str
        Name of the rule, which starts every line in the terminal.
    path : str
        File; what an earlier attempt left in it is overwritten.
    wildcards : iterable of str
        Values of the rule's wildcards.
    """
    job = " ".join((rule, *wildcards))
    # On a full disk each line of the log would put a traceback on the terminal.
    logging.raiseExceptions = False
    file = logging.FileHandler(path, mode="w", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter(f"{job}: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[file, terminal], force=True)
    # What it tells below that, it raises as well.
    logging.getLogger("rasterio").setLevel(logging.WARNING)
    logging.captureWarnings(True)

    def report(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        logger = logging.getLogger(job)
        logging.root.removeHandler(terminal)
        logger.error("%s", error, exc_info=(kind, error, traceback))
        label = "error" if isinstance(error, FirnError) else f"defect of firn ({kind.__name__})"
        print(f"{job}: {label}: {error}", f"  see {path}", sep="\n", file=sys.stderr)

    sys.excepthook = report
