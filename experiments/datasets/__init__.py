"""Test sets: the bytes of a file → a table of exact text → examples, profiles, matched columns, recorded answers.

``reading.read_table`` is the way in. ``examples.build_examples`` gives what is stored, ``profiles.profile_table``
and ``roles.propose_roles`` what its owner is shown, ``matching.match_columns`` joins columns to prompt variables,
``imported_outputs.read_outputs`` understands answers that were produced elsewhere.
"""
