"""``python -m commands.analyse_one ID``: analyse one experiment and end; a worker starts this when a run is done."""

from __future__ import annotations

import sys

from commands import terminal
from experiments.actions.results.analyse import fresh_analysis


def main() -> None:
    """Analyse the experiment whose id is the argument."""
    store = terminal.store()
    with store.read() as tx:
        name = tx.experiments.get(sys.argv[1]).name
    fresh_analysis(store, name)


if __name__ == "__main__":
    main()
