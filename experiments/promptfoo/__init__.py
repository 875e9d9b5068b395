"""A promptfoo configuration → an experiment with its dataset, or one error that names all it cannot express.

promptfoo's prompts times its providers are the variants; its tests are the rows; its deterministic assertions
are scorers. Expected values that differ from test to test become columns.
"""

from experiments.promptfoo.conversion import ConvertedExperiment, convert
from experiments.promptfoo.files import ReadFile

__all__ = ["ConvertedExperiment", "ReadFile", "convert"]
