"""Messages without a system role, whose roles take turns."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.chat import Message
from models.folding import folded

ROLES = st.sampled_from(("system", "user", "assistant"))
TEXTS = st.text("abc\n", max_size=4)
TALKS = st.lists(st.builds(Message, ROLES, TEXTS), max_size=6)


def test_what_the_system_says_begins_what_the_user_says() -> None:
    talk = [Message("system", "You fight."), Message("user", "far")]
    assert folded(talk) == (Message("user", "You fight.\n\nfar"),)
    longer = [*talk, Message("assistant", "jab"), Message("user", "near"), Message("user", "low")]
    assert folded(longer) == (
        Message("user", "You fight.\n\nfar"),
        Message("assistant", "jab"),
        Message("user", "near\n\nlow"),
    )
    assert folded([Message("system", "You fight.")]) == (Message("user", "You fight."),)
    assert folded([Message("system", ""), Message("user", "far")]) == (Message("user", "far"),)


@given(TALKS)
def test_roles_take_turns_and_nothing_is_lost(talk: list[Message]) -> None:
    found = folded(talk)
    assert all(message.role != "system" for message in found)
    assert all(one.role != other.role for one, other in pairwise(found))
    assert folded(found) == found
    assert [c for m in found for c in m.content if c != "\n"] == [c for m in talk for c in m.content if c != "\n"]
