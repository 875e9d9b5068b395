"""An experiment is created, run and judged; every paid call is on the books before it leaves."""
