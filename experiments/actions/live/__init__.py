"""Live tests: start, change, stop, record what traffic reports, score and guard it."""
