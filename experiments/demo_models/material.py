"""The text that a prompt is about, apart from what the prompt says about it."""

from __future__ import annotations

import re

HTML = "script|style|html|body|div|span|em|strong|ul|ol|li|table|tr|td|th|code|pre|br|img|svg|iframe|title"
FENCED = re.compile(
    rf"<(?P<tag>(?!(?:{HTML})>)[a-z_]{{2,30}})>\s*(?P<tagged>.+?)\s*</(?P=tag)>"
    r"|\"\"\"\s*(?P<quoted>.+?)\s*\"\"\"|```(?:\w*\n)?(?P<code>.+?)```",
    re.DOTALL,
)
NAMED = (
    r"(?:ticket|message|question|problem|text|input|review|e-?mail|complaint|inquiry|anfrage|nachricht|frage|aufgabe"
    r"|pregunta|mensaje|courriel|demande|customer (?:writes|wrote|says|said|asks))"
)
MARKED = re.compile(
    rf"(?:^|\n|[.!?]\s+)(?:[^\n.:!?]{{0,60}}?\b{NAMED}\b[^\n.:!?]{{0,25}}"
    r"|(?:reply to|answer to|solve|summari[sz]e|classify|antworte auf|q))\s*:\s*(?P<material>\S.*)",
    re.DOTALL | re.IGNORECASE,
)
OUTPUT_CUE = re.compile(
    r"\n\s*(?:your |the )?(?:answer|reply|response|label|category|output|json|result|a|summary)\s*:\s*$", re.IGNORECASE
)
ORDER = (
    r"(?:(?:please )?(?:answer|reply|respond|write|say|return|output|give|finish|end|start|begin) "
    r"(?:with|in|only|by|your|the answer|exactly|just|as|auf|a )"
    r"|(?:please )?keep (?:it|your|the)"
    r"|be (?:brief|concise|polite|friendly|short|kind|helpful|clear)"
    r"|think step|let's think|show your|explain your"
    r"|use (?:at most|plain|no more|a |bullet)"
    r"|do(?: not|n't) (?:explain|add|include|mention|use|write|say)"
    r"|only (?:answer|return|output|the)"
    r"|apologi[sz]e|greet |summari[sz]e |classify |choose |pick |solve |translate "
    r"|antworte |réponds |responde "
    r"|one of\b|labels?:|categories:|options:)"
)
LEADING_ORDER = re.compile(rf"{ORDER}|you are |du bist |your task|reply |answer |write ", re.IGNORECASE)
TRAILING_ORDER = re.compile(rf"(?:\n+|(?<=[.!?])\s+)(?i:(?={ORDER}))|\s+(?=[A-Z])(?i:(?={ORDER}))")
"""Where orders begin after the material: a new sentence or line, or a capital letter where no sentence had ended."""
FIRST_CLAUSE = re.compile(r"(?P<clause>[^\n.!?:]{3,160}[.!?:])\s+(?P<rest>\S.*)", re.DOTALL)
SHORTEST_FENCED = 8


def split_material(user: str, *, has_system: bool) -> tuple[str, str]:
    """The material in a user message, and what stands around it.

    Looked for in this order: text between tags, triple quotes or fences; text after a mark like "Ticket:"; with a
    system message the whole message; else the longest paragraph that gives no order; in a single paragraph what
    follows the orders at its beginning, and failing that everything.
    """
    fenced = FENCED.search(user)
    if fenced and len(fenced.group(0)) > SHORTEST_FENCED:
        material = fenced["tagged"] or fenced["quoted"] or fenced["code"] or ""
        return material.strip(), f"{user[: fenced.start()]}\n{user[fenced.end() :]}".strip()
    marked = MARKED.search(user)
    if marked:
        material, after = _without_orders(marked["material"])
        return material, f"{user[: marked.start('material')]}\n{after}".strip()
    if has_system:
        return _without_orders(user)
    paragraphs = [p.strip() for p in re.split(r"\n\s*\n", user) if p.strip()]
    open_ones = [p for p in paragraphs if not LEADING_ORDER.match(p)]
    if len(paragraphs) < 2 or not open_ones:
        before, rest = _leading_orders(user)
        material, after = _without_orders(rest)
        return material, f"{before}\n{after}".strip()
    longest = max([p for p in open_ones if not TRAILING_ORDER.search(p)] or open_ones, key=len)
    material, after = _without_orders(longest)
    return material, "\n".join([*(p for p in paragraphs if p is not longest), after]).strip()


def _leading_orders(text: str) -> tuple[str, str]:
    """The orders at the beginning of a paragraph ("Answer in one word: …"), and the rest, which is never empty."""
    rest = text.strip()
    while (first := FIRST_CLAUSE.fullmatch(rest)) and LEADING_ORDER.match(first["clause"]):
        rest = first["rest"]
    return text.strip()[: len(text.strip()) - len(rest)].strip(), rest


def _without_orders(text: str) -> tuple[str, str]:
    """The text up to the orders at its end ("… Answer with only the number."), and these orders."""
    cue = OUTPUT_CUE.search(text)
    body, after = (text[: cue.start()], text[cue.start() :]) if cue else (text, "")
    order = TRAILING_ORDER.search(body)
    if order and order.start() > 0:
        return body[: order.start()].strip(), f"{body[order.start() :]} {after}".strip()
    return body.strip(), after.strip()
