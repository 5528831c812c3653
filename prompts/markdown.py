"""A prompt as a Markdown file that a person can edit, and back.

Front matter, the base text, then the guidance: one list item a rule, in the rule's own sentence, with its remark
indented below. An item that is no rule becomes a remark, which only large models are shown. What is unchanged keeps its
id, since ids are content hashes; exporting and importing again gives the same prompt. Knows nothing about storage.
"""

from dataclasses import dataclass

from episodes.game import Game
from models.errors import BadInput
from prompts.base import FIELDS, Base, check_turn
from prompts.frontmatter import FENCE, Document, quoted, split
from prompts.prompt import DEFAULT_BUDGET, Budget, CountTokens, GuidanceItem, Prompt, compose, estimate_tokens
from prompts.sentence import read_rule

HEADING = "## Guidance"
_NOTE = "Note: "
"""Marks a remark that would otherwise be read as a rule."""
_INDENT = "  "
_HELP = "<!-- One item a line, first match wins. A remark stands indented below its rule. -->"


@dataclass(frozen=True, slots=True)
class Imported:
    """A prompt read from a file, and what its author should know about how it was read."""

    prompt: Prompt
    notes: tuple[str, ...]


def to_markdown(prompt: Prompt, game: Game) -> str:
    """``prompt`` as a file that ``from_markdown`` reads back to the same prompt."""
    base = prompt.base
    fields = {
        "game": base.game,
        "name": base.name,
        "turn": quoted(base.turn),
        "constrained": "yes" if base.constrained else "no",
        "remarks": "yes" if base.remarks else "no",
        "heading": quoted(base.heading),
        "prompt": prompt.id,
    }
    lines = [FENCE, *(f"{key}: {value}" for key, value in fields.items()), FENCE, "", base.text, "", HEADING, _HELP, ""]
    for item in prompt.items:
        lines += _item_lines(item, game)
    return "\n".join(lines) + "\n"


def _item_lines(item: GuidanceItem, game: Game) -> list[str]:
    if item.rule is not None:
        return [f"- {item.rule.sentence(game)}", *([f"{_INDENT}{item.remark}"] if item.remark else [])]
    plain = read_rule(game, item.remark) is None and not item.remark.startswith(_NOTE)
    return [f"- {'' if plain else _NOTE}{item.remark}"]


def from_markdown(
    text: str,
    game: Game,
    source: str,
    budget: Budget = DEFAULT_BUDGET,
    *,
    count_tokens: CountTokens = estimate_tokens,
) -> Imported:
    """Read a prompt for ``game`` from the text of a file called ``source``.

    Raises ``BadInput`` with the line number for a broken file, another game's prompt, or guidance over ``budget``.
    """
    document = split(text, source, (*FIELDS, "prompt"))
    if document.required("game") != game.name:
        place = f"{source}:{document.lines['game']}"
        raise BadInput(f"{place}: the prompt is for {document.fields['game']}, not for {game.name}: choose that game")
    lines = document.body.split("\n")
    heads = [index for index, line in enumerate(lines) if line.rstrip() == HEADING]
    if not heads:
        raise BadInput(f"{source}: there is no line '{HEADING}'; put one above the list of rules, even if it is empty")
    base = _base(document, "\n".join(lines[: heads[-1]]))
    items, notes = _items(lines, heads[-1] + 1, game, document, base)
    try:
        return Imported(compose(game, base, items, budget, count_tokens), tuple(notes))
    except BadInput as problem:
        raise BadInput(f"{source}: {problem}") from None


def _base(document: Document, text: str) -> Base:
    if not text.strip():
        raise BadInput(
            f"{document.source}:{document.body_line}: the base text is empty; write what the player is told first"
        )
    turn = document.required("turn")
    return Base(
        game=document.required("game"),
        name=document.required("name"),
        text=text.strip(),
        turn=check_turn(turn, f"{document.source}:{document.lines['turn']}"),
        constrained=document.flag("constrained"),
        remarks=document.flag("remarks"),
        heading=document.fields.get("heading", ""),
    )


def _items(
    lines: list[str], start: int, game: Game, document: Document, base: Base
) -> tuple[list[GuidanceItem], list[str]]:
    """The guidance items from line index ``start`` on, and notes about those that are no rules."""
    items: list[GuidanceItem] = []
    notes: list[str] = []
    for index in range(start, len(lines)):
        line, place = lines[index], f"{document.source}:{document.body_line + index}"
        if not line.strip() or (line.startswith("<!--") and line.rstrip().endswith("-->")):
            continue
        try:
            if line.startswith(("- ", "* ")):
                items.append(_item(line[2:].strip(), game))
                if items[-1].rule is None:
                    notes.append(_about_remark(place, base))
            elif line.startswith((_INDENT, "\t")) and items:
                last = items.pop()
                items.append(GuidanceItem(last.rule, f"{last.remark} {line.strip()}", last.origin))
            else:
                raise BadInput(
                    f"expected '- ' and a rule, or an indented remark below one; found {line.strip()[:60]!r}"
                )
        except BadInput as problem:
            raise BadInput(f"{place}: {problem}") from None
    return items, notes


def _item(text: str, game: Game) -> GuidanceItem:
    rule = read_rule(game, text)
    return GuidanceItem(rule) if rule is not None else GuidanceItem(None, text.removeprefix(_NOTE))


def _about_remark(place: str, base: Base) -> str:
    shown = (
        "it is kept as a remark" if base.remarks else f"it is kept, but the base text {base.name!r} shows no remarks"
    )
    return (
        f"{place}: this item is not a rule of the form 'When ..., use ....', so {shown}; only large models read remarks"
    )
