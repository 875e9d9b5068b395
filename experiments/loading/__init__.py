"""Records → the values that actions and views work with: names found, experiments put together. Reads only."""
