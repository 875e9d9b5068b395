"""Pieces that pages share. ``show_output`` is the one way in which text of people and models reaches the screen."""
