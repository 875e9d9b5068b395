"""Live tests from stored phases, and the sums an analysis stands on."""
