"""The report in a real browser: its script runs, the replay answers, nothing is fetched, no error is logged."""

import html
import json
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM, PROBE, browse
from small_night import NightStore

from cornerman.report.build import build_report

DRIVE = """
<script>
const stage = document.getElementById("stage");
const press = (key) => stage.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const now = () => ({
  at: Number(document.getElementById("at").value), clock: document.getElementById("clock").textContent,
  left: document.getElementById("fighter-0").getAttribute("transform"),
  health: [0, 1].map((seat) => document.getElementById("act-" + seat).textContent),
  minds: [0, 1].map((seat) => document.getElementById("mind-" + seat).textContent),
});
const seen = {start: now()};
press("ArrowRight"); press("ArrowRight"); seen.right = now();
press("ArrowLeft"); seen.left = now();
const slider = document.getElementById("at");
slider.value = slider.max; slider.dispatchEvent(new Event("input")); seen.end = now();
document.getElementById("play").click(); seen.playing = document.getElementById("play").textContent;
document.getElementById("play").click(); seen.stopped = document.getElementById("play").textContent;
seen.title = document.title;
seen.faults = window.faults;
seen.fetched = performance.getEntriesByType("resource").map((entry) => entry.name);
seen.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const out = document.createElement("pre");
out.id = "probe";
out.textContent = JSON.stringify(seen);
document.body.append(out);
</script>
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian package chromium)")


@pytest.fixture(scope="module")
def text(night_store: NightStore) -> str:
    return build_report(night_store.store, night_store.night)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "size"), [("1", "1000,900"), ("0", "400,800")], ids=["light", "dark phone"])
def test_the_page_runs_without_a_fault_and_fetches_nothing(text: str, tmp_path: Path, scheme: str, size: str) -> None:
    page = tmp_path / "report.html"
    page.write_text(text.replace("<body>", "<body>" + PROBE).replace("</body>", DRIVE + "</body>"))
    done = browse(
        page,
        tmp_path,
        "--dump-dom",
        f"--window-size={size}",
        f"--blink-settings=preferredColorScheme={scheme}",
        "--enable-logging=stderr",
    )
    dom = done.stdout
    probe = dom[dom.index('id="probe">') + len('id="probe">') : dom.rindex("</pre>")]
    seen: dict[str, Any] = json.loads(html.unescape(probe))
    assert seen["faults"] == []
    assert seen["fetched"] == []
    assert "CONSOLE" not in done.stderr
    assert seen["title"] == "The guidance won"
    assert seen["wide"] <= 0, "the page scrolls sideways"
    assert seen["start"]["at"] == 0
    assert seen["left"]["at"] <= seen["right"]["at"]
    assert seen["end"]["at"] > seen["right"]["at"]
    assert seen["end"]["health"] != seen["start"]["health"]
    assert seen["start"]["minds"][0] != seen["end"]["minds"][0]
    assert (seen["playing"], seen["stopped"]) == ("Stop", "Play")
