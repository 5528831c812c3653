// The replay of one game; ``replay.load`` shows a game, another one when it is called again.
const replay = (() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const slider = find("at"), clock = find("clock"), play = find("play");
  let players, turns, frames, setting, drawn, last, moments;
  let at = 0, timer = null;

  // Poses: arms and legs by act and phase (0 winding up, 1 out, 2 coming back), facing right.
  const STAND = ["M0 -62L13 -50L20 -62", "M-11 0L0 -38L11 0"];
  const POSES = {
    jab: [["M0 -62L-6 -50L8 -56", "M-14 0L0 -38L12 0"], ["M0 -62L22 -64L44 -64", "M-16 0L0 -38L16 0"]],
    heavy: [["M0 -62L-12 -48", "M-12 0L0 -38L-4 -14"], ["M0 -62L-12 -50", "M-10 0L0 -38L50 -46"]],
    throw: [["M0 -62L10 -70", "M-14 0L0 -38L12 0"], ["M0 -56L20 -70L36 -58M0 -56L22 -48L36 -54", "M-16 0L0 -38L14 0"]],
    fireball: [["M0 -60L-14 -50", "M-16 0L0 -38L12 0"], ["M0 -62L26 -58M0 -54L26 -50", "M-18 0L0 -38L18 0"]],
    uppercut: [["M0 -58L6 -36L16 -44", "M-14 0L0 -30L14 0"], ["M0 -62L14 -84L20 -106", "M-8 0L0 -38L6 -12"]],
    jump: [["M0 -58L10 -46", "M-14 0L0 -28L14 0"], ["M0 -62L14 -70", "M-10 -14L0 -38L30 -18"]],
    guard: [["M0 -58L16 -60L14 -82", "M-14 0L0 -38L10 0"]],
    advance: [["M0 -62L12 -48L20 -56", "M-18 0L0 -38L18 -2"]],
    retreat: [["M0 -62L12 -50L20 -60", "M-20 -2L0 -38L12 0"]],
    super: [["M0 -58L-16 -62", "M-18 0L0 -34L14 0"], ["M0 -62L30 -70L54 -62M0 -54L30 -48L54 -52", "M-22 0L0 -38L26 0"]],
    stunned: [["M0 -60L-16 -44", "M-6 0L0 -38L16 0"]],
  };
  POSES.blocking = POSES.guard;

  const lift = (act, phase, left) => {
    if (act === "uppercut" && phase === 1) return 26;
    if (act !== "jump" || phase === 0) return 0;
    return phase === 1 ? 62 : 10 * Math.min(left, 5) / 5;
  };

  function drawFighter(seat, values) {
    const [x, health, meter, actIndex, phase, left, shot] = values;
    const act = setting.acts[actIndex];
    const poses = POSES[act];
    const [arms, legs] = !poses || phase === 2 && poses.length > 1 ? STAND : poses[Math.min(phase, poses.length - 1)];
    const where = 60 + x * 600 / setting.stage;
    const side = seat === 0 ? 1 : -1;
    const tilt = act === "stunned" ? -16 : act === "super" && phase === 1 ? 10 : 0;
    const fighter = find(`fighter-${seat}`);
    fighter.setAttribute("transform", `translate(${where} ${222 - lift(act, phase, left)}) scale(${side} 1) rotate(${tilt})`);
    find(`arms-${seat}`).setAttribute("d", arms);
    find(`legs-${seat}`).setAttribute("d", legs);
    find(`shield-${seat}`).setAttribute("visibility", act === "guard" || act === "blocking" ? "visible" : "hidden");
    const full = 300 * Math.max(0, health) / setting.health;
    const bar = find(`health-${seat}`);
    bar.setAttribute("width", full);
    if (seat === 0) bar.setAttribute("x", 320 - full);
    find(`meter-${seat}`).setAttribute("width", 300 * meter / setting.meter);
    find(`act-${seat}`).textContent = `${act} · ${health}`;
    const ball = find(`shot-${seat}`);
    ball.setAttribute("visibility", shot >= 0 ? "visible" : "hidden");
    if (shot >= 0) ball.setAttribute("cx", 60 + shot * 600 / setting.stage);
  }

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  function mind(seat, turn) {
    const box = find(`mind-${seat}`);
    if (!box || box.dataset.turn === String(turn ? turn.n : -1)) return;
    box.dataset.turn = String(turn ? turn.n : -1);
    box.replaceChildren();
    if (!turn) return void box.append(element("p", "No decision yet.", "small"));
    const chosen = turn.reply_class === "move" ? turn.move : `${turn.reply_class}${turn.move ? ": " + turn.move : ""}`;
    box.append(element("p", `Decision ${turn.n}, ${turn.latency}: `));
    box.lastChild.append(element("strong", chosen));
    box.append(element("p", turn.situation, "small"), element("pre", turn.observation), element("pre", turn.reply || "(no reply)"));
  }

  const tickAt = (index) => (drawn ? frames[index][0] : index - 1);

  function show(index) {
    at = Math.max(0, Math.min(last, index));
    slider.value = at;
    if (drawn) {
      const frame = frames[at];
      drawFighter(0, frame.slice(1, 8));
      drawFighter(1, frame.slice(8, 15));
      clock.textContent = `${(frame[0] / 60).toFixed(2)} s`;
    } else clock.textContent = `${at} of ${last}`;
    for (let seat = 0; seat < players.length; seat++) {
      const known = turns.filter((turn, n) => turn.seat === seat && (drawn ? turn.tick <= tickAt(at) : n < at));
      mind(seat, known[known.length - 1]);
    }
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  function toggle() {
    if (timer) return stop();
    if (at >= last) show(0);
    play.textContent = "Stop";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => (at >= last ? stop() : show(at + 1)), drawn ? 1000 / setting.rate : 900);
  }

  const step = (by) => {
    stop();
    const target = by > 0 ? moments.find((n) => n > at) : moments.filter((n) => n < at).pop();
    show(target === undefined ? (by > 0 ? last : 0) : target);
  };

  play.addEventListener("click", toggle);
  find("back").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  find("stage").addEventListener("keydown", (event) => {
    if (event.target === slider && event.key.startsWith("Arrow")) return;
    const action = { " ": toggle, ArrowRight: () => step(1), ArrowLeft: () => step(-1) }[event.key];
    if (!action || (event.key === " " && event.target.tagName === "BUTTON")) return;
    event.preventDefault();
    action();
  });

  function load(data) {
    stop();
    ({ players, turns, frames, setting } = data);
    drawn = frames.length > 0;
    last = drawn ? frames.length - 1 : turns.length;
    moments = drawn
      ? [...new Set(turns.map((turn) => frames.findIndex((frame) => frame[0] >= turn.tick)))].filter((n) => n >= 0)
      : Array.from({ length: last + 1 }, (_, n) => n);
    slider.max = last;
    for (let seat = 0; seat < players.length; seat++) delete find(`mind-${seat}`).dataset.turn;
    show(0);
  }

  return { load };
})();
