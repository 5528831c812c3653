"""Replies that decline, and replies without a move that do not: what the declared list must tell apart."""

import pytest

from models.refusals import PATTERNS, looks_like_refusal

DECLINES = (
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, but I can\u2019t assist with that request.",
    "I'm very sorry. That is not something for me.",
    "I am so sorry, I cannot participate in this.",
    "I cannot continue.",
    "I can't continue with this role-play.",
    "I can't role-play violence.",
    "I can`t roleplay hurting another character.",
    "I can not engage in violent scenarios.",
    "I won't do that.",
    "No, I won't.",
    "I will not simulate combat.",
    "I'm not able to help with fighting.",
    "I'm unable to provide a move here.",
    "I am unable to fulfill this request.",
    "I must decline.",
    "I respectfully decline to choose.",
    "I have to refuse.",
    "I refuse to hit anyone.",
    "I'd rather not play this game.",
    "I'm not comfortable with depicting violence.",
    "I am not willing to continue.",
    "As an AI, I don't fight.",
    "As a large language model, I have no body.",
    "This goes against my guidelines.",
    "That violates our content policy.",
    "I don't condone violence, even in games.",
    "The request promotes violence.",
    "I apologize, but this is something I avoid.",
    "Sorry.",
    "Sorry, I do not do this.",
)

NO_REFUSALS = (
    "I can't reach him, so fireball",
    "I cannot block in time; I would throw",
    "He can't help himself.",
    "The opponent refuses to come closer, so wait.",
    "My opponent is unable to block low.",
    "I won't be hit if I stay back",
    "jab",
    "I would use the strongest attack here",
    "Attack! Violence is the answer in this game.",
    "distance=far health=120",
    "I am not sure what is legal here.",
    "An assistant coach would say: guard.",
    "Sorry state of affairs: he has more health.",
    "",
    '{"move": null}',
    "The rules of use of meter are unclear to me",
)


@pytest.mark.parametrize("text", DECLINES)
def test_what_declines(text: str) -> None:
    assert looks_like_refusal(text)
    assert looks_like_refusal(text.upper())
    assert looks_like_refusal(f"Let me think.\n\n{text}") or text.startswith(("Sorry", "No"))


@pytest.mark.parametrize("text", NO_REFUSALS)
def test_what_does_not(text: str) -> None:
    assert not looks_like_refusal(text)


def test_every_pattern_finds_something_of_its_own() -> None:
    """A pattern that no sentence needs cannot be tested, and does not belong in the list."""
    import re

    from models.refusals import APOSTROPHES

    texts = [text.translate(APOSTROPHES) for text in DECLINES]
    for index, pattern in enumerate(PATTERNS):
        others = [re.compile(other, re.IGNORECASE) for at, other in enumerate(PATTERNS) if at != index]
        alone = [
            text
            for text in texts
            if re.search(pattern, text, re.IGNORECASE) and not any(other.search(text) for other in others)
        ]
        assert alone, pattern
