"""An experiment put together from its rows, its prices, budget and progress."""
