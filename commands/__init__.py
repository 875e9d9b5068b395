"""The terminal's front door: each file holds the commands of one subject; ``cli.py`` puts them together."""
