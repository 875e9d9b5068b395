"""The sample project "Support replies": tickets written by hand, prompts, experiments, and what people made of them.

Everything here is text and plain values. ``experiments.actions.sample.load_sample`` plays the story through the
ordinary actions with the simulated models, so that every number in it is a real result of these prompts on these
tickets.
Its raters and customers are rules with a draw (``people``); the names of the raters say so.
"""
