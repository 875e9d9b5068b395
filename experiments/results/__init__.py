"""From evidence to one verdict; nothing here reads a database.

``analysis_table``: one row per unit, variant and metric. ``analysis`` and ``live_analysis``: table or sums to
comparisons. ``peeking``: how a result may be read. ``decision``: the rule of promotion. ``gate_reports``: results for
CI. ``table_analysis``: ``bakeoff analyse``. ``comparisons/`` and ``verdicts/`` hold their parts.
"""
