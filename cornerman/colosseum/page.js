// The list of games: unpacks the one that is chosen and hands it to the replay.
(() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const packed = JSON.parse(find("games").textContent);
  const chosen = find("choice"), title = find("choice-title"), scene = find("scene");
  const minds = Array.from(document.querySelectorAll(".minds > div"));

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  async function show() {
    const wanted = chosen.value;
    const data = await unpack(packed[wanted]);
    if (chosen.value !== wanted) return;
    title.textContent = data.title;
    if (scene) scene.toggleAttribute("hidden", data.frames.length === 0);
    minds.forEach((box, seat) => {
      box.hidden = seat >= data.players.length;
      if (!box.hidden) box.querySelector("h3").textContent = data.players[seat];
    });
    replay.load(data);
    document.documentElement.dataset.shown = wanted;
  }

  chosen.addEventListener("change", show);
  show();
})();
