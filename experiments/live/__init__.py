"""Live tests as pure functions and values; nothing here reads a database.

``assignment``: which variant a unit sees. ``layers``: which buckets a test owns. ``config``: all that answering needs.
``events``: exposures, outcomes, calls. ``metrics``: what live traffic is measured by. ``guard``: when a test must stop.
``units``: names of units that name nobody.
"""
