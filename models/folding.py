"""Messages for models that know no system role, or want user and assistant to take turns.

Knows nothing about which models those are.
"""

from collections.abc import Sequence

from models.chat import Message, Role

BETWEEN = "\n\n"
"""What stands between texts that become one."""


def folded(messages: Sequence[Message]) -> tuple[Message, ...]:
    """``messages`` without the role of the system: what it says is the beginning of what the user says next.

    Neighbours with one role become one message, so the roles take turns. Nothing is lost and nothing else is added;
    messages that are so already stay as they are.
    """
    texts: list[tuple[Role, list[str]]] = []
    for message in messages:
        role: Role = "user" if message.role == "system" else message.role
        if texts and texts[-1][0] == role:
            texts[-1][1].append(message.content)
        else:
            texts.append((role, [message.content]))
    return tuple(Message(role, BETWEEN.join(filter(None, parts))) for role, parts in texts)
