"""How a model's refusal in words is recognised: a declared list of patterns, and what a provider flags itself.

A provider's own flag (``finish_reason`` "refusal", a blocked request) counts without looking at the text. The patterns
are for the others, and only for a reply that holds no move: one that says "I can't reach him, so fireball" has moved.
The patterns are English; they are searched after typographic apostrophes are made plain, in any case, anywhere in the
text. A new one wants a sentence that it finds, and one that it must not, in tests/models/test_refusals.py.
"""

import re

CANNOT = r"(?:can(?:no|')?t|can not|am not able to|'m not able to|am unable to|'m unable to|won't|will not|wouldn't)"

ACTS = (
    r"(?:help|assist|comply|participate|engage|play|take part|continue|proceed|fulfil|fulfill|provide|do that|do this|"
    r"role-?play|simulate|depict|describe|generate|create|write|produce|support|encourage|promote|condone|choose|"
    r"answer|respond|discuss)"
)

HARM = (
    r"(?:violen(?:ce|t)|harm(?:ful|ing)?|fight(?:ing|s)?|hurt(?:ing)?|attack(?:ing|s)?|combat|weapons?|abus(?:e|ive))"
)

PATTERNS: tuple[str, ...] = (
    rf"\bi {CANNOT} (?:\w+ )?{ACTS}\b",
    rf"\bi{CANNOT} (?:\w+ )?{ACTS}\b",  # "i'm not able to help"
    r"\bi(?: am|'m) (?:\w+ )?(?:uncomfortable|not comfortable|not willing|unwilling|not allowed|not permitted) "
    r"(?:to|with)\b",
    rf"\bi(?: would|'d) (?:rather not|prefer not to|have to (?:decline|refuse))(?: {ACTS})?\b",
    r"\bi(?: must| have to| need to| will| respectfully| politely|'ll have to)? ?(?:respectfully |politely )?"
    r"(?:decline|refuse)\b",
    r"\bi(?: am|'m)(?: so| very| truly)? sorry\b",
    r"\bi apologi[sz]e,? but\b",
    r"^\W*sorry\b[\s.,!]*(?:$|but\b|i\b)",
    r"^\W*(?:no\W+)?i (?:can(?:no|')t|can not|won't|will not)\W*$",
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model|assistant)\b",
    r"\b(?:against|violates?|not allowed (?:by|under)|goes against) (?:my|our|the|openai's|anthropic's) (?:\w+ )?"
    r"(?:guidelines|polic(?:y|ies)|programming|principles|values|rules of use)\b",
    r"\b(?:don't|do not|cannot|can't) (?:\w+ )?(?:condone|promote|encourage|support|engage in|glorify) "
    rf"(?:\w+ )?{HARM}\b",
    r"\b(?:content|request|material|scenario) (?:that )?(?:\w+ )?(?:involves|promotes|depicts|glorifies) "
    rf"(?:\w+ )?{HARM}\b",
)
"""Phrases by which models decline; see the sentences in the test."""

REFUSAL = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS), re.IGNORECASE)

APOSTROPHES = str.maketrans("\u2019\u2018\u02bc\u0060\u00b4\uff07", "''''''")


def looks_like_refusal(text: str) -> bool:
    """Whether ``text``, a reply that holds no move, declines to make one."""
    return REFUSAL.search(text.translate(APOSTROPHES)) is not None
