"""The statistical methods: arrays or sums in, frozen results out, one method per file.

``estimates`` holds what they return, ``methods`` is the one place that chooses between them, and everything
random takes a seed. Nothing here knows a table, a plan or a database.
"""
