"""Single tries of a prompt or a judge before a run."""
