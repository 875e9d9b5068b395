"""Answers to word problems: the guessed result, now and then a slip, in the form that the prompt asks for."""

from __future__ import annotations

from experiments.demo_models.arithmetic import Solution, shown, solve
from experiments.demo_models.draws import Draws
from experiments.demo_models.quantities import QUANTITY
from experiments.demo_models.reading import ReadPrompt
from experiments.demo_models.skill import Skill
from experiments.demo_models.wording import either

ASKS = either(
    r"how (?:many|much|old|far|long|tall|fast|big|heavy)\b",
    r"what (?:is|was|are|percent|fraction|number|total)\b",
    r"what'?s the\b",
    r"calculate\b",
    r"find the\b",
    "wie ?viel",
    "combien",
    "cuánt",
)


def asks_for_a_number(material: str) -> bool:
    """Whether a text reads like a problem to calculate: a question for an amount, and at least one number."""
    return ASKS.search(material) is not None and QUANTITY.search(material) is not None


def guessed_result(assignment: ReadPrompt, draws: Draws, skill: Skill) -> Solution | None:
    """What the model makes of the problem, slips included; None without any number."""
    solution = solve(assignment.material, step_by_step=assignment.step_by_step)
    if solution is None:
        return None
    slips = skill.slips_with_steps if assignment.step_by_step else skill.slips
    if len(solution.steps) == 1:
        slips *= 0.2  # a written sum hardly goes wrong
    if not draws.chance("slip", min(0.9, slips * draws.difficulty())):
        return solution
    wrong = draws.pick("wrong", (solution.result + 1, solution.result - 1, solution.result * 2, solution.result / 2))
    return Solution(wrong, solution.steps)


def worked_answer(assignment: ReadPrompt, draws: Draws, skill: Skill) -> str:
    """The answer in words: bare, with the steps, or chatty, as asked and as well as the model follows."""
    solution = guessed_result(assignment, draws, skill)
    if solution is None:
        return "I cannot find a number to calculate with."
    number = shown(solution.result)
    final = f"The answer is {number}."
    if assignment.final_mark and draws.chance("final mark", skill.follows):
        final = f"{assignment.final_mark} {number}"
    if assignment.step_by_step and draws.chance("shows steps", skill.follows):
        return "\n".join([*solution.steps, final])
    if assignment.bare_answer and draws.chance("bare", skill.keeps_format):
        return number if not assignment.final_mark else final
    if not assignment.brief and draws.chance("chatty", 0.2):
        return f"{final} Tell me if you want me to check it in 2 other ways."
    return final
