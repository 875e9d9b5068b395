"""Live tests: set up, watch, change."""
