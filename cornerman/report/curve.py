"""A picture of score over latency: one SVG file that needs nothing else, for light and dark pages."""

from cornerman.format import number, percent, plain
from cornerman.latency import LatencyCurve
from cornerman.terminal import clean

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 24.0, 58.0, 64.0

_STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fff; color: #1c1f23 }
text { fill: currentColor } .small { font-size: 12px; opacity: .8 } .title { font-size: 15px; font-weight: 600 }
.grid { stroke: currentColor; opacity: .15 } .half { stroke: currentColor; opacity: .5; stroke-dasharray: 4 4 }
.band { fill: #0b6e69; opacity: .18 } .line { fill: none; stroke: #0b6e69; stroke-width: 2.5 } .point { fill: #0b6e69 }
@media (prefers-color-scheme: dark) {
  svg { background: #14171a; color: #e6e8ea } .band, .point { fill: #4cc2b8 } .line { stroke: #4cc2b8 }
}
"""


def draw_curve(found: LatencyCurve) -> str:
    """The SVG of what ``cornerman.latency.curve`` found: A's score at each factor, evenly spaced, with its interval."""
    from markupsafe import escape

    points = [(point, point.score) for point in found.points if point.score is not None]
    step = (WIDTH - LEFT - RIGHT) / max(len(points), 1)
    places = [(LEFT + step * (n + 0.5), point, score) for n, (point, score) in enumerate(points)]
    parts = [
        f'<text class="title" x="{LEFT}" y="24">{escape(clean(found.a))} against {escape(clean(found.b))}</text>',
        f'<text class="small" x="{LEFT}" y="42">share of points over latency, {escape(clean(found.game))}; '
        "the band is the 95% interval</text>",
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        kind, y = ("half" if share == 0.5 else "grid"), _y(share)
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="small" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{percent(share)}</text>')
    upper = [f"{x:.1f},{_y(point.high)}" for x, point, _ in places]
    lower = [f"{x:.1f},{_y(point.low)}" for x, point, _ in reversed(places)]
    parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
    line = " ".join(f"{x:.1f},{_y(score)}" for x, _, score in places)
    parts.append(f'<polyline class="line" points="{line}"/>')
    for x, point, score in places:
        words = "waits" if point.factor == 0 else f"{plain(point.factor)}x"
        parts.append(f'<circle class="point" cx="{x:.1f}" cy="{_y(score)}" r="4"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{words}</text>')
        moves = f"{number(point.moves_a)} : {number(point.moves_b)}"
        parts.append(f'<text class="small" x="{x:.1f}" y="{HEIGHT - BOTTOM + 36}" text-anchor="middle">{moves}</text>')
    caption = "latency, and moves a game of the two"
    parts.append(f'<text class="small" x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">{caption}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="score over latency"><style>{_STYLE}</style>{"".join(parts)}</svg>\n'
    )


def _y(share: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)
