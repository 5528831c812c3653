"""From the view to one HTML file. Every value is escaped; only this package's own style and script are not."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cornerman.report.gather import gather
from cornerman.report.templates import environment
from cornerman.report.view import View
from cornerman.result import as_json
from episodes.store.store import Store

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def build_report(store: Store, night_id: str) -> str:
    """The page of a night; raises ``BadInput`` for a night that is not in the store."""
    return render(gather(store, night_id))


def render(view: View) -> str:
    """The page that shows ``view``."""
    from markupsafe import Markup

    sections = (
        ("strength", "Before and after", view.strength),
        ("guidance", "Guidance", view.guidance),
        ("evidence", "How sure", view.curves),
        ("league", "League", view.matrix),
        ("student", "Student", view.student),
        ("game", "One game", view.game),
        ("costs", "Costs", view.costs),
        ("undo", "Undo", True),
    )
    page = _environment().get_template("page.html")
    css, js = (Markup((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    replay = as_json(view.game) if view.game else None
    return page.render(view=view, sections=sections, replay=replay, css=css, js=js)


@cache
def _environment() -> "Environment":
    return environment(HERE)
