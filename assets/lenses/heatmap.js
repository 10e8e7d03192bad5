/* What became of the drafts, round by round: by place in the draft or by position, for all rounds or a selection of them.
 *
 * `make.table` and `make.count` state viz/views/heatmap.py a second time, so that a selection costs no request;
 * tests/e2e/test_tree_heat.py compares both on every recorded run.
 */
(function () {
  "use strict";
  const { el, attrs, put, prob, num, GLYPH } = Unmasked.kit;
  const SVG = "http://www.w3.org/2000/svg", FEW = 5, ORDER = ["accepted", "rejected", "unreached"], SKIP = "»";
  const STATES = ["accepted", "rejected", "unreached", "bonus", "corrected", "unmasked", "skipped"];

  const WORDS = {
    s_accepted: "accepted", s_rejected: "rejected", s_unreached: "not reached", s_bonus: "bonus", s_corrected: "corrected", s_unmasked: "filled in without a draft", s_skipped: "verify skipped",
    label: "Accepted and rejected drafts", axis: "Horizontal axis", byPlace: "place in the draft", byPosition: "position on the canvas",
    from: "rounds from", fromSpoken: "Rounds from", to: "to", toSpoken: "Rounds to", all: "All rounds",
    round: "{n} round|{n} rounds", one: "round {n}", range: "rounds {a} to {b}", any: "rounds", exactly: "{where} that accepted exactly {n}",
    noneRun: "No draft was judged in this run{skipped}", noneRounds: "No draft was judged in these rounds{skipped}", noneSkipped: ": {n} round skipped the verification.|: {n} rounds skipped the verification.",
    where: "Rounds {a} to {b} ({n} of {all}): ", tried: "of the {n} place that the verifier got to|of the {n} places that the verifier got to",
    summary: "{where}{kept} of {judged} drafted tokens were accepted, a rate of {rate}; {tried}, {won} were accepted ({chance}). {a} accepted and {t} tokens per round{skipped}.",
    skippedToo: "; {n} round skipped the verification|; {n} rounds skipped the verification", underlined: " The tokens of these rounds are underlined in the grid.",
    bright: " Bright: the {n} round that accepted exactly {only}; their tokens are underlined in the grid.| Bright: the {n} rounds that accepted exactly {only}; their tokens are underlined in the grid.",
    order: "The verifier goes through the drafts of a round in order and stops at the first one that it rejects. {then}", orderAll: "Here it got to every draft, so the rate is also the chance that one draft is accepted.",
    orderSome: "The drafts behind it are paid for but never decided: so the rate ({rate} of all drafted tokens) is not the chance that one draft is accepted ({chance} of the places that the verifier got to).",
    noRow1: "Rounds have the same numbers as in the other views. Round {round} has no row: it drafted nothing that was judged.", noRows: "Rounds have the same numbers as in the other views. {n} round ({rounds}) have no row: they drafted nothing that was judged.|Rounds have the same numbers as in the other views. {n} rounds ({rounds}) have no row: they drafted nothing that was judged.",
    reached: "accepted if reached", reachedPosition: "accepted if reached, by position", reachedPlace: "accepted if reached, by place",
    barPlace: "place {key}: accepted {won} of the {n} times it was reached ({rate})", barPosition: "position {key}: accepted {won} of the {n} times it was reached ({rate})",
    tokens: "tokens", tokensRound: "tokens in the round", axisShort: "place in the draft; +1: no draft", axisLong: "place in the draft; +1: filled in without a draft", rounds: "round",
    matrix: "matrix", mapPlaces: "{rows} rounds by {cols} places. Arrow keys move, Enter goes to the round, Shift and arrows choose rounds.", mapPositions: "{rows} rounds by {cols} positions. Arrow keys move, Enter goes to the round, Shift and arrows choose rounds.",
    drag: "Drag to choose rounds", histogram: "rounds by accepted tokens", bin: "{n} round accepted {k}: keep only it bright|{n} rounds accepted {k}: keep only them bright",
    below: " (score {score}, below its bar {bar})", unreached: "The verifier stopped at an earlier draft of this round that it rejected, so this one was never decided.", same: "The verifier makes the same choice.", reaches: "Its score {score} reaches its bar {bar}.",
    first: "The verifier would fill in position {pos} first, with {token}{below}.", instead: "The verifier would fill in {token} instead{below}.", insteadAt: "The verifier would fill in {token} at position {pos} instead{below}.", low: "The score {score} is below its bar {bar}.",
    roundN: "Round {n}", noDraft: "No draft here.", roundSkipped: "Round {n}: verify skipped", whySkipped: "The score was below its bar, so the drafts of this round were not checked.",
    at: "{token} at position {pos}", drafted: "Drafted: {tokens} (place {place} in the draft).", verdict: "Verdict: {state}. {why}",
    verdictOrder: "Verdict: {state} because of the order, not the token. {why}", verdictToken: "Verdict: {state} because of the token. {why}", verdictScore: "Verdict: {state} because of the score. {why}",
    odds: "Probability of the drafted token: q {q} from the drafter, p {p} from the verifier.|Probability of the drafted tokens: q {q} from the drafter, p {p} from the verifier.",
    moved: "Moved to step {step}, the end of this round.", point: "Point at a cell: here stands what was drafted, the verdict and its reason. A click goes to its round.",
    whole: "The whole run:", still: "The map does not change with the step: a frame marks the round of the step.", few: "Bars above: n is how often the verifier got to that place; a dashed bar has n below {few}, too few to trust its height.",
  };
  const say = Unmasked.words("heatmap", WORDS);

  function shape(parent, tag, map, text) {
    const node = attrs(document.createElementNS(SVG, tag), map || {});
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }
  const percent = (x) => Math.round(100 * x) + "%";
  const equals = (p) => prob(p).replace(/^(<?)/, (sign) => (sign || "=") + " ");

  // ------------------------------------------------------------------------------------------------ counting
  /** The place of each draft, from 1: its depth, or its number where all are guesses beside each other. */
  function places(nodes) {
    const out = new Map(), deep = nodes.some((n) => n.parents.length || n.row > 0);
    nodes.forEach((n, i) => out.set(n.id, deep ? 1 + Math.max(0, ...n.parents.map((p) => out.get(p) || 0)) : i + 1));
    return out;
  }

  /** The rounds that judged drafts or skipped it: {n, start, stop, filled: the positions it committed, drafts: [{node, place, fills, state, p, verdict}], extra: [{pos, token, why}], skipped}. */
  function table(model) {
    const out = [];
    for (const round of model.rounds) {
      const events = model.events.slice(round.start, round.stop), verdicts = new Map(), nodes = [], extra = [];
      let aside = null;
      for (const e of events) {
        if (e.kind === "judge") for (const v of e.verdicts) verdicts.set(v.node, v);
        else if (e.kind === "propose") nodes.push(...e.nodes);
        else if (e.kind === "decide" && e.what === "verify" && e.choice === "no" && (e.about || []).length) aside = e;
        else if (e.kind === "commit") for (const x of e.edits) if (!["accepted", "remasked", "revised"].includes(x.why)) extra.push({ pos: x.pos, token: x.after, why: x.why });
      }
      if (!verdicts.size && !aside) continue;
      const judged = nodes.filter((n) => verdicts.has(n.id)), place = places(judged);
      const filled = events.filter((e) => e.kind === "commit").flatMap((e) => e.edits.filter((x) => x.why !== "remasked").map((x) => x.pos));
      out.push({
        filled, n: round.n, start: round.start, stop: round.stop, extra, skipped: verdicts.size ? [] : aside.about.slice(),
        drafts: judged.map((n) => ({ node: n.id, place: place.get(n.id), fills: n.fills, q: n.q, state: verdicts.get(n.id).outcome, p: verdicts.get(n.id).p, verdict: verdicts.get(n.id) })),
      });
    }
    return out;
  }

  const better = (a, b) => (!a || ORDER.indexOf(b.state) < ORDER.indexOf(a.state) ? b : a);

  /** One cell per column: what the walk did at that place, or at that position. */
  function walk(row, byPos) {
    const out = new Map();
    for (const d of row.drafts) for (const key of byPos ? d.fills.map((f) => f[0]) : [d.place]) out.set(key, better(out.get(key), d));
    return out;
  }

  /** What became of each drafted token, as RoundView.fates of decoders/trace.py. */
  function fates(row) {
    const out = new Map();
    for (const d of row.drafts) for (const fill of d.fills) out.set(fill.join(":"), better(out.get(fill.join(":")), d));
    return [...out.values()].map((d) => d.state);
  }
  const lengthOf = (row) => fates(row).filter((state) => state === "accepted").length;

  /** How often each state occurs in `rows`: drafted tokens, tokens filled in besides them, and rounds that skipped their check. */
  function tally(rows) {
    const out = new Map(), add = (state) => out.set(state, (out.get(state) || 0) + 1);
    for (const row of rows) {
      fates(row).forEach(add);
      for (const x of row.extra) add(x.why);
      if (row.skipped.length) add("skipped");
    }
    return out;
  }

  function count(rows, byPos) {
    const checked = rows.filter((r) => !r.skipped.length), out = { rounds: checked.length, skipped: rows.length - checked.length, judged: 0, kept: 0, tokens: 0, tried: 0, won: 0, reached: new Map(), accepted: new Map(), histogram: [], rate: null, chance: null };
    for (const row of checked) {
      const add = (map, key) => map.set(key, (map.get(key) || 0) + 1);
      for (const [key, d] of walk(row, byPos)) { if (d.state !== "unreached") add(out.reached, key); if (d.state === "accepted") add(out.accepted, key); }
      const path = [...walk(row, false).values()], length = lengthOf(row);
      out.tried += path.filter((d) => d.state !== "unreached").length;
      out.won += path.filter((d) => d.state === "accepted").length;
      out.judged += fates(row).length;
      out.kept += length;
      out.tokens += length + row.extra.length;
      out.histogram[length] = (out.histogram[length] || 0) + 1;
    }
    out.histogram = Array.from(out.histogram, (v) => v || 0);
    if (out.judged) out.rate = out.kept / out.judged;
    if (out.tried) out.chance = out.won / out.tried;
    return out;
  }

  // ------------------------------------------------------------------------------------------------ drawing
  function make(stage) {
    const box = stage.box;
    const sentence = attrs(el("p", "um-heatmap-sentence"), { "aria-live": "polite" }), note = el("div", "um-heatmap-note"), warnings = attrs(el("div", "um-heatmap-warnings"), { role: "note" });
    const bar = el("div", "um-heatmap-bar"), legend = el("div", "um-heatmap-legend"), scroll = el("div", "um-heatmap-scroll"), said = attrs(el("div", "um-heatmap-said"), { "aria-live": "polite" });
    const svg = shape(scroll, "svg", { class: "um-heatmap-svg", role: "group" });
    box.append(sentence, note, warnings, bar, legend, scroll, said);

    let model = null, size = -1, wide = 0, rows = [], range = null, only = null, byPos = false, geometry = null, focus = [0, 0], held = null, warned = null;
    const button = (go) => { const b = attrs(el("button", "um-btn"), { type: "button" }); b.addEventListener("click", go); return b; };

    const axis = attrs(el("span", "um-heatmap-axes"), { role: "group" });
    const byPlace = button(() => setAxis(false)), byPosition = button(() => setAxis(true));
    axis.append(byPlace, byPosition);
    const pickRange = () => { const a = Number(from.value), b = Number(to.value); setRange(Math.min(a, b), Math.max(a, b)); };
    const field = () => { const label = el("label", "um-heatmap-field"), select = el("select"); select.addEventListener("change", pickRange); return [label, select]; };
    const [fromLabel, from] = field(), [toLabel, to] = field();
    const all = button(() => { range = null; only = null; choose(); });
    bar.append(axis, fromLabel, toLabel, all);
    function names() {
      for (const [node, key] of [[svg, "label"], [axis, "axis"], [from, "fromSpoken"], [to, "toSpoken"]]) attrs(node, { "aria-label": say(key) });
      for (const [node, key] of [[byPlace, "byPlace"], [byPosition, "byPosition"], [all, "all"]]) put(node, say(key));
      fromLabel.replaceChildren(say("from"), from);
      toLabel.replaceChildren(say("to"), to);
    }
    names();

    /** The rounds that are chosen, in words; "" if all are. */
    function choice() {
      const where = range ? (range[0] === range[1] ? say("one", { n: rows[range[0]].n }) : say("range", { a: rows[range[0]].n, b: rows[range[1]].n })) : say("any");
      return only === null ? (range ? where : "") : say("exactly", { where, n: only });
    }
    /** What the chosen rounds committed is underlined in the grid: which words are hard to draft. */
    function underline() {
      const kept = choice() ? rows.filter(bright).flatMap((row) => row.filled) : [];
      stage.mark(kept, choice, () => { range = null; only = null; if (rows.length) draw(); });
    }
    const choose = () => { underline(); draw(); };
    function setAxis(on) { byPos = on; focus = [focus[0], 0]; draw(); }
    function setRange(a, b) { range = a === 0 && b === rows.length - 1 ? null : [a, b]; only = null; choose(); }
    const chosen = () => (range ? rows.slice(range[0], range[1] + 1) : rows);
    const bright = (row, i) => (!range || (i >= range[0] && i <= range[1])) && (only === null || (!row.skipped.length && lengthOf(row) === only));
    const token = (id) => stage.model().quote(id);

    function words(stats) {
      const skipped = (key) => (stats.skipped ? say(key, { n: stats.skipped }) : "");
      if (!stats.judged) return say(range ? "noneRounds" : "noneRun", { skipped: skipped("noneSkipped") || "." });
      const where = range ? say("where", { a: rows[range[0]].n, b: rows[range[1]].n, n: range[1] - range[0] + 1, all: rows.length }) : "", each = (x) => (x / stats.rounds).toFixed(2);
      return say("summary", { where, kept: stats.kept, judged: stats.judged, rate: percent(stats.rate), tried: say("tried", { n: stats.tried }), won: stats.won, chance: percent(stats.chance), a: each(stats.kept), t: each(stats.tokens), skipped: skipped("skippedToo") }) +
        (range && only === null ? say("underlined") : "") + (only === null ? "" : say("bright", { n: rows.filter(bright).length, only }));
    }

    /** What the numbers mean, and why a round may have no row. */
    function notes(stats) {
      const none = stage.model().rounds.filter((round) => !rows.some((row) => row.n === round.n)), out = [];
      if (stats.chance !== null) {
        const same = stats.rate === stats.chance && stats.judged === stats.tried;
        out.push(say("order", { then: same ? say("orderAll") : say("orderSome", { rate: percent(stats.rate), chance: percent(stats.chance) }) }));
      }
      if (none.length) out.push(none.length === 1 ? say("noRow1", { round: none[0].n }) : say("noRows", { n: none.length, rounds: none.slice(0, 3).map((round) => round.n).join(", ") + (none.length > 3 ? ", …" : "") }));
      return out;
    }

    // ---------------------------------------------------------------------------------------------- the picture
    function draw() {
      const kept = scroll.contains(document.activeElement) && document.activeElement.getAttribute("data-focus");
      const stats = count(chosen(), byPos);
      put(sentence, words(stats));
      note.replaceChildren(...notes(stats).map((text) => el("p", "", text)));
      attrs(byPlace, { "aria-pressed": String(!byPos) });
      attrs(byPosition, { "aria-pressed": String(byPos) });
      [from.value, to.value] = range ? range.map(String) : ["0", String(rows.length - 1)];
      all.disabled = !range && only === null;
      drawLegend();

      const reach = byPos ? positions() : [1, Math.max(0, ...rows.map((r) => Math.max(r.skipped.length, ...r.drafts.map((d) => d.place))))];
      const cells = rows.map((r) => across(r, ...reach)), keys = Array.from({ length: Math.max(0, reach[1] - reach[0] + 1) }, (_, i) => reach[0] + i), more = !byPos && rows.some((r) => r.extra.length);
      const cols = keys.length + (more ? 1 : 0), w = wide, narrow = w < 560, left = 46, right = narrow ? 74 : Math.max(150, Math.min(240, w * 0.24));
      const cw = Math.max(9, Math.min(64, (w - left - right - 26) / Math.max(1, cols))), rh = rows.length > 60 ? Math.max(3, 720 / rows.length) : Math.max(12, Math.min(24, 560 / rows.length));
      const up = narrow ? 112 : 0, top = up + 24 + 78, mw = cols * cw, mh = rows.length * rh, y0 = top + 14, x1 = left + mw + 18, low = y0 + mh;
      const h = low + 42, width = Math.max(w, x1 + right + 4), g = (geometry = { left, y0, cw, rh, keys, cols, more, cells, w: width, h });
      attrs(svg, { width, height: h, viewBox: "0 0 " + width + " " + h });
      svg.replaceChildren();
      const txt = (x, y, text, cls) => shape(svg, "text", { x, y, class: cls || "" }, text);

      // above: accepted if reached
      txt(left, up + 12, say(narrow ? "reached" : byPos ? "reachedPosition" : "reachedPlace"), "um-heatmap-title");
      for (const [share, name] of [[0, "0%"], [0.5, "50%"], [1, "100%"]]) {
        shape(svg, "path", { d: "M" + left + " " + (top - share * 62) + "h" + mw, class: "um-heatmap-grid" });
        txt(left - 5, top - share * 62 + 4, name, "um-heatmap-end");
      }
      keys.forEach((key, i) => {
        const n = stats.reached.get(key) || 0, won = stats.accepted.get(key) || 0, x = left + i * cw;
        if (!n) return;
        const col = shape(svg, "g", { class: "um-heatmap-chance" + (n < FEW ? " um-heatmap-few" : "") });
        shape(col, "rect", { x: x + 1.5, y: top - (won / n) * 62 - (won ? 0 : 1), width: cw - 3, height: Math.max(1, (won / n) * 62) });
        shape(col, "title", {}, say(byPos ? "barPosition" : "barPlace", { key, won, n, rate: percent(won / n) }));
        if (cw >= 14) txt(x + cw / 2, top - (won / n) * 62 - 4, cw >= 34 ? "n=" + n : String(n), "um-heatmap-mid");
      });

      // the matrix: a path per state, because there may be thousands of cells
      const paths = new Map(), glyphs = shape(null, "g", { class: "um-heatmap-glyphs" }), draws = rh >= 9 && rows.length * cols < 6000;
      rows.forEach((row, i) => {
        const y = y0 + i * rh;
        for (const [c, cell] of cells[i].entries()) {
          if (!cell) continue;
          const x = left + c * cw;
          paths.set(cell.state, (paths.get(cell.state) || "") + "M" + (x + 0.75) + " " + (y + 0.75) + "h" + (cw - 1.5) + "v" + (rh - 1.5) + "h" + (1.5 - cw) + "z");
          if (draws) shape(glyphs, "text", { x: x + cw / 2, y: y + rh / 2 + 4, class: "um-heatmap-in-" + cell.state + (cw < 12 ? " um-heatmap-tiny" : "") }, cell.state === "skipped" ? SKIP : GLYPH[cell.state] || "");
        }
        if (i % Math.max(1, Math.ceil(13 / rh)) === 0) txt(left - 7, y + rh / 2 + 4, String(row.n), "um-heatmap-end");
      });
      for (const [state, d] of paths) shape(svg, "path", { d, class: "um-heatmap-cell um-heatmap-" + state });
      svg.append(glyphs);

      // right: tokens in the round
      const most = Math.max(1, ...rows.map((r) => lengthOf(r) + r.extra.length)), unit = (right - 26) / most;
      txt(x1, top, say(narrow ? "tokens" : "tokensRound"), "um-heatmap-title");
      rows.forEach((row, i) => {
        const y = y0 + i * rh, n = lengthOf(row), gap = rh > 8 ? 2 : 0.5, stack = (x, count_, cls) => { if (count_) shape(svg, "rect", { x, y: y + gap, width: count_ * unit, height: Math.max(1, rh - 2 * gap), class: "um-heatmap-cell um-heatmap-" + cls }); };
        stack(x1, n, "accepted");
        stack(x1 + n * unit, row.extra.length, row.extra.length ? row.extra[0].why : "");
        if (rh >= 12) txt(x1 + (n + row.extra.length) * unit + 4, y + rh / 2 + 4, String(n + row.extra.length), "");
      });

      // the corner: how many rounds accepted how many; on a phone above, so that nothing stands between the map and what is said of a cell
      const hist = narrow ? { x: left, y: 26, w: w - left - 14, h: 60 } : { x: x1, y: 26, w: right - 6, h: 48 };
      drawHistogram(stats, hist, txt);

      // axes
      const every = Math.max(1, Math.ceil((byPos ? 26 : 18) / cw));
      keys.forEach((key, i) => { if (i % every === 0) txt(left + i * cw + cw / 2, low + 14, String(key), "um-heatmap-mid"); });
      if (more) txt(left + keys.length * cw + cw / 2, low + 14, cw < 12 ? "+" : "+1", "um-heatmap-mid");
      txt(left, low + 32, say(byPos ? "byPosition" : narrow ? "axisShort" : "axisLong"), "um-heatmap-title");
      shape(svg, "text", { x: -(y0 + Math.min(mh, 200) / 2), y: 11, transform: "rotate(-90)", class: "um-heatmap-title um-heatmap-mid" }, say("rounds"));

      // what is not chosen is pale
      rows.forEach((row, i) => { if (!bright(row, i)) shape(svg, "rect", { x: left - 1, y: y0 + i * rh, width: width - left, height: rh + 0.2, class: "um-heatmap-pale" }); });
      if (range) shape(svg, "path", { d: "M" + (left - 2) + " " + (y0 + range[0] * rh) + "h-4v" + (range[1] - range[0] + 1) * rh + "h4", class: "um-heatmap-brushed" });
      geometry.now = shape(svg, "rect", { class: "um-heatmap-now" });
      geometry.pin = shape(svg, "rect", { class: "um-heatmap-ring" });
      geometry.ring = shape(svg, "rect", { class: "um-heatmap-ring" });

      const area = shape(svg, "rect", { x: left, y: y0, width: mw, height: mh, class: "um-heatmap-area", tabindex: "0", "data-focus": "area", role: "group", "aria-roledescription": say("matrix"), "aria-label": say(byPos ? "mapPositions" : "mapPlaces", { rows: rows.length, cols }) });
      const rule = shape(svg, "rect", { x: 14, y: y0, width: left - 16, height: mh, class: "um-heatmap-rule" });
      shape(rule, "title", {}, say("drag"));
      hear(area, rule);
      if (held && held[1] >= cols) held = null;
      frame(stage.cursor());
      caption(held);
      if (kept === "area") area.focus();
      else if (kept) { const b = svg.querySelector('[data-focus="' + kept + '"]'); if (b) b.focus(); }
    }

    function drawHistogram(stats, b, txt) {
      const bins = stats.histogram, most = Math.max(1, ...bins), bw = Math.min(30, b.w / Math.max(1, bins.length)), each = Math.max(1, Math.ceil(16 / bw));
      txt(b.x, b.y - 14, say("histogram"), "um-heatmap-title");
      shape(svg, "path", { d: "M" + b.x + " " + (b.y + b.h) + "h" + Math.max(bw * bins.length, 20), class: "um-heatmap-base" });
      bins.forEach((n, i) => {
        const x = b.x + i * bw, tall = (n / most) * (b.h - 14);
        if (i % each === 0) txt(x + bw / 2, b.y + b.h + 12, String(i), "um-heatmap-mid");
        if (!n) return;
        const g = shape(svg, "g", { class: "um-heatmap-bin" + (only === i ? " um-heatmap-chosen" : ""), role: "button", tabindex: "0", "data-focus": "bin" + i, "aria-pressed": String(only === i), "aria-label": say("bin", { n, k: i }) });
        shape(g, "rect", { x, y: b.y - 2, width: bw, height: b.h + 16, class: "um-heatmap-hit" });
        shape(g, "rect", { x: x + 1.5, y: b.y + b.h - tall, width: Math.max(2, bw - 3), height: tall, class: "um-heatmap-cell um-heatmap-accepted" });
        if (bw >= 12) shape(g, "text", { x: x + bw / 2, y: b.y + b.h - tall - 4, class: "um-heatmap-mid" }, String(n));
        shape(g, "title", {}, g.getAttribute("aria-label"));
        const go = () => { only = only === i ? null : i; choose(); };
        g.addEventListener("click", go);
        g.addEventListener("keydown", (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); e.stopPropagation(); go(); } });
      });
    }

    /** The first and the last position that a round drafted, skipped or filled in. */
    function positions() {
      let first = Infinity, last = -Infinity;
      const see = (pos) => { first = Math.min(first, pos); last = Math.max(last, pos); };
      for (const r of rows) { r.skipped.forEach(see); for (const d of r.drafts) for (const [pos] of d.fills) see(pos); for (const x of r.extra) see(x.pos); }
      return [first, last];
    }

    /** The cells of a row by column, from column `first` to `last`: {state, pos, draft, extra} or null. */
    function across(row, first, last) {
      const found = walk(row, byPos), cells = Array.from({ length: Math.max(0, last - first + 1) }, () => null);
      if (byPos) {
        for (const pos of row.skipped) cells[pos - first] = { state: "skipped", pos };
        for (const [pos, d] of found) cells[pos - first] = { state: d.state, draft: d, pos };
        for (const x of row.extra) cells[x.pos - first] = { state: x.why, extra: [x], pos: x.pos, draft: found.get(x.pos) };
        return cells;
      }
      row.skipped.forEach((pos, i) => { cells[i] = { state: "skipped", pos }; });
      for (const [place, d] of found) cells[place - 1] = { state: d.state, draft: d, pos: d.fills.length ? d.fills[0][0] : null };
      cells.push(row.extra.length ? { state: row.extra[0].why, extra: row.extra, pos: row.extra[0].pos } : null);
      return cells;
    }

    /** Why a draft was turned down, kept or never decided: [which of the verdicts in WORDS, in a sentence]. */
    function reason(d) {
      const v = d.verdict, [pos, id] = v.choice || [-1, -1], matched = v.bar === 1 && (v.score === 0 || v.score === 1);
      const below = !matched && v.score < v.bar ? say("below", { score: num(v.score), bar: num(v.bar) }) : "", values = { score: num(v.score), bar: num(v.bar), below, pos, token: id >= 0 ? token(id) : "" };
      if (d.state === "unreached") return ["", say("unreached")];
      if (d.state === "accepted") return ["", say(matched ? "same" : "reaches", values)];
      if (id >= 0 && pos >= 0 && !d.fills.some(([where]) => where === pos)) return ["Order", say("first", values)];
      if (id >= 0 && !d.fills.some(([where, mine]) => where === pos && mine === id)) return ["Token", say(d.fills.length > 1 ? "insteadAt" : "instead", values)];
      return ["Score", say("low", values)];
    }

    /** A cell in sentences: what was drafted and where, what the verifier said, why, and the two probabilities. */
    function about(i, c) {
      const row = rows[i], cell = geometry.cells[i] && geometry.cells[i][c], d = cell && cell.draft;
      if (!cell) return [say("roundN", { n: row.n }), [say("noDraft")]];
      if (cell.state === "skipped") return [say("roundSkipped", { n: row.n }), [say("whySkipped")]];
      const out = [];
      if (d) {
        const [kind, why] = reason(d);
        out.push(say("drafted", { tokens: d.fills.map(([pos, t]) => say("at", { token: token(t), pos })).join(", "), place: d.place }));
        out.push(say("verdict" + kind, { state: (GLYPH[d.state] ? GLYPH[d.state] + " " : "") + say("s_" + d.state), why }));
        out.push(say("odds", { n: d.fills.length, q: equals(d.q), p: equals(d.p) }));
      }
      if (cell.extra) out.push(cell.extra.map((x) => say("at", { token: token(x.token), pos: x.pos })).join(", ") + ": " + say("s_" + cell.extra[0].why) + ".");
      return [say("roundN", { n: row.n }), out];
    }

    const moved = () => say("moved", { step: stage.cursor().step });

    /** What is said under the map: of cell `at`, or how to ask. */
    function caption(at) {
      if (!at) return void said.replaceChildren(el("p", "", rows.length ? say("point") : ""));
      const [title, lines] = about(...at);
      if (held && String(at) === String(held)) lines.push(moved());
      said.replaceChildren(...lines.map((line, k) => { const p = el("p", "", line); if (!k) p.prepend(el("span", "um-heatmap-bold", title + ". ")); return p; }));
    }

    function pick(i, c) {
      const cell = geometry.cells[i][c], [title, lines] = about(i, c);
      stage.seek(rows[i].stop, { pos: cell && cell.pos !== undefined ? cell.pos : null, node: cell && cell.draft ? cell.draft.node : null });
      held = [i, c];
      frame(stage.cursor());
      caption(held);
      stage.note(title, [...lines, moved()]);
    }

    function hear(area, rule) {
      const g = geometry, rowAt = (e) => Math.max(0, Math.min(rows.length - 1, Math.floor((e.clientY - svg.getBoundingClientRect().top - g.y0) / g.rh)));
      const colAt = (e) => Math.max(0, Math.min(g.cols - 1, Math.floor((e.clientX - svg.getBoundingClientRect().left - g.left) / g.cw)));
      const tell = (i, c) => { caption([i, c]); stage.note(...about(i, c), true); };
      const ring = (i, c) => attrs(g.ring, { x: g.left + c * g.cw - 1, y: g.y0 + i * g.rh - 1, width: g.cw + 2, height: g.rh + 2 });
      area.addEventListener("mousemove", (e) => tell(rowAt(e), colAt(e)));
      area.addEventListener("mouseleave", () => { caption(held); stage.note(); });
      area.addEventListener("click", (e) => { focus = [rowAt(e), colAt(e)]; pick(...focus); });
      area.addEventListener("focus", () => { focus = [Math.min(focus[0], rows.length - 1), Math.min(focus[1], g.cols - 1)]; if (area.matches(":focus-visible")) ring(...focus); });
      area.addEventListener("blur", () => attrs(g.ring, { width: 0, height: 0 }));
      area.addEventListener("keydown", (e) => {
        const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
        if (!move && e.key !== "Enter" && e.key !== " ") return;
        e.preventDefault();
        e.stopPropagation();
        if (!move) return pick(...focus);
        const was = focus[0];
        focus = [Math.max(0, Math.min(rows.length - 1, focus[0] + move[0])), Math.max(0, Math.min(g.cols - 1, focus[1] + move[1]))];
        if (e.shiftKey && move[0]) {
          const [a, b] = range || [was, was], end = was === b ? [a, focus[0]] : [focus[0], b];
          return setRange(Math.min(...end), Math.max(...end));
        }
        ring(...focus);
        tell(...focus);
      });
      rule.addEventListener("pointerdown", (e) => {
        e.preventDefault();
        const start = rowAt(e);
        rule.setPointerCapture(e.pointerId);
        const band = shape(svg, "rect", { x: g.left - 6, width: g.w - g.left + 4, class: "um-heatmap-band" });
        const show = (at) => attrs(band, { y: g.y0 + Math.min(start, at) * g.rh, height: (Math.abs(at - start) + 1) * g.rh });
        show(start);
        rule.onpointermove = (m) => show(rowAt(m));
        rule.onpointercancel = () => { band.remove(); rule.onpointermove = rule.onpointerup = null; };
        rule.onpointerup = (m) => { const end = rowAt(m); rule.onpointermove = rule.onpointerup = null; setRange(Math.min(start, end), Math.max(start, end)); };
      });
    }

    /** The round under the cursor, as viz.views.heatmap's `now`. */
    function frame(cursor) {
      const g = geometry;
      let now = -1;
      rows.forEach((row, i) => { if (row.start < cursor.at) now = i; });
      if (held && rows[held[0]].stop !== cursor.at) { held = null; caption(null); }
      const at = now + "|" + held;
      if (g.at === at) return;
      g.at = at;
      attrs(g.pin, held ? { x: g.left + held[1] * g.cw - 1, y: g.y0 + held[0] * g.rh - 1, width: g.cw + 2, height: g.rh + 2 } : { width: 0, height: 0 });
      attrs(g.now, now < 0 ? { width: 0, height: 0 } : { x: g.left - 1, y: g.y0 + now * g.rh - 0.5, width: g.cols * g.cw + 2, height: g.rh + 1 });
    }

    function drawLegend() {
      const seen = tally(rows);
      legend.replaceChildren(el("span", "um-heatmap-bold", say("whole")), ...STATES.filter((s) => seen.has(s)).map((s) => {
        const item = el("span", "um-heatmap-key"), k = shape(null, "svg", { width: 18, height: 16, "aria-hidden": "true", class: "um-heatmap-svg" });
        shape(k, "rect", { x: 1, y: 1, width: 16, height: 14, class: "um-heatmap-cell um-heatmap-" + s });
        shape(shape(k, "g", { class: "um-heatmap-glyphs" }), "text", { x: 9, y: 12.5, class: "um-heatmap-in-" + s }, s === "skipped" ? SKIP : GLYPH[s] || "");
        item.append(k, el("span", "", seen.get(s) + " " + say("s_" + s)));
        return item;
      }), el("span", "um-faint", say("still")));
      if (rows.some((row) => row.drafts.length)) legend.append(el("span", "um-faint", say("few", { few: FEW })));
    }

    const room = () => Math.max(260, box.clientWidth || 900);
    // To ask for the width at each step would make the browser lay the page out in the middle of it.
    const watcher = new ResizeObserver(() => { if (model && box.clientWidth && room() !== wide) { wide = room(); draw(); } });
    watcher.observe(box);

    return {
      show(payload, cursor) {
        const m = stage.model(), same = m === model && m.events.length === size;
        if (!same) {
          held = null;
          if (m !== model) { range = null; only = null; focus = [0, 0]; }
          model = m;
          size = m.events.length;
          rows = table(m);
          if (range && range[1] >= rows.length) range = null;
          for (const select of [from, to]) select.replaceChildren(...rows.map((r, i) => attrs(el("option", "", String(r.n)), { value: i })));
        }
        // Nothing of the page is written anew by a step: that would make the browser lay it out once more.
        if (warned !== payload.warnings.join("\n")) {
          warned = payload.warnings.join("\n");
          warnings.replaceChildren(...payload.warnings.map((text) => el("p", "", "⚠\ufe0e " + text)));
          warnings.hidden = !payload.warnings.length;
        }
        if (same) return frame(cursor);
        wide = room();
        draw();
      },
      cursor: frame,
      translated(noted) {
        names();
        if (!rows.length) return;
        draw();
        if (noted && held) stage.note(...about(...held));
      },
      csv() {
        const out = [["round", "column", "place", "position", "node", "token", "text", "q", "p", "state", "chosen"]];
        rows.forEach((row, i) => {
          const add = (...cells) => out.push([row.n, ...cells, bright(row, i) ? "yes" : "no"]);
          for (const pos of row.skipped) add("skipped", "", pos, "", "", "", "", "", "verify skipped");
          for (const d of row.drafts) for (const [pos, t] of d.fills) add("draft", d.place, pos, d.node, t, stage.model().face(t).title, d.q, d.p, d.state);
          for (const x of row.extra) add("no draft", "", x.pos, "", x.token, stage.model().face(x.token).title, "", "", x.why);
        });
        return out;
      },
      figure: () => svg,
      destroy: () => watcher.disconnect(),
    };
  }

  Object.assign(make, { table, count });
  Unmasked.lens("heatmap", make);
  Unmasked.heatmap = make;
})();
