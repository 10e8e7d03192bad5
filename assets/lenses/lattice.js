/* The lattice lens: the drafter's candidates of each position by rank, and the paths through them.
 *
 * `make.search` and its neighbours state DiffuSpec's pruning and path search (arXiv:2510.02358, equations 7 and 8) a second
 * time, so that other settings can be tried without a request. tests/e2e/test_lattice_lens.py compares them with
 * decoders/methods/diffuspec.py. What they find for other settings than the run's own is SIMULATED: no model was asked.
 */
(function () {
  "use strict";
  const { el, attrs, put, prob, GLYPH } = Unmasked.kit;
  const SVG = "http://www.w3.org/2000/svg";
  const WINDOW = 64, RANKS = 8, LEFT = 52, TOP = 34, ROW = 50, LANE = 56, FAINT = 0.04;
  const WORDS = {
    lattice: "In the lattice.", seen: "A candidate of the call that drafted.",
    mass: "Not in the lattice: better candidates already cover the mass τ = {tau}.",
    limit: "Not in the lattice: over M max = {m_max}, the most candidates per position.",
    end: "Not in the lattice: it lies behind the drafted end of the text.",
    beam: "In the lattice, but fell off the beam: {beam} better paths were kept at this position.",
    elsewhere: "A round in which a causal-consistency path was right", part: "Part of the lattice on screen",
    k_tau: "mass covered", k_m_max: "most candidates", k_beam: "paths kept", k_lam: "drafter's weight", knob: "{sign}, {name}", had: "{value}, the run had {own}",
    simulated: "SIMULATED", simulated_t: "Computed in this browser from the recorded candidates; no model was asked.", reset: "Reset", whatIf: "What if",
    short: "τ = {tau} with M max = {m_max} needs up to k = {m_max} candidates at position {pos}; this run kept {kept}, which cover {covered}. Shown is the last setting that can be computed.",
    missed: " A beam of B = {beam} misses the best path: it would score S = {best} instead of {score}.", more: "{x} more than", less: "{x} less than",
    noCandidates: "This run kept no candidates of its path search: record it again to try other settings.", forced: "SIMULATED: the best path through the two marked tokens scores S = {score}, {against} the path found without them.",
    changed: "SIMULATED: {size} candidates in the lattice, S = {score}. {then}", stays: "The path stays the same.", longer: "The path is {n} tokens long instead of {was}.",
    changes: "The path changes at {n} position, first at {pos}: {token}. {then}|The path changes at {n} positions, first at {pos}: {token}. {then}", insteadOf: "{token} instead of {was}",
    hadAccepted: "The target accepted what stood there.", wouldAccept: "That is the token the target chose there: it would have been accepted.", wouldReject: "The target chose another token there too: it would have been rejected.", never: "The target never reached this position.",
    move: "Move a slider: pruning, beam and path are computed here from the recorded candidates.", noProxy: "This run has no 3-gram (proxy = none): λ changes nothing.",
    label: "Lattice: {sentence} Arrow keys move between candidates, Enter pins, Shift and Enter marks two for a path.", behind: "behind the drafted end",
    ownAt: "The target's own token at {pos}: {token}, p = {p}", verifierAt: "The verifier's own token at {pos}: {token}, p = {p}", ownNote: "The target's own token", verifierNote: "The verifier's own token", atPos: "{token} at position {pos}, p = {p}.",
    bonus: "All drafts before it were accepted: it comes at no extra call.", corrected: "The draft there was turned down; this token takes its place, outside the lattice.",
    target: "target", verifier: "verifier", rank: "rank", pos: "pos",
    drawnOf: "Positions {a} to {b} of {c} to {d} are drawn: drag in the strip, or pin a position, to see others.", drawnWide: "Positions {a} to {b}: drag in the strip or scroll sideways for the rest.",
    drag: "Drag, or use the arrow keys, to move the part of the lattice that is drawn below", sight: "positions {a} to {b} of {c} to {d}",
    edge: "{a} → {b}: the best path through both scores {score}", edgeOdds: "{a} → {b}: {p} × {q}",
    nodeSpoken: "position {pos}, rank {rank}, {token}, probability {p}{state}. {why}", node: "position {pos}, rank {rank}: {token}\nq = {p}\n{why}", nodeNote: "{token} at {pos}, rank {rank}",
    says: "{token}: q = {q}, running S = {s}", says3: "{token}: q = {q}, 3-gram ln P = {causal}, running S = {s}", rival: "On the path {a}. Locally best {b}. Both are scored behind the path's tokens before them.",
    onPath: "on the path", locallyBest: "locally best", position: "position", token: "token", verdict: "verdict", pin: "Pin position {pos}", notJudged: "not judged yet", differs: "Where the path differs",
    tableNote: "q: the drafter's probability. ln P: the 3-gram's. S: the running score. Both tokens are scored behind the path's tokens before them.",
    wider: "SIMULATED: a wider beam of B = {beam} would end with S = {score} (the run had B = {own}).", noWider: "SIMULATED: no beam up to B = {most} would reach the score of the locally best tokens{best} (the run had B = {own}).", widest: "; B = {beam} would end with S = {score}",
    drafter: "Drafter: q = {q}, ln q = {ln}.", after: "3-gram after {before}: ln P = {causal}.",
    adds: "It adds λ ln q = {adds} (λ = {lam}): running S = {from}{plus} = {sum} behind the path's tokens before it.", adds3: "It adds λ ln q + (1 − λ) ln P = {adds} (λ = {lam}): running S = {from}{plus} = {sum} behind the path's tokens before it.",
    through: "The path runs through it and ends with S = {score}.", throughMissed: "The path runs through it and ends with S = {score}; the best of all paths, which the beam missed, has {best}.", bestThrough: "The best path through it scores S = {score}, {against} the path found.",
    ended: "A path that takes it has ended and keeps its sum.", cps: "In the lattice, and on the causal-consistency path (CPS).", targetSaid: "The target: {state}, p = {p}.", verifierSaid: "The verifier: {state}, p = {p}.",
    noPath: "No path to score", noPathEnd: "This candidate lies behind the drafted end: no path reaches it.", noPathRun: "Only a run that searched a path can score one: DiffuSpec does.", onePer: "One token per position", bothAt: "Both stand at position {pos}: a path takes one of them. Mark a candidate of another position.",
    pair: "SIMULATED: a path through {a} and {b}", pairScore: "S = {score}, {against} the path found without them ({found}).", pairWith: "Computed in this browser with τ = {tau}, M max = {m_max}, B = {beam}, λ = {lam}; no model was asked.", pairEnds: "The best path ends before it reaches both.",
    marked: "Marked {token} at {pos}", markSecond: "Mark a second candidate with Shift and a click (Shift and Enter): the score of a path through both is computed.",
    l_area: "area: probability", l_edge: "edge: score of the best path through it", l_out: "not in the lattice", l_run: "{name} as run", l_simulated: "path, SIMULATED", l_verified: "verified prefix", l_rejected: "first rejection", l_unreached: "not reached", l_filled: "filled in", l_own: "the target's own token", l_verifier: "the verifier's own token",
    first: "First round where the path differs (round {n})", firstWon: "First round where the path differs and the target accepts it (round {n})", rounds: "Rounds: how many tokens were proposed and accepted",
    roundsName: "Rounds", proposed: "proposed", acceptedKey: "accepted ✓", differsKey: "≠ path differs from the locally best tokens", differsWon: "≠ path differs from the locally best tokens, ✓ and was accepted there", adl: "length decided for the next draft (ADL)",
    bar: "round {round}: {proposed} proposed, {accepted} accepted{next}{differs}", barNext: ", next length {n}", barDiffers: ", the path differs at {n} position{won}|, the path differs at {n} positions{won}", barWon: ", accepted at {n}",
  };
  const say = Unmasked.words("lattice", WORDS);
  // A recorded run, its step and the position in which a path search chose better than the drafter.
  const ELSEWHERE = ["bundled:code-vowels", 2, 37];
  const KNOBS = [["tau", "τ", 0.05, 1, 0.05], ["m_max", "M max", 1, 15, 1], ["beam", "B", 1, 8, 1], ["lam", "λ", 0, 1, 0.05]];

  // ------------------------------------------------------------------------------------------------ DiffuSpec again
  /** ln P of the last token of an n-gram, read from the rows of `Decide.ngrams` as from an ARPA file. */
  function ngrams(rows) {
    const table = new Map(rows.map(([tokens, logp, weight]) => [tokens.join(), [logp, weight]]));
    return function logp(gram) {
      const row = table.get(gram.join());
      if (row) return row[0];
      const context = table.get(gram.slice(0, -1).join());
      return (context ? context[1] : 0) + logp(gram.slice(1));
    };
  }

  /** Equation 7: how many of the candidates [[token, p], ...] stay, and `short` if more would have to be known. */
  function prune(slot, tau, most) {
    let covered = 0;
    const n = Math.min(slot.length, most);
    for (let m = 0; m < n; m++) {
      covered += slot[m][1];
      if (covered >= tau - 1e-12) return { kept: m + 1, covered, short: false };
    }
    return { kept: n, covered, short: most > slot.length };
  }

  const gain = (q, causal, lam) => lam * Math.log(Math.max(q, 1e-300)) + (1 - lam) * causal;
  const behind = (text, token) => text.slice(-2).concat(token);

  /** Equation 8 by a beam: the path as an index per column with its running scores, and who survived in each column. */
  function search(slots, context, eos, par, logp) {
    const lam = logp ? par.lam : 1;
    let beams = [{ path: [], sums: [0], text: context.slice(-2) }];
    const alive = [];
    for (const slot of slots) {
      const longer = [];
      for (const beam of beams) {
        if (beam.path.length && eos.has(beam.text[beam.text.length - 1])) { longer.push(beam); continue; }
        slot.forEach(([token, q], i) => {
          const score = beam.sums[beam.sums.length - 1] + gain(q, logp ? logp(behind(beam.text, token)) : 0, lam);
          longer.push({ path: beam.path.concat(i), sums: beam.sums.concat(score), text: behind(beam.text, token) });
        });
      }
      // A stable sort: ties go to what the drafter finds more probable.
      longer.sort((a, b) => b.sums[b.sums.length - 1] - a.sums[a.sums.length - 1]);
      beams = longer.slice(0, par.beam);
      alive.push(new Set(beams.filter((b) => b.path.length === alive.length + 1).map((b) => b.path[b.path.length - 1])));
    }
    const best = beams[0];
    return { path: best.path, sums: best.sums.slice(1), score: best.sums[best.sums.length - 1], alive };
  }

  /** For each pair of candidates of neighbouring columns the score of the best path through both: through[i][u][v], column
   *  i - 1 to i. Exact: a score looks two tokens back, so a pair is all that a path needs to remember. */
  function through(slots, context, eos, par, logp) {
    const lam = logp ? par.lam : 1, n = slots.length;
    const add = (i, before, token, q) => gain(q, logp ? logp(before.slice(-2).concat(token)) : 0, lam);
    const ended = (i, u) => i >= 0 && eos.has(slots[i][u][0]);
    const before = []; // before[i][u][v]: the best prefix that ends in u, v
    for (let i = 0; i < n; i++) {
      const left = i ? slots[i - 1] : [null];
      before.push(left.map((_, u) => slots[i].map(([token, q]) => {
        if (!i) return add(0, context, token, q);
        if (ended(i - 1, u)) return -Infinity;
        if (i === 1) return before[0][0][u] + add(1, context.concat(left[u][0]), token, q);
        let best = -Infinity;
        slots[i - 2].forEach(([t], k) => { const s = before[i - 1][k][u]; if (s > -Infinity) best = Math.max(best, s + add(i, [t, left[u][0]], token, q)); });
        return best;
      })));
    }
    const after = []; // after[i][u][v]: the best that can still follow u, v
    for (let i = n - 1; i >= 0; i--) {
      const left = i ? slots[i - 1] : [null];
      after[i] = left.map((a, u) => slots[i].map(([token], v) => {
        if (i === n - 1 || ended(i, v)) return 0;
        let best = -Infinity;
        slots[i + 1].forEach(([next, q], w) => { best = Math.max(best, add(i + 1, (a ? [a[0]] : context).concat(token), next, q) + after[i + 1][v][w]); });
        return best;
      }));
    }
    return before.map((rows, i) => rows.map((row, u) => row.map((s, v) => s + after[i][u][v])));
  }

  // ------------------------------------------------------------------------------------------------ drawing
  function shape(parent, tag, map, text) {
    const node = attrs(document.createElementNS(SVG, tag), map || {});
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }
  const num = (x) => (Number.isFinite(x) ? (Math.round(x * 100) / 100).toFixed(2).replace("-", "−") : "–");
  const radius = (p) => 3 + 10 * Math.sqrt(p);

  function make(stage) {
    const box = stage.box;
    const summary = attrs(el("p", "um-lattice-sentence"), { lang: "en" }), wider = el("p", "um-lattice-wider"), first = attrs(el("button", "um-btn um-lattice-first"), { type: "button" }), elsewhere = attrs(el("button", "um-btn um-lattice-first"), { type: "button" }), changed = el("div", "um-lattice-changed"), strip = el("div", "um-lattice-strip"), legend = el("div", "um-lattice-legend");
    const mini = shape(null, "svg", { class: "um-lattice-mini", role: "slider", tabindex: "0", "aria-orientation": "horizontal" });
    const scroll = el("div", "um-lattice-scroll"), what = el("div", "um-lattice-what"), range = el("p", "um-lattice-range");
    const svg = shape(null, "svg", { class: "um-lattice-svg", role: "group" });
    scroll.append(svg);
    first.addEventListener("click", () => { const bar = telling(roundBars()); if (bar) stage.seek(bar.stop, { pos: bar.where }); });
    elsewhere.addEventListener("click", () => stage.host.go("#run=" + ELSEWHERE[0] + "&lens=lattice&step=" + ELSEWHERE[1] + "&pos=" + ELSEWHERE[2]));
    elsewhere.hidden = true;
    if (stage.host.go && stage.host.knows) Promise.resolve(stage.host.knows(ELSEWHERE[0])).then((known) => { searchable = known; offer(roundBars()); }, () => {});
    box.append(strip, summary, wider, first, elsewhere, changed, legend, mini, scroll, range, what);

    let payload = null, owner = null, own = null, wish = null, nodes = new Map(), picks = [], focus = "", drawn = null, forced = null, origin = null, moved = null, searchable = false, again = false;
    const controls = buildControls();
    function names() {
      put(elsewhere, say("elsewhere"));
      attrs(mini, { "aria-label": say("part") });
      controls.names();
    }
    names();
    const word = (id) => {
      const face = stage.model().face(id);
      if (face.special || face.bytes) return face.text;
      const text = face.text.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/ {4,}/g, (s) => "·×" + s.length).replace(/ /g, "·");
      return text || "∅";
    };
    const against = (score) => say(score > drawn.score + 1e-9 ? "more" : "less", { x: num(Math.abs(drawn.score - score)) });
    const quote = (id) => "‘" + word(id) + "’";

    // ---------------------------------------------------------------------------------------------- what if
    function buildControls() {
      const head = el("div", "um-lattice-whathead"), chip = el("span", "um-prov um-simulated"), caption = el("span", "um-caption"), out = {};
      const reset = attrs(el("button", "um-btn um-lattice-reset"), { type: "button" });
      reset.addEventListener("click", () => { wish = null; forced = null; picks = []; controls.set(); draw(); });
      head.append(caption, chip, reset);
      const row = el("div", "um-lattice-knobs"), said = attrs(el("p", "um-lattice-said"), { "aria-live": "polite" });
      for (const [key, sign, min, max, step] of KNOBS) {
        const label = el("label", "um-lattice-knob"), input = attrs(el("input"), { type: "range", min, max, step }), value = el("output", "", ""), name = el("span");
        const top = el("span", "um-lattice-knobname");
        top.append(el("b", "", sign), name, value);
        label.append(top, input);
        input.addEventListener("input", () => {
          wish = Object.assign({}, own, wish, { [key]: Number(input.value) });
          forced = null; picks = [];
          if (KNOBS.every(([k]) => Math.abs(wish[k] - own[k]) < 1e-9)) wish = null;
          controls.set();
          draw();
        });
        row.append(label);
        out[key] = { input, value, label, name };
      }
      what.append(head, row, said);
      return {
        said, chip, reset,
        names() {
          for (const [node, key] of [[caption, "whatIf"], [chip, "simulated"], [reset, "reset"]]) put(node, say(key));
          chip.title = say("simulated_t");
          for (const [key, sign] of KNOBS) {
            put(out[key].name, say("k_" + key));
            attrs(out[key].input, { "aria-label": say("knob", { sign, name: say("k_" + key) }) });
          }
        },
        set() {
          const par = wish || own || {};
          for (const [key] of KNOBS) {
            const { input, value } = out[key];
            if (own && key === "m_max") input.max = String(Math.max(15, own.m_max));
            if (key in par) { input.value = String(par[key]); value.textContent = String(Math.round(par[key] * 100) / 100); } else value.textContent = "–";
            input.setAttribute("aria-valuetext", own && key in own && par[key] !== own[key] ? say("had", { value: value.textContent, own: own[key] }) : value.textContent);
          }
          reset.disabled = !wish && !forced && !picks.length;
          chip.hidden = !wish && !forced;
        },
        enable(on, lam) {
          for (const [key] of KNOBS) out[key].input.disabled = !on || (key === "lam" && !lam);
          what.classList.toggle("um-lattice-off", !on);
        },
      };
    }

    /** The columns with their fates under `par`, the paths and the edges; `short` is a sentence if they cannot be known. */
    function solve(par) {
      const columns = payload.columns, model = stage.model(), eos = model.eos;
      const inside = columns.filter(([, slot]) => slot.length && slot[0][2] !== "end");
      const event = payload.decide >= 0 ? model.events[payload.decide] : null;
      const logp = event && event.ngrams && event.ngrams.length ? ngrams(event.ngrams) : null;
      const result = { par, logp, columns: inside, path: [], sums: [], alive: null, kept: [], edges: null, short: "" };
      if (!own) return result;
      for (const [pos, slot] of inside) {
        const cut = prune(slot, par.tau, par.m_max);
        // A model of few tokens has no more to keep.
        if (cut.short && slot.reduce((sum, c) => sum + c[1], 0) < 0.9999) {
          result.short = say("short", { tau: par.tau, m_max: par.m_max, pos, kept: slot.length, covered: prob(cut.covered) });
          return result;
        }
        result.kept.push(cut.kept);
      }
      const slots = inside.map(([, slot], i) => slot.slice(0, result.kept[i]));
      Object.assign(result, { slots, ...search(slots, payload.context, eos, par, logp) });
      result.edges = through(slots, payload.context, eos, par, logp);
      // The exact optimum, which a beam may miss.
      result.best = Math.max(...result.edges.flat(2));
      return result;
    }

    const fate = (c, i, k) => {
      if (c[2] === "end" || c[2] === "seen" || !own) return c[2];
      if (k < drawn.kept[i]) return drawn.alive[i] && !drawn.alive[i].has(k) && !drawn.onPath(i, k) ? "beam" : "lattice";
      return k >= drawn.par.m_max ? "limit" : "mass";
    };
    const explain = (why) => say(why, drawn.par || {});

    // ---------------------------------------------------------------------------------------------- the picture
    function draw(fresh) {
      const result = solve(wish || own);
      const short = result.short && drawn && drawn.payload === payload;
      scroll.classList.toggle("um-lattice-short", !!result.short);
      if (!short) drawn = result.short ? solve(own) : result;
      drawn.fresh = fresh;
      drawn.payload = payload;
      drawn.onPath = (i, k) => drawn.path[i] === k;
      tell(result);
      picture();
    }

    const missed = () => (drawn.score < drawn.best - 5e-3 ? say("missed", { beam: drawn.par.beam, best: num(drawn.best), score: num(drawn.score) }) : "");

    /** What the settings change, in words. */
    function tell(result) {
      const recorded = payload.path;
      let said = "";
      if (!own) said = payload.name && !what.hidden ? say("noCandidates") : "";
      else if (result.short) said = result.short;
      else if (forced) said = say("forced", { score: num(forced.score), against: against(forced.score) });
      else if (wish) {
        const differ = result.path.map((k, i) => [i, k]).filter(([i, k]) => !recorded[i] || result.columns[i][1][k][0] !== recorded[i][1]);
        const size = result.kept.reduce((a, b) => a + b, 0);
        let then = "";
        if (!differ.length && result.path.length === recorded.length) then = say("stays") + missed();
        else if (!differ.length) then = say("longer", { n: result.path.length, was: recorded.length });
        else {
          const [i, k] = differ[0], pos = result.columns[i][0], token = result.columns[i][1][k][0];
          const lost = recorded.findIndex((s) => s[2] !== "accepted"), target = payload.own;
          const verdict = lost < 0 || i < lost ? "hadAccepted" : i > lost ? "never" : target && target[0] === pos && target[1] === token ? "wouldAccept" : "wouldReject";
          then = say("changes", { n: differ.length, pos, token: recorded[i] ? say("insteadOf", { token: quote(token), was: quote(recorded[i][1]) }) : quote(token), then: say(verdict) + missed() });
        }
        said = say("changed", { size, score: num(result.score), then });
      } else said = drawn.logp ? say("move") + missed() : say("noProxy");
      put(controls.said, said);
      controls.said.classList.toggle("um-lattice-warn", !!result.short);
      controls.enable(!!own, !!(drawn && drawn.logp));
      controls.set();
    }

    function picture() {
      const cursor = stage.cursor(), all = payload.columns;
      const pinned = all.findIndex(([pos]) => pos === cursor.pos), at = pinned >= 0 ? pinned : Math.max(0, all.findIndex(([pos]) => pos === (ended() || [])[0]));
      const outside = origin === null || (pinned >= 0 && moved !== cursor.pos && (pinned < origin || pinned >= origin + WINDOW));
      if (outside || origin > all.length - WINDOW) origin = Math.max(0, Math.min(all.length - WINDOW, at - WINDOW / 2));
      moved = cursor.pos;
      const from = origin;
      const columns = all.slice(from, from + WINDOW).map((c, i) => ({ pos: c[0], slot: c[1].slice(0, RANKS), more: c[1].length - RANKS, i: from + i }));
      const last = columns.length ? columns[columns.length - 1].pos : 0, ownOutside = payload.own && payload.own[0] > last;
      const n = columns.length + (ownOutside ? 1 : 0), width = Math.max(260, scroll.clientWidth || box.clientWidth || 900);
      const cw = Math.max(60, Math.min(96, Math.floor((width - LEFT - 16) / Math.max(1, n))));
      const ranks = Math.max(1, ...columns.map((c) => c.slot.length)), y0 = TOP + (payload.own ? LANE : 8);
      const W = LEFT + n * cw + 10, H = y0 + ranks * ROW + 26;
      const x = (c) => LEFT + cw * (c + 0.5), y = (k) => y0 + ROW * k + 4;
      attrs(svg, { width: W, height: H, viewBox: "0 0 " + W + " " + H, "aria-label": say("label", { sentence: payload.sentence }) });
      svg.replaceChildren();
      const where = new Map(columns.map((c, i) => [c.pos, i]));
      const defs = shape(svg, "defs"), hatch = shape(defs, "pattern", { id: "um-lattice-hatch-" + stage.player.id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
      shape(hatch, "line", { x1: 0, y1: 0, x2: 0, y2: 7, class: "um-lattice-hatchline" });
      const mark = shape(svg, "rect", { class: "um-lattice-here", y: TOP - 12, height: H - TOP + 6, width: cw, visibility: "hidden" });
      // Behind the end of the draft nothing is searched.
      const tail = columns.findIndex((c) => c.slot.length && c.slot[0][2] === "end");
      if (tail >= 0) {
        shape(svg, "rect", { x: LEFT + tail * cw, y: y0 - 24, width: (columns.length - tail) * cw, height: ranks * ROW + 26, fill: "url(#um-lattice-hatch-" + stage.player.id + ")", class: "um-lattice-tail" });
        shape(svg, "text", { x: LEFT + tail * cw + 6, y: y0 - 30 }, say("behind"));
      }
      const middle = (c, k) => [x(c), y(k)];
      const line = (points, cls, dy) => points.length > 1 && shape(svg, "polyline", { class: cls, points: points.map(([a, b]) => a + "," + (b + (dy || 0))).join(" ") });
      drawEdges(columns, middle);
      // The locally best tokens stand in the first row.
      const searched = columns.filter((c) => c.slot.length && c.slot[0][2] !== "end");
      const greedy = own ? searched.map((c) => middle(where.get(c.pos), 0)) : [];
      line(greedy, "um-lattice-greedy", -17);
      const find = (pos, token) => { const c = where.get(pos), k = c === undefined ? -1 : columns[c].slot.findIndex((t) => t[0] === token); return k < 0 ? null : middle(c, k); };
      const steps = payload.path.map((s) => ({ pos: s[0], token: s[1], state: s[2], node: s[3], q: s[4], p: s[5], spot: find(s[0], s[1]) }));
      const shown = steps.filter((s) => s.spot);
      if (payload.name) {
        const accepted = shown.filter((s) => s.state === "accepted"), past = wish || forced ? " um-lattice-was" : "";
        for (const run of runs(accepted)) {
          if (run.length === 1) shape(svg, "circle", { class: "um-lattice-halo", cx: run[0].spot[0], cy: run[0].spot[1], r: 17 });
          line(run.map((s) => s.spot), "um-lattice-verified");
        }
        const parts = runs(shown);
        for (const run of parts) line(run.map((s) => s.spot), "um-lattice-path" + past);
        // Drafts that do not stand side by side are joined by an arc above what lies between them.
        parts.slice(1).forEach((run, i) => {
          const [a, b] = parts[i][parts[i].length - 1].spot, [c, d] = run[0].spot;
          shape(svg, "path", { class: "um-lattice-jump", d: "M" + a + "," + (b - 12) + " C" + (a + 24) + "," + (b - 38) + " " + (c - 24) + "," + (d - 38) + " " + c + "," + (d - 12) });
        });
        if (payload.own) {
          const [pos, token, why, p] = payload.own, c = ownOutside ? columns.length : where.get(pos);
          if (c !== undefined) {
            const last = accepted.length && accepted.reduce((a, b) => (b.node > a.node ? b : a)), from = last && last.spot, to = [x(c), TOP + 6];
            if (from) shape(svg, "path", { class: "um-lattice-own um-lattice-" + why, d: "M" + from + " C" + (from[0] + cw * 0.5) + "," + from[1] + " " + (to[0] - cw * 0.5) + "," + to[1] + " " + to });
            const g = shape(svg, "g", { class: "um-lattice-target um-lattice-" + why });
            shape(g, "circle", { cx: to[0], cy: to[1], r: 12 });
            shape(g, "text", { x: to[0], y: to[1] + 4, class: "um-lattice-glyph" }, GLYPH[why] || "●");
            label(g, to[0], to[1] + 27, word(token), cw);
            shape(g, "title", {}, say(own ? "ownAt" : "verifierAt", { pos, token: word(token), p: prob(p) }));
            g.addEventListener("click", () => { stage.seek(undefined, { pos }); stage.note(say(own ? "ownNote" : "verifierNote"), [say("atPos", { token: quote(token), pos, p: prob(p) }), say(why === "bonus" ? "bonus" : "corrected")]); });
          }
        }
      }
      if (own && wish && !forced) line(drawn.path.map((k, i) => find(drawn.columns[i][0], drawn.columns[i][1][k][0])).filter(Boolean), "um-lattice-path um-lattice-sim");
      if (forced) line(forced.spots.map(([pos, token]) => find(pos, token)).filter(Boolean), "um-lattice-path um-lattice-sim");
      drawNodes(columns, steps, middle, cw);
      for (const c of columns) {
        const i = where.get(c.pos);
        shape(svg, "text", { x: x(i), y: H - 6, class: "um-lattice-mid" }, String(c.pos));
        if (c.more > 0) shape(svg, "text", { x: x(i), y: H - 19, class: "um-lattice-mid" }, "+" + c.more);
      }
      const ruler = shape(svg, "g", { class: "um-lattice-ruler" });
      shape(ruler, "rect", { x: 0, y: 0, width: LEFT - 2, height: H });
      if (payload.own) shape(ruler, "text", { x: 0, y: TOP + 10 }, say(own ? "target" : "verifier"));
      shape(ruler, "text", { x: 0, y: y0 - 14 }, say("rank"));
      for (let k = 0; k < ranks; k++) shape(ruler, "text", { x: LEFT - 14, y: y(k) + 4, class: "um-lattice-endalign" }, String(k + 1));
      shape(ruler, "text", { x: 0, y: H - 6 }, say("pos"));
      const total = all.length + (ownOutside ? 1 : 0), seen = (width - LEFT) / cw;
      drawn.place = { where, mark, cw, from, total, seen, fits: W <= width && all.length <= WINDOW };
      drawMini(all, steps);
      const slide = () => { ruler.setAttribute("transform", "translate(" + scroll.scrollLeft + ",0)"); windowMini(); };
      scroll.onscroll = slide;
      slide();
      put(range, all.length > columns.length ? say("drawnOf", { a: columns[0].pos, b: last, c: all[0][0], d: all[all.length - 1][0] }) : W > width ? say("drawnWide", { a: columns[0].pos, b: last }) : "");
      drawLegend(steps, tail >= 0);
      drawChanged();
      drawWider();
      follow(cursor, drawn.fresh);
      drawn.fresh = false;
    }

    // ---------------------------------------------------------------------------------------------- the strip
    const MINI = 52;

    /** The whole lattice in a strip, with its paths as lines; only where not all of it is on screen. */
    function drawMini(all, steps) {
      const { fits, total } = drawn.place;
      mini.classList.toggle("um-lattice-hidden", fits);
      if (fits) return;
      const w = Math.max(260, box.clientWidth || 900), ranks = Math.max(2, ...all.map((c) => Math.min(RANKS, c[1].length)));
      const x = (i) => ((i + 0.5) * w) / total, y = (k) => 8 + (Math.min(k, ranks - 1) * (MINI - 16)) / (ranks - 1), index = new Map(all.map(([pos], i) => [pos, i]));
      attrs(mini, { width: w, height: MINI, viewBox: "0 0 " + w + " " + MINI, "aria-valuemin": all[0][0], "aria-valuemax": all[all.length - 1][0] });
      mini.replaceChildren();
      shape(mini, "title", {}, say("drag"));
      const dots = all.flatMap(([, slot], i) => slot.slice(0, RANKS).map((_, k) => "M" + x(i) + " " + y(k) + "h0")).join("");
      shape(mini, "path", { d: dots, class: "um-lattice-dots" });
      const line = (points, cls) => points.length && shape(mini, "polyline", { class: cls, points: (points.length > 1 ? points : [points[0], points[0]]).map((p) => p.join()).join(" ") });
      if (own) line(drawn.columns.map(([pos]) => [x(index.get(pos)), y(0)]), "um-lattice-greedy");
      if (payload.name) {
        const spot = (s) => [x(index.get(s.pos)), y(Math.max(0, all[index.get(s.pos)][1].findIndex((t) => t[0] === s.token)))];
        const known = steps.filter((s) => index.has(s.pos));
        for (const run of runs(known.filter((s) => s.state === "accepted"))) line(run.map(spot), "um-lattice-verified");
        for (const run of runs(known)) line(run.map(spot), "um-lattice-path");
        const lost = known.find((s) => s.state === "rejected");
        if (lost) { const [a, b] = spot(lost); shape(mini, "circle", { cx: a, cy: b, r: 6, class: "um-lattice-lost" }); shape(mini, "text", { x: a, y: b + 3.5, class: "um-lattice-cross" }, GLYPH.rejected); }
      }
      if (own && wish && !forced) line(drawn.path.map((k, i) => [x(index.get(drawn.columns[i][0])), y(k)]), "um-lattice-path um-lattice-sim");
      drawn.place.veils = [shape(mini, "rect", { y: 0, height: MINI, class: "um-lattice-veil" }), shape(mini, "rect", { y: 0, height: MINI, class: "um-lattice-veil" })];
      drawn.place.frame = shape(mini, "rect", { y: 1.5, height: MINI - 3, rx: 3, class: "um-lattice-window" });
    }

    /** The first column in sight, and how many are, both in columns of the whole lattice. */
    const inSight = () => { const { from, cw, seen, total } = drawn.place; return [from + scroll.scrollLeft / cw, Math.min(seen, total)]; };

    function windowMini() {
      if (!drawn || !drawn.place || !drawn.place.frame) return;
      const { total, frame, veils } = drawn.place, [lo, many_] = inSight(), unit = Number(mini.getAttribute("width")) / total, all = payload.columns;
      const a = Math.max(0, lo * unit), b = Math.min(total, lo + many_) * unit, at = (i) => all[Math.max(0, Math.min(all.length - 1, i))][0];
      attrs(frame, { x: a + 1.5, width: Math.max(4, b - a - 3) });
      attrs(veils[0], { x: 0, width: a });
      attrs(veils[1], { x: b, width: Math.max(0, total * unit - b) });
      const first = at(Math.round(lo)), last = at(Math.floor(lo + many_ - 0.5));
      attrs(mini, { "aria-valuenow": first, "aria-valuetext": say("sight", { a: first, b: last, c: all[0][0], d: all[all.length - 1][0] }) });
    }

    /** Brings column `lo` to the left edge. */
    function look(lo) {
      const { total, seen } = drawn.place, n = payload.columns.length;
      lo = Math.max(0, Math.min(total - seen, lo));
      if (n > WINDOW && (lo < origin || lo + seen > origin + WINDOW)) {
        origin = Math.round(Math.max(0, Math.min(n - WINDOW, lo - (WINDOW - seen) / 2)));
        picture();
      }
      scroll.scrollLeft = (lo - drawn.place.from) * drawn.place.cw;
      windowMini();
    }

    let held = 0;
    const under = (e) => { const b = mini.getBoundingClientRect(); return ((e.clientX - b.left) / b.width) * drawn.place.total; };
    mini.addEventListener("pointerdown", (e) => {
      const [lo, n] = inSight(), at = under(e);
      mini.setPointerCapture(e.pointerId);
      held = at >= lo && at <= lo + n ? at - lo : n / 2;
      look(at - held);
    });
    mini.addEventListener("pointermove", (e) => { if (mini.hasPointerCapture(e.pointerId)) look(under(e) - held); });
    mini.addEventListener("keydown", (e) => {
      const [lo, n] = inSight(), page = Math.max(1, Math.floor(n));
      const to = { ArrowLeft: lo - 1, ArrowRight: lo + 1, ArrowUp: lo + 1, ArrowDown: lo - 1, PageUp: lo + page, PageDown: lo - page, Home: 0, End: Infinity }[e.key];
      if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      e.stopPropagation();
      look(Math.round(to));
    });

    /** Steps cut where they do not stand side by side. */
    function runs(steps) {
      const out = [];
      for (const s of steps) {
        const run = out[out.length - 1];
        if (run && run[run.length - 1].pos === s.pos - 1) run.push(s); else out.push([s]);
      }
      return out;
    }

    function drawEdges(columns, middle) {
      const layer = shape(svg, "g", { class: "um-lattice-edges" });
      for (let c = 1; c < columns.length; c++) {
        const left = columns[c - 1], right = columns[c];
        if (right.pos !== left.pos + 1 || right.slot[0] && right.slot[0][2] === "end") continue;
        left.slot.forEach((u, a) => right.slot.forEach((v, b) => {
          let less; // how much the best path through both falls short of the best path
          if (own) {
            const row = drawn.edges[right.i] && drawn.edges[right.i][a];
            if (!row || row[b] === undefined || row[b] === -Infinity) return;
            less = drawn.best - row[b];
          } else less = Math.log(left.slot[0][1] / u[1]) + Math.log(right.slot[0][1] / v[1]);
          const opacity = Math.exp(-Math.max(0, less) / 2);
          if (opacity < FAINT) return;
          const [x1, y1] = middle(c - 1, a), [x2, y2] = middle(c, b);
          const edge = shape(layer, "line", { x1, y1, x2, y2, "stroke-opacity": Math.min(0.75, opacity).toFixed(3) });
          shape(edge, "title", {}, say(own ? "edge" : "edgeOdds", { a: word(u[0]), b: word(v[0]), score: own ? num(drawn.best - less) : "", p: prob(u[1]), q: prob(v[1]) }));
        }));
      }
    }

    function label(parent, cx, cy, text, cw) {
      const room = Math.max(4, Math.floor((cw - 6) / 6.7)), glyphs = Array.from(text);
      return shape(parent, "text", { x: cx, y: cy, class: "um-lattice-token" }, glyphs.length > room ? glyphs.slice(0, room - 1).join("") + "…" : text);
    }

    function drawNodes(columns, steps, middle, cw) {
      nodes = new Map();
      const on = new Map(steps.map((s) => [s.pos + ":" + s.token, s]));
      columns.forEach((c, at) => c.slot.forEach((candidate, k) => {
        const [token, p] = candidate, step = on.get(c.pos + ":" + token), why = fate(candidate, c.i, k), [cx, cy] = middle(at, k);
        const state = step ? step.state : "", out = !step && why !== "lattice" && why !== "seen" && why !== "beam";
        const key = c.pos + ":" + k, g = shape(svg, "g", { class: "um-lattice-node" + (out ? " um-lattice-out" : "") + (state ? " um-lattice-on um-lattice-" + state : ""), role: "button", tabindex: "-1", "data-key": key });
        attrs(g, { "aria-label": say("nodeSpoken", { pos: c.pos, rank: k + 1, token: word(token), p: prob(p), state: state ? ", " + stage.words(state) : "", why: explain(why) }) });
        shape(g, "rect", { x: cx - cw / 2 + 1, y: cy - 18, width: cw - 2, height: ROW - 2, class: "um-lattice-hit" });
        const r = radius(p);
        shape(g, "circle", { cx, cy, r: r + 4, class: "um-lattice-ring" });
        shape(g, "circle", { cx, cy, r, class: "um-lattice-dot" });
        if (state && GLYPH[state] && state !== "unreached") {
          shape(g, "circle", { cx: cx + Math.max(9, r * 0.8), cy: cy - Math.max(8, r * 0.75), r: 7.5, class: "um-lattice-badge" });
          shape(g, "text", { x: cx + Math.max(9, r * 0.8), y: cy - Math.max(8, r * 0.75) + 3.6, class: "um-lattice-glyph um-lattice-smallglyph" }, GLYPH[state]);
        }
        label(g, cx, cy + 25, word(token), cw);
        shape(g, "title", {}, say("node", { pos: c.pos, rank: k + 1, token: word(token), p: prob(p), why: explain(why) }));
        nodes.set(key, { g, c, k, at, candidate, step, why });
        g.addEventListener("click", (e) => choose(key, e.shiftKey));
        g.addEventListener("keydown", (e) => keyed(e, key));
      }));
      const first = nodes.get(focus) || [...nodes.values()].find((v) => v.step) || nodes.values().next().value;
      if (first) first.g.setAttribute("tabindex", "0");
      for (const key of picks) if (nodes.has(key)) nodes.get(key).g.classList.add("um-lattice-picked");
    }

    function keyed(e, key) {
      const here = nodes.get(key), move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "Enter" || e.key === " ") {
        e.preventDefault(); e.stopPropagation();
        return choose(key, e.shiftKey);
      }
      if (!move) return;
      // Inside the lattice the arrow keys belong to it; elsewhere they step through the run.
      e.preventDefault(); e.stopPropagation();
      const to = [...nodes.values()].filter((v) => v.at === here.at + move[0] && (move[0] || v.k === here.k + move[1])).sort((a, b) => Math.abs(a.k - here.k) - Math.abs(b.k - here.k))[0];
      if (!to) return;
      here.g.setAttribute("tabindex", "-1");
      to.g.setAttribute("tabindex", "0");
      to.g.focus();
      focus = to.g.dataset.key;
    }

    function choose(key, add) {
      const node = nodes.get(key);
      focus = key;
      if (add) return pair(key);
      if (picks.length || forced) { picks = []; forced = null; controls.set(); draw(); }
      stage.seek(undefined, { pos: node.c.pos, node: node.step && node.step.node >= 0 ? node.step.node : null, cell: key });
      noteOn(node);
      refocus();
    }

    function noteOn(node) { stage.note(say("nodeNote", { token: quote(node.candidate[0]), pos: node.c.pos, rank: node.k + 1 }), lines(node)); }

    function refocus() { const now = nodes.get(focus); if (now && document.activeElement === document.body) now.g.focus(); }

    /** What candidate k of column i adds behind the path's tokens before it: {before, text, causal, lam, gain, sum}; null if the path ends before. */
    function sums(i, candidate) {
      if (drawn.path.length < i) return null;
      const before = payload.context.concat(drawn.path.slice(0, i).map((j, n) => drawn.columns[n][1][j][0])).slice(-2);
      const causal = drawn.logp ? drawn.logp(behind(before, candidate[0])) : null, lam = drawn.logp ? drawn.par.lam : 1;
      const adds = gain(candidate[1], causal || 0, lam), sum = i ? drawn.sums[i - 1] : 0;
      return { before, causal, lam, adds, from: sum, sum: sum + adds };
    }

    /** Where no path was searched, or none chose a token that was accepted: the way to one that did. */
    function offer(rounds) { elsewhere.hidden = !searchable || !stage.model().finish || rounds.some((b) => b.won); }

    /** Where the recorded path leaves the locally best token: {i, pos, chosen, best, state}, candidates of column i. */
    function differing() {
      if (!own) return [];
      const at = new Map(payload.columns.map(([pos, slot], i) => [pos, [i, slot]]));
      return payload.path.flatMap(([pos, token, state]) => {
        const [i, slot] = at.get(pos) || [-1, []], k = slot.findIndex((c) => c[0] === token);
        return k > 0 && slot[0][2] !== "end" ? [{ i, pos, k, state, chosen: slot[k], best: slot[0] }] : [];
      });
    }

    const says = (c, s) => say(s.causal === null ? "says" : "says3", { token: quote(c[0]), q: prob(c[1]), causal: s.causal === null ? "" : num(s.causal), s: num(s.sum) });

    /** A candidate beside the one that it replaced, or that replaced it. */
    function rival(node) {
      if (wish || forced) return [];
      const change = differing().find((d) => d.pos === node.c.pos && (d.k === node.k || node.k === 0));
      if (!change) return [];
      const a = sums(change.i, change.chosen), b = sums(change.i, change.best);
      if (!a || !b) return [];
      return [say("rival", { a: says(change.chosen, a), b: says(change.best, b) })];
    }

    /** The list under the lattice: each position where the path differs, with both tokens. */
    function drawChanged() {
      const all = wish || forced ? [] : differing();
      changed.hidden = !all.length;
      if (!all.length) return changed.replaceChildren();
      const table = el("table"), head = el("tr"), over = el("tr");
      over.append(el("th", "", ""), attrs(el("th", "", say("onPath")), { colspan: "4", scope: "colgroup" }), attrs(el("th", "", say("locallyBest")), { colspan: "4", scope: "colgroup" }), el("th", "", ""));
      for (const name of [say("position"), say("token"), "q", "ln P", "S", say("token"), "q", "ln P", "S", say("verdict")]) head.append(attrs(el("th", "", name), { scope: "col" }));
      table.append(over, head);
      for (const d of all) {
        const row = el("tr"), go = attrs(el("button", "um-btn", String(d.pos)), { type: "button", "aria-label": say("pin", { pos: d.pos }) });
        go.addEventListener("click", () => { look(d.i - 2); const key = d.pos + ":" + d.k; if (nodes.has(key)) choose(key); });
        const cell = el("td");
        cell.append(go);
        row.append(cell);
        for (const c of [d.chosen, d.best]) {
          const s = sums(d.i, c);
          row.append(el("td", "um-lattice-piece", quote(c[0])), el("td", "", prob(c[1])), el("td", "", s && s.causal !== null ? num(s.causal) : "–"), el("td", "", s ? num(s.sum) : "–"));
        }
        row.append(el("td", "um-lattice-verdict um-lattice-" + d.state, (GLYPH[d.state] ? GLYPH[d.state] + " " : "") + (d.state === "drafted" ? say("notJudged") : stage.words(d.state))));
        table.append(row);
      }
      const frame = attrs(el("div", "um-lattice-table"), { tabindex: "0", role: "region", "aria-label": say("differs") });
      frame.append(table);
      changed.replaceChildren(el("span", "um-caption", say("differs")), frame, el("p", "um-lattice-range", say("tableNote")));
    }

    /** A path that scores less than the locally best tokens: which wider beam would not. */
    function drawWider() {
      wider.hidden = true;
      if (!own || wish || forced || !drawn.slots || !differing().length) return;
      const score = (path) => path.reduce((s, k, i) => { s.sum += gain(drawn.slots[i][k][1], drawn.logp ? drawn.logp(behind(s.text, drawn.slots[i][k][0])) : 0, drawn.logp ? own.lam : 1); s.text.push(drawn.slots[i][k][0]); return s; }, { sum: 0, text: payload.context.slice() }).sum;
      const local = score(drawn.path.map(() => 0)), most = KNOBS.find(([key]) => key === "beam")[3];
      if (drawn.score >= local - 5e-3) return;
      let best = null;
      for (let beam = own.beam + 1; beam <= most; beam++) {
        const found = search(drawn.slots, payload.context, stage.model().eos, Object.assign({}, own, { beam }), drawn.logp);
        if (!best || found.score > best.score + 1e-9) best = { beam, score: found.score };
        if (found.score < local - 5e-3) continue;
        put(wider, say("wider", { beam, score: num(found.score), own: own.beam }));
        wider.hidden = false;
        return;
      }
      put(wider, say("noWider", { most, best: best && best.score > drawn.score + 5e-3 ? say("widest", { beam: best.beam, score: num(best.score) }) : "", own: own.beam }));
      wider.hidden = false;
    }

    /** The numbers of a candidate: what it adds to the path's sum, and why it is on the path or not. */
    function lines(node) {
      const { c, k, candidate, step, why } = node, [token, p] = candidate, out = [];
      out.push(say("drafter", { q: prob(p), ln: num(Math.log(Math.max(p, 1e-300))) }));
      if (own && why !== "end") {
        const i = c.i, s = sums(i, candidate);
        if (s) {
          if (s.causal !== null) out.push(say("after", { before: s.before.map(quote).join(" "), causal: num(s.causal) }));
          out.push(say(s.causal !== null ? "adds3" : "adds", { adds: num(s.adds), lam: s.lam, from: num(s.from), plus: (s.adds < 0 ? " − " : " + ") + num(Math.abs(s.adds)), sum: num(s.sum) }));
        }
        out.push(...rival(node));
        const rows = drawn.edges[i];
        if (rows && k < drawn.kept[i]) {
          const best = Math.max(...rows.map((row) => row[k]));
          out.push(drawn.onPath(i, k) ? say(drawn.score < drawn.best - 1e-6 ? "throughMissed" : "through", { score: num(drawn.score), best: num(drawn.best) }) : say("bestThrough", { score: num(best), against: against(best) }));
        }
        if (stage.model().eos.has(token)) out.push(say("ended"));
      }
      out.push(step && own && !wish ? say("cps") : explain(why));
      if (step && step.state !== "drafted" && step.p >= 0) out.push(say(own ? "targetSaid" : "verifierSaid", { state: stage.words(step.state), p: prob(step.p) }));
      return out;
    }

    /** Two marked candidates: what would the score of a path through both be? */
    function pair(key) {
      const at = nodes.get(key);
      if (at.why === "end" || !own) {
        return stage.note(say("noPath"), [say(own ? "noPathEnd" : "noPathRun")]);
      }
      picks = picks.length === 1 && picks[0] !== key ? [picks[0], key] : [key];
      forced = null;
      if (picks.length === 2) {
        const [a, b] = picks.map((k) => nodes.get(k));
        if (a.c.i === b.c.i) {
          picks = [key];
          stage.note(say("onePer"), [say("bothAt", { pos: a.c.pos })]);
        } else {
          const slots = drawn.columns.map(([, slot], i) => (i === a.c.i ? [a.candidate] : i === b.c.i ? [b.candidate] : slot.slice(0, drawn.kept[i])));
          const found = search(slots, payload.context, stage.model().eos, drawn.par, drawn.logp);
          forced = { score: found.score, spots: found.path.map((k, i) => [drawn.columns[i][0], slots[i][k][0]]) };
          const reach = found.path.length > Math.max(a.c.i, b.c.i);
          stage.note(say("pair", { a: quote(a.candidate[0]), b: quote(b.candidate[0]) }), reach ? [say("pairScore", { score: num(found.score), against: against(found.score), found: num(drawn.score) }), say("pairWith", drawn.par)] : [say("pairEnds")]);
        }
      } else stage.note(say("marked", { token: quote(at.candidate[0]), pos: at.c.pos }), [say("markSecond")]);
      const focused = svg.contains(document.activeElement);
      controls.set();
      draw();
      if (focused && nodes.has(focus)) nodes.get(focus).g.focus();
    }

    function follow(cursor, fresh) {
      if (!drawn || !drawn.place) return;
      const { where, mark, cw } = drawn.place, i = where.get(cursor.pos);
      attrs(mark, i === undefined ? { visibility: "hidden" } : { visibility: "visible", x: LEFT + i * cw });
      for (const [key, v] of nodes) v.g.classList.toggle("um-lattice-pinned", cursor.cell === key || (cursor.cell === null && cursor.node !== null && !!v.step && v.step.node === cursor.node));
      if (i === undefined) return fresh ? face() : undefined;
      const a = LEFT + i * cw, view = scroll.clientWidth;
      if (a - LEFT < scroll.scrollLeft || a + cw > scroll.scrollLeft + view) scroll.scrollLeft = Math.max(0, a - view / 2);
    }

    /** What ended the round, or the first draft. */
    function ended() {
      const steps = payload.path;
      return steps.find((s) => s[2] === "rejected") || steps.find((s) => s[2] !== "accepted") || steps[0];
    }

    /** Nothing is pinned: what ended the round comes into sight. */
    function face() {
      const { where, cw } = drawn.place, lost = ended();
      const i = lost ? where.get(lost[0]) : undefined;
      if (i === undefined) return;
      const a = LEFT + (i + 1) * cw, view = scroll.clientWidth;
      scroll.scrollLeft = a + cw * 3 > view ? a + cw * 3 - view : 0;
    }

    // ---------------------------------------------------------------------------------------------- legend, strip
    function drawLegend(steps, tail) {
      legend.replaceChildren();
      const entry = (text, paint, w) => {
        const item = el("span", "um-lattice-key"), s = shape(null, "svg", { width: w || 26, height: 18, viewBox: "0 0 " + (w || 26) + " 18", "aria-hidden": "true" });
        paint(s);
        item.append(s, el("span", "", text));
        legend.append(item);
      };
      const dot = (s, cx, r, cls) => { const g = shape(s, "g", { class: "um-lattice-node " + (cls || "") }); shape(g, "circle", { cx, cy: 9, r, class: "um-lattice-dot" }); return g; };
      const stroke = (cls) => (s) => shape(s, "line", { x1: 1, y1: 9, x2: 25, y2: 9, class: cls });
      const badge = (state) => (s) => { const g = dot(s, 13, 8, "um-lattice-on um-lattice-" + state); shape(g, "text", { x: 13, y: 13, class: "um-lattice-glyph" }, GLYPH[state]); };
      entry(say("l_area"), (s) => { dot(s, 8, radius(0.1) * 0.75); dot(s, 26, radius(0.9) * 0.68); }, 38);
      if (own) entry(say("l_edge"), (s) => { const g = shape(s, "g", { class: "um-lattice-edges" }); shape(g, "line", { x1: 1, y1: 5, x2: 25, y2: 5, "stroke-opacity": 0.75 }); shape(g, "line", { x1: 1, y1: 13, x2: 25, y2: 13, "stroke-opacity": 0.25 }); });
      if (own || tail) entry(say("l_out"), (s) => dot(s, 13, 6, "um-lattice-out"));
      if (own) entry(say("locallyBest"), stroke("um-lattice-greedy"));
      if (payload.name) entry(wish || forced ? say("l_run", { name: payload.name }) : payload.name, stroke("um-lattice-path" + (wish || forced ? " um-lattice-was" : "")));
      if (wish || forced) entry(say("l_simulated"), stroke("um-lattice-path um-lattice-sim"));
      const states = new Set(steps.map((s) => s.state));
      if (states.has("accepted")) entry(say("l_verified"), (s) => { stroke("um-lattice-verified")(s); badge("accepted")(s); });
      if (states.has("rejected")) entry(say("l_rejected"), badge("rejected"));
      if (states.has("unreached")) entry(say("l_unreached"), (s) => dot(s, 13, 7, "um-lattice-on um-lattice-unreached"));
      if (states.has("drafted")) entry(say("notJudged"), badge("drafted"));
      if (states.has("unmasked")) entry(say("l_filled"), badge("unmasked"));
      if (payload.own) entry(say(own ? "l_own" : "l_verifier"), (s) => { const g = shape(s, "g", { class: "um-lattice-target um-lattice-" + payload.own[2] }); shape(g, "circle", { cx: 13, cy: 9, r: 8 }); shape(g, "text", { x: 13, y: 13, class: "um-lattice-glyph" }, GLYPH[payload.own[2]] || "●"); });
    }

    /** The round that says most about the path: where its own choice was accepted, else where it made one. */
    const telling = (rounds) => rounds.find((b) => b.won) || rounds.find((b) => b.differ);

    /** The rounds of the strip; `differ`: at how many positions the path is not the locally best token; `won`: at how many of those
     *  the target accepted it; `where`: the first of these, else of those. */
    function roundBars() {
      const model = stage.model();
      return model.rounds.map((round) => {
        const fates = [...(round.fates || new Map()).values()], proposed = new Set([...round.nodes.values()].flatMap((node) => node.fills.map(String)));
        const bar = { n: round.n, stop: round.stop, proposed: proposed.size, accepted: fates.filter((f) => f === "accepted").length, next: 0, differ: 0, won: 0, where: null };
        const drafts = new Map([...round.nodes.values()].flatMap((node) => node.fills));
        for (let i = round.start; i < round.stop; i++) {
          const e = model.events[i];
          if (e.kind === "decide" && e.what === "next draft length") bar.next = Number(e.choice) || 0;
          if (e.kind === "decide" && e.among && e.among.length) {
            const changed = e.among.map((slot, k) => [e.about[0] + k, slot[0][0]]).filter(([pos, best]) => drafts.has(pos) && drafts.get(pos) !== best);
            bar.differ = changed.length;
            const won = changed.filter(([pos]) => (round.fates || new Map()).get(pos + ":" + drafts.get(pos)) === "accepted");
            bar.won = won.length;
            if (changed.length) bar.where = (won[0] || changed[0])[0];
          }
        }
        return bar;
      });
    }

    function drawStrip() {
      const cursor = stage.cursor(), rounds = roundBars(), shown = rounds.find((b) => b.stop >= cursor.at), target = telling(rounds);
      first.hidden = !target || target === shown || !!shown && (shown.won > 0 || shown.differ > 0 && !target.won);
      if (!first.hidden) put(first, say(target.won ? "firstWon" : "first", { n: target.n }));
      offer(rounds);
      const tall = Math.max(0, ...rounds.map((b) => Math.max(b.proposed, b.next)));
      strip.hidden = !tall;
      if (!tall) return;
      const focused = strip.contains(document.activeElement);
      const h = 44, step = 30, foot = target ? 39 : 26, w = rounds.length * step + 44, here = rounds.findIndex((b) => b.stop >= cursor.at), y = (v) => 6 + h * (1 - v / tall);
      const s = shape(null, "svg", { width: w, height: h + foot, viewBox: "0 0 " + w + " " + (h + foot), role: "group", "aria-label": say("rounds") });
      shape(s, "text", { x: 24, y: y(tall) + 6, class: "um-lattice-endalign" }, String(tall));
      shape(s, "text", { x: 24, y: y(0) + 2, class: "um-lattice-endalign" }, "0");
      const go = (i) => { if (rounds[i]) stage.seek(rounds[i].stop); };
      rounds.forEach((b, i) => {
        const x = 32 + i * step, g = shape(s, "g", { class: "um-lattice-round" + (i === here ? " um-lattice-now" : ""), role: "button", tabindex: i === Math.max(0, here) ? "0" : "-1", "aria-label": say("bar", { round: b.n, proposed: b.proposed, accepted: b.accepted, next: b.next ? say("barNext", { n: b.next }) : "", differs: b.differ ? say("barDiffers", { n: b.differ, won: b.won ? say("barWon", { n: b.won }) : "" }) : "" }), "aria-current": String(i === here) });
        shape(g, "rect", { x: x - 3, y: 0, width: step, height: h + foot, class: "um-lattice-hit" });
        shape(g, "rect", { x: x + 1, y: y(b.proposed), width: step - 8, height: y(0) - y(b.proposed), class: "um-lattice-proposed" });
        shape(g, "rect", { x: x + 1, y: y(b.accepted), width: step - 8, height: y(0) - y(b.accepted), class: "um-lattice-acc" });
        shape(g, "text", { x: x + step / 2 - 3, y: h + 21, class: "um-lattice-mid" }, String(b.n));
        if (b.differ) shape(g, "text", { x: x + step / 2 - 3, y: h + 34, class: "um-lattice-mid um-lattice-differs" }, "≠" + (b.won ? GLYPH.accepted : ""));
        shape(g, "title", {}, g.getAttribute("aria-label"));
        g.addEventListener("click", () => go(i));
        g.addEventListener("keydown", (e) => {
          const to = e.key === "Enter" || e.key === " " ? i : e.key === "ArrowLeft" ? i - 1 : e.key === "ArrowRight" ? i + 1 : null;
          if (to === null) return;
          e.preventDefault(); e.stopPropagation();
          go(to);
        });
      });
      // The length decided in a round is the room of the next one.
      const next = rounds.map((b, i) => (b.next ? [32 + (i + 1) * step - 4, y(b.next)] : null)).filter(Boolean);
      for (const [a, b] of next) shape(s, "line", { x1: a, y1: b, x2: a + step - 4, y2: b, class: "um-lattice-adl" });
      const keys = el("div", "um-lattice-stripkeys"), rolled = strip.querySelector(".um-lattice-bars");
      const key = (cls, text) => { const item = el("span", "um-lattice-key"), k = shape(null, "svg", { width: 18, height: 14, "aria-hidden": "true" }); if (cls === "um-lattice-adl") shape(k, "line", { x1: 1, y1: 7, x2: 17, y2: 7, class: cls }); else shape(k, "rect", { x: 3, y: 1, width: 12, height: 12, class: cls }); item.append(k, el("span", "", text)); keys.append(item); };
      keys.append(el("span", "um-caption", say("roundsName")));
      key("um-lattice-proposed", say("proposed"));
      key("um-lattice-acc", say("acceptedKey"));
      if (target) keys.append(el("span", "um-lattice-key", say(rounds.some((b) => b.won) ? "differsWon" : "differsKey")));
      if (next.length) key("um-lattice-adl", say("adl"));
      const bars = el("div", "um-lattice-bars");
      bars.append(s);
      strip.replaceChildren(keys, bars);
      bars.scrollLeft = rolled ? rolled.scrollLeft : 0;
      if (here >= 0 && (32 + (here + 1) * step > bars.scrollLeft + bars.clientWidth || 32 + here * step < bars.scrollLeft)) bars.scrollLeft = Math.max(0, here * step - bars.clientWidth / 2);
      if (focused) { const now = s.querySelector("[tabindex='0']"); if (now) now.focus(); }
    }

    return {
      show(data, cursor) {
        const focused = svg.contains(document.activeElement), same = again && data === payload;
        again = false;
        payload = data;
        if (owner !== stage.model()) { owner = stage.model(); wish = null; }
        own = data.settings && Object.fromEntries(KNOBS.map(([key]) => [key, data.settings[key]]));
        if (!same) { forced = null; picks = []; drawn = null; origin = null; scroll.scrollLeft = 0; }
        const params = stage.model().head.params || {};
        what.hidden = !own && !(data.path.length && "beam" in params && "tau" in params);
        put(summary, data.sentence);
        drawStrip();
        draw(!same);
        if (focused && nodes.size) (nodes.get(focus) || nodes.values().next().value).g.focus();
      },
      translated(noted) {
        again = true;
        names();
        const node = nodes.get(stage.cursor().cell);
        if (noted && node) noteOn(node);
      },
      cursor(cursor) { if (payload.columns.length > WINDOW && cursor.pos !== moved) picture(); else follow(cursor); },
      csv() {
        const rows = [["round", "position", "rank", "token", "text", "q", "ln q", "ln P 3-gram behind the path", "in the lattice", "on the path", "verdict"]];
        payload.columns.forEach(([pos, slot], i) => slot.forEach((c, k) => {
          const text = payload.context.concat(drawn.path.slice(0, i).map((j, n) => drawn.columns[n][1][j][0])), step = payload.path.find((s) => s[0] === pos && s[1] === c[0]);
          const causal = own && drawn.logp && c[2] !== "end" && drawn.path.length >= i ? drawn.logp(behind(text, c[0])) : "";
          rows.push([payload.n, pos, k + 1, c[0], stage.model().face(c[0]).title, c[1], Math.log(Math.max(c[1], 1e-300)), causal, fate(c, i, k), step ? "yes" : "no", step ? step[2] : ""]);
        }));
        return rows;
      },
      figure: () => svg,
    };
  }

  Object.assign(make, { ngrams, prune, search, through });
  Unmasked.lens("lattice", make);
  Unmasked.lattice = make;
})();
