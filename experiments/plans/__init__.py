"""What is fixed before a run, and what the run will take.

``plan``: question, deciding metric, limits, stopping rule. ``plan_limits``: numbers that cannot be meant.
``sizing``: rows, power and price of certainty. ``projection``: cost and time. ``pricing``: what a call costs.
``token_estimates``: tokens where no provider has counted.
"""
