"""``cornerman explain``: why a player chose what it chose, and whether it was any good."""

from typing import TYPE_CHECKING, Annotated

import typer

from cornerman.options import ConfigFile, Db, Json
from cornerman.terminal import emit, say

if TYPE_CHECKING:
    from cornerman.workplace import Workplace
    from reflect.explain import Facts


def explain(
    episode: Annotated[str, typer.Argument(help="An episode's id; cornerman episodes list shows them.")],
    turn: Annotated[int, typer.Argument(help="The number of the turn; cornerman episodes show EPISODE lists them.")],
    *,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="MODEL", help="Who explains. Default: the model of [reflector], if it is one."),
    ] = None,
    config: ConfigFile = None,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Explain one stored decision: the rule that decided, how such moves turn out, and a strong model's words on it.

    Without a language model ([reflector] model = "analyst") the facts stand alone.

    Example: cornerman explain 0e29bda6aa16da4e23a9 12 --by openai:gpt-6-sol
    """
    from cornerman.explaining import ExplainResult, facts_of
    from cornerman.workplace import settings, workplace
    from episodes.store.store import Store

    with Store.open(settings(db, config).db, write=False) as store:
        game = store.episode(episode).game
    with workplace(db, config, game, write=False) as place:
        known = facts_of(place, episode, turn)
        model = by or place.config.reflector.model
        words = None if model == "analyst" else place.run(lambda: _words(place, model, known))
    if as_json:
        emit(ExplainResult.of(known, model, words))
        return
    say(known.turn.observation)
    for line in known.lines():
        say(line)
    if words is None:
        say("no language model was asked: give one with --by, or under [reflector]")
    else:
        say(f"\n{model} says:\n{words}")


async def _words(place: "Workplace", model: str, known: "Facts") -> str:
    from reflect.explain import in_words

    chat, section = place.players.model(model, "reflector"), place.config.reflector
    return await in_words(chat, place.game, known, section.max_tokens)
