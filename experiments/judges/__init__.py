"""Models that judge: a rubric, fenced data, strict verdicts, and what is known of how far they can be trusted.

Pure: a judge says which requests a case needs and what their answers come to. ``actions/judge_run.py`` pays for them.
"""

from experiments.judges.case import JudgeCase
from experiments.judges.judge import Judge, JudgeCall, bind_judge, bind_judges, bind_rubric_judge
from experiments.judges.spec import JUDGE, JudgeSpec, judge_spec

__all__ = [
    "JUDGE",
    "Judge",
    "JudgeCall",
    "JudgeCase",
    "JudgeSpec",
    "bind_judge",
    "bind_judges",
    "bind_rubric_judge",
    "judge_spec",
]
