"""The domain: how a prompt text becomes a promoted winner.

prompt text → rendered request → output → scores and ratings → analysis table → comparisons → decision →
registry → production fetch. Everything here is pure (plain values in, frozen results out) except

* ``completions`` – the only door to model providers,
* ``actions`` – the writes: load, call something pure, save, in one transaction,
* ``views`` – the reads that pages, HTTP and terminal show.
"""
