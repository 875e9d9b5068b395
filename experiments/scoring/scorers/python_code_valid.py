"""The output is Python code."""

from __future__ import annotations

import ast
import warnings

from experiments.scoring.context import ScoringContext
from experiments.scoring.fences import first_fence
from experiments.scoring.reasons import one_line
from experiments.scoring.registry import scorer
from experiments.vocabulary import MetricKind, Score

LONGEST_CODE = 100_000


@scorer(kind=MetricKind.BINARY, main="defines", example={"defines": ["solve"]})
def python_code_valid(ctx: ScoringContext, *, defines: tuple[str, ...] = (), allow_fence: bool = True) -> Score:
    """1 when the output is Python code that the parser of the running Python accepts. Nothing is executed.

    Above 100,000 characters, and where the code is nested too deeply for the parser, no score.

    Options:
        defines: Functions or classes that must be defined at the top level.
        allow_fence: Take the code from the first ``` code fence when there is one.
    """
    code = (first_fence(ctx.output) or ctx.output) if allow_fence else ctx.output
    if len(code) > LONGEST_CODE:
        return Score(None, f"longer than {LONGEST_CODE:,} characters")
    if not code.strip():
        return Score(0.0, "no code")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text is a warning of the parser, and still valid code
            module = ast.parse(code)
    except SyntaxError as error:
        return Score(0.0, one_line(f"line {error.lineno}: {error.msg}" if error.lineno else error.msg))
    except ValueError as error:  # NUL characters and lone surrogates
        return Score(0.0, one_line(str(error)))
    except (RecursionError, MemoryError):
        return Score(None, "nested too deeply for the parser")
    defined = {
        node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    missing = [name for name in defines if name not in defined]
    return Score(0.0, f"does not define {', '.join(missing)}") if missing else Score(1.0)
