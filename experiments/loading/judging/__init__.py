"""Judges by name, the cases they see, and what is known of them."""
