/* The verification tree: what one call checked, in three beats (drafted, read by one forward pass, judged).
 *
 * A chain is drawn from the top with its reasons beside it; a tree with branches from left to right; a chain whose states
 * may be many positions wide by depth (down) and width (across). Below it stands what was fed: a row per hypothesis, or the one packed row of a method that reads drafts and masks together.
 */
(function () {
  "use strict";
  const { el, attrs, put, prob, num, GLYPH } = Unmasked.kit;
  const SVG = "http://www.w3.org/2000/svg", ROOT = -1, FREE = -2, ROUTE = -3, FOLD = -10, R = 11;
  // A tree with more leaves than this is longer than a window: what was not reached is folded.
  const LEAVES = 12;
  const MONO = "11.5px IBM Plex Mono, ui-monospace, monospace", SANS = "12px system-ui, sans-serif";
  const STATES = ["drafted", "accepted", "rejected", "unreached", "bonus", "corrected", "unmasked"];

  const WORDS = {
    s_drafted: "drafted, not judged yet", s_accepted: "accepted", s_rejected: "rejected", s_unreached: "not reached", s_bonus: "bonus of the same call", s_corrected: "corrected", s_unmasked: "filled in without a draft",
    s_prompt: "prompt", s_masked: "masked", s_committed: "committed",
    beats: "Beats of this round", beat1: "draft", beat2: "one forward pass", beat3: "verdicts", calls: "{n} call so far{more}|{n} calls so far{more}",
    folded: "… {n} more, not reached", unfold: "Enter or a click unfolds them", showAll: "Show all {n} nodes", fold: "Fold what was not reached", hidden: "{n} of {all} nodes were not reached and are folded.",
    picture: "Verification tree of round {n}", filled: "drafts filled in: 0", depth: "depth {n}", then: "then", row: "row {n}", canvas: "the canvas before this round",
    depthAxis: "depth ↓", widthAxis: "positions filled in at that depth →", deepest: "✓ deepest consistent draft: depth {n}", noDepth: "✕ no depth is consistent", thrown: " · below: thrown away",
    positions: "{n} position|{n} positions", depthSpoken: "{title}, {many}, row {row}, {what}: {tokens}", chip: "position {pos}: {text}", chipOther: "position {pos}: {text}\nthe row above fills in ‘{other}’", chipSame: "position {pos}: {text}\nthe row above fills in the same; the depth is turned down as a whole",
    slot: "{title}: position {pos} ‘{text}’", root: "root", verify: "verify? {choice}", skipped: " · verify skipped", more: "… {n} more", moreSpoken: "{n} more nodes, not reached: unfold", step: "step {n}",
    rootRow: "Batch row 0: the canvas before this round.", rootFilled: "Batch row 0: the canvas with what this round filled in without a draft.", odds1: "p of the drafter: {q}.", odds2: "p of the drafter: {q}; p of the verifier: {p}.",
    rank: "Rank {n} for the row that judged it.", noRank: "Not among the tokens recorded for the row that judged it.", score: "Score {score}, bar {bar}.", holds: "Batch row {n} holds it and everything before it on its branch.",
    inMask: "Its row in the mask", inGrid: "In the grid", insteadOf: "What stands there instead",
    f_known: "known", f_draft: "drafts", f_mask: "masks", n_known: "{n} known", n_draft: "{n} drafts", n_mask: "{n} masks", fed: "The input as fed: ONE row of {n} tokens, {parts}.", fedMasks: "The input as fed: ONE row of {n} tokens, {parts}. Each mask stands at the position of the token above it.",
    fedAt: "Fed at position {pos}", t_known: "Token {i} of {all}: ‘{text}’, known before.", t_draft: "Token {i} of {all}: ‘{text}’, a draft.", t_mask: "Token {i} of {all}: ‘{text}’, a mask: its row predicts this position.",
    toSend: "The batch to be sent", sent: "The batch as sent", batch: "Batch of {n} rows over positions {a} to {b}. {cost}", cellAt: "Row {row}, position {pos}", cell: "‘{text}’: {state}.",
    batchKey: "batch row (left) by position on the canvas (above)", k_prompt: "prompt", k_committed: "filled in before", k_masked: "mask", sideways: "columns: drafts filled in; small number: batch row",
  };
  const say = Unmasked.words("tree", WORDS);
  const stateName = (state) => (WORDS["s_" + state] ? say("s_" + state) : state);

  function shape(parent, tag, map, text) {
    const node = attrs(document.createElementNS(SVG, tag), map || {});
    if (text !== undefined) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  }

  const pen = document.createElement("canvas").getContext("2d");
  /** As much of `text` as fits into `room` pixels. */
  function fit(text, font, room) {
    pen.font = font;
    if (pen.measureText(text).width <= room) return text;
    const chars = Array.from(text);
    while (chars.length > 1 && pen.measureText(chars.join("") + "…").width > room) chars.pop();
    return chars.length > 1 ? chars.join("") + "…" : "";
  }

  /** `text` in lines of whole words, a comparison counting as one: the first has `room` pixels, the next `rest`. */
  function wrap(text, font, room, rest) {
    const lines = [""];
    pen.font = font;
    for (const word of text.replace(/ ([=<≥]) /g, "\u00a0$1\u00a0").split(" ")) {
      const longer = (lines[lines.length - 1] + " " + word).trim();
      if (pen.measureText(longer).width <= (lines.length > 1 ? rest : room)) lines[lines.length - 1] = longer;
      else lines.push(fit(word, font, rest));
    }
    return lines;
  }

  function make(stage) {
    const box = stage.box;
    const beats = attrs(el("div", "um-tree-beats"), { role: "group" });
    const sentence = attrs(el("p", "um-tree-sentence"), { lang: "en" }), legend = el("div", "um-tree-legend");
    const scroll = el("div", "um-tree-scroll"), svg = shape(scroll, "svg", { class: "um-tree-svg", role: "group" });
    const told = el("div", "um-tree-told"), packed = el("div", "um-tree-packed"), batch = el("div", "um-tree-batch");
    // What is said of a picked node stands below the tree: a click moves nothing away from under the pointer.
    const folds = el("div", "um-tree-folds");
    box.append(beats, sentence, legend, folds, scroll, told, packed, batch);

    let data = null, nodes = new Map(), order = [], picked = null, focus = ROOT, slot = 0, open = true, run = null, drawn = [], unfolded = new Set(), whole = false, round_ = -1;
    const width = () => Math.max(260, box.clientWidth || 900);
    const button = (text, go, cls) => { const b = attrs(el("button", "um-btn " + (cls || ""), text), { type: "button" }); b.addEventListener("click", go); return b; };
    const has = (id) => stage.player.views.some((v) => v.id === id);
    const fills = (t) => t.fills.map(([pos]) => pos);
    const token = (t) => (t.label.match(/‘(.*)’$/) || [0, t.label])[1];
    const mark = (state) => (data.beat === 2 && state === "drafted" ? "?" : GLYPH[state] || "");

    // ---------------------------------------------------------------------------------------------- beats
    function round() { return stage.model().rounds.find((r) => r.n === data.n); }

    /** Where the cursor stands after each beat of this round; null for one it does not have. */
    function stops() {
      const r = round(), out = [null, null, null], events = stage.model().events;
      for (let i = r ? r.start : 0; r && i < r.stop; i++) {
        const e = events[i];
        if (e.kind === "propose") { out[0] = i + 1; out[1] = null; }
        if (e.kind === "forward" && out[0] !== null && out[1] === null) out[1] = i + 1;
        if (e.kind === "judge") out[2] = i + 1;
      }
      return out;
    }

    function drawBeats() {
      const at = stops();
      beats.hidden = at[0] === null;
      const kept = beats.contains(document.activeElement) ? [...beats.children].indexOf(document.activeElement) : -1;
      attrs(beats, { "aria-label": say("beats") });
      beats.replaceChildren(...at.map((_, i) => {
        const b = button(i + 1 + " " + say("beat" + (i + 1)), () => stage.seek(at[i]), "um-tree-beat");
        b.disabled = at[i] === null;
        if (data.beat === i + 1) attrs(b, { "aria-current": "step" });
        return b;
      }), el("span", "um-faint", say("calls", { n: data.calls, more: data.beat === 2 ? " (+1)" : "" })));
      if (kept >= 0) beats.children[kept].focus();
    }

    // ---------------------------------------------------------------------------------------------- the tree
    /** The nodes to draw: in a long tree one stands for all below the same parent that were not reached. */
    function fold() {
      const below = new Map(), parents = new Set(data.twigs.map((t) => t.parent));
      for (const t of data.twigs) if (t.id !== ROOT) below.set(t.parent, [...(below.get(t.parent) || []), t]);
      const kids = (t) => below.get(t.id) || [], lost = (t) => t.state === "unreached" && kids(t).every(lost), size = (t) => 1 + kids(t).reduce((n, k) => n + size(k), 0);
      const long = data.sideways && data.twigs.filter((t) => !parents.has(t.id)).length > LEAVES, out = [];
      const see = (t) => {
        out.push(t);
        const gone = long && !whole && !unfolded.has(t.id) && (t.id === ROOT || !lost(t)) ? kids(t).filter(lost) : [], n = gone.reduce((sum, k) => sum + size(k), 0);
        for (const k of kids(t)) if (n < 2 || !gone.includes(k)) see(k);
        if (n > 1) out.push({ id: FOLD - 1 - t.id, parent: t.id, y: t.y - 1, row: -1, fills: [], label: say("folded", { n }), state: "unreached", step: 0, why: say("unfold"), folded: n, of: gone.flatMap(ids) });
      };
      const ids = (t) => [t.id, ...kids(t).flatMap(ids)];
      see(data.twigs[0]);
      const hidden = out.reduce((n, t) => n + (t.folded || 0), 0);
      folds.hidden = !long || !(hidden || whole || unfolded.size);
      if (folds.hidden) return out;
      const focused = folds.contains(document.activeElement), drafts = data.twigs.filter((t) => t.id >= 0).length;
      const b = button(hidden ? say("showAll", { n: drafts }) : say("fold"), () => { whole = hidden > 0; unfolded = new Set(); draw(); });
      folds.replaceChildren(el("span", "um-faint", hidden ? say("hidden", { n: hidden, all: drafts }) : ""), b);
      if (focused) b.focus();
      return out;
    }

    function unfold(t) {
      unfolded.add(t.parent);
      focus = t.of[0];
      draw();
      nodes.get(focus).g.focus();
    }

    function draw() {
      const focused = svg.contains(document.activeElement);
      svg.replaceChildren();
      nodes = new Map();
      drawn = fold();
      const w = width(), place = data.depths.length ? deep(w) : data.sideways ? across(w) : down(w);
      attrs(svg, { width: place.w, height: place.h, viewBox: "0 0 " + place.w + " " + place.h, "aria-label": say("picture", { n: data.n }) });
      svg.classList.toggle("um-tree-proposed", data.beat === 1);
      svg.classList.toggle("um-tree-read", data.beat === 2);
      if (place.levels) place.levels.forEach((x, i) => shape(svg, "text", { x, y: 13, class: "um-tree-axis" }, i || place.dx < 130 ? String(i) : say("filled")));
      if (data.depths.length) drawDepths(place);
      else {
        name(place);
        const lines = shape(svg, "g", {});
        for (const t of drawn) if (t.id !== ROOT) edge(lines, t, place);
        if (place.at.has(ROUTE)) diamond(place);
        for (const t of drawn) node(t, place);
      }
      if (!nodes.has(focus)) focus = ROOT;
      ring(stage.cursor());
      if (focused && nodes.has(focus)) nodes.get(focus).g.focus();
    }

    /** A chain: a line each, from the top; what was filled in without a draft stands aside below the last kept one. */
    function down(w) {
      const at = new Map(), rest = data.twigs.filter((t) => t.id >= 0), free = data.twigs.find((t) => t.id === FREE), line = rest.length > 12 ? 28 : 34;
      const kept = rest.filter((t) => t.step).sort((a, b) => a.step - b.step), others = rest.filter((t) => !t.step);
      order = [data.twigs[0], ...kept, ...(free ? [free] : []), ...others];
      const rows = [ROOT, ...(data.route ? [ROUTE] : []), ...order.slice(1).map((t) => t.id)];
      rows.forEach((id, i) => at.set(id, [id === FREE && others.length ? 50 : 22, 20 + i * line]));
      return { at, w, h: rows.length * line + 8, levels: null, line };
    }

    /** From left to right: a line per leaf, a parent beside the middle of its children. */
    function across(w) {
      const deep = Math.max(1, ...drawn.map((t) => -t.y)), dx = Math.max(64, Math.min(200, (w - 96) / deep)), at = new Map();
      const kids = (id) => drawn.filter((t) => t.parent === id && t.id !== ROOT);
      let leaves = 0;
      const put = (t) => {
        const lines = kids(t.id).map(put), line = lines.length ? lines.reduce((a, b) => a + b) / lines.length : leaves++;
        at.set(t.id, [34 + -t.y * dx, 54 + line * 44]);
        return line;
      };
      put(drawn[0]);
      order = drawn.slice().sort((a, b) => at.get(a.id)[1] - at.get(b.id)[1] || at.get(a.id)[0] - at.get(b.id)[0]);
      return { at, w: Math.max(w, 34 + deep * dx + 62, ...drawn.filter((t) => t.folded).map((t) => at.get(t.id)[0] + 100)), h: 54 + leaves * 44 - 10, levels: Array.from({ length: deep + 1 }, (_, i) => 34 + i * dx), dx };
    }

    // ---------------------------------------------------------------------------------------------- depth by width
    const CHIP = 26, HEAD = 24;

    /** A chain by depth: for each depth a line of words, then its positions side by side, `per` to a line. */
    function deep(w) {
      const left = 44, most = Math.max(...data.depths.map((d) => d[1].length)), size = (text) => { pen.font = MONO; return pen.measureText(text).width; };
      const need = Math.max(...data.depths.flatMap((d) => d[1].map((token) => size(token[1]) + size(String(token[0])) + 32)));
      const per = Math.max(1, Math.floor((w - left) / Math.max(84, Math.min(need, 128)))), cw = Math.min(128, Math.max(need, 72), (w - left) / Math.min(per, 3));
      const spots = new Map(), judged = data.beat === 3, kept = data.twigs.filter((t) => t.id >= 0 && t.state === "accepted").length;
      let y = 22, rule = null, number = -1;
      const ruled = () => { rule = y + 10; y += 28; };
      order = [];
      data.depths.forEach(([id, tokens], i) => {
        const t = data.twigs.find((one) => one.id === id), lines = Math.max(1, Math.ceil(tokens.length / per));
        const title = id === FREE ? say("then") : say("depth", { n: number + 1 }), said = wrap(beside(t, tokens), SANS, w - left - 6 - heading(title, tokens) - 14, w - left - 6), head = HEAD + 16 * (said.length - 1);
        if (judged && rule === null && id >= 0 && t.state !== "accepted") ruled();
        if (id !== FREE) number++;
        spots.set(id, { y, tokens, number, said, head, h: head + lines * CHIP + 8 });
        order.push(t);
        y += head + lines * CHIP + 8;
        if (judged && rule === null && i === data.depths.length - 1) ruled();
      });
      return { w, h: y + 4, left, per, cw, spots, rule, kept, most: Math.min(most, per), at: new Map() };
    }

    const rootIs = (tokens) => say(tokens.length ? "s_unmasked" : "canvas");
    /** What stands beside the name of a depth, and how wide that name is. */
    const beside = (t, tokens) => (t.row >= 0 ? say("row", { n: t.row }) + " · " : "") + (t.id === ROOT ? rootIs(tokens) : t.why);
    const heading = (title, tokens) => { pen.font = "700 " + MONO; return pen.measureText(title + "  +" + tokens.length).width; };

    function drawDepths(place) {
      const { spots, left, cw } = place, lines = shape(svg, "g", {});
      shape(svg, "text", { x: 2, y: 12, class: "um-tree-axis um-tree-start" }, say("depthAxis"));
      const title = say("widthAxis");
      pen.font = SANS;
      if (left + 22 + pen.measureText(title).width < place.w) shape(svg, "text", { x: left + 22, y: 12, class: "um-tree-axis um-tree-start" }, title);
      let above = null;
      for (const t of order) {
        const spot = spots.get(t.id), y = spot.y + spot.head + CHIP / 2 - 2;
        if (above !== null) shape(lines, "path", { d: "M22 " + above + "V" + y, class: "um-tree-edge um-tree-" + t.state + (t.step ? " um-tree-on" : "") });
        above = y;
      }
      for (const t of order) depth(t, place);
      if (place.rule !== null) {
        const lost = order.some((t) => t.state === "rejected" || t.state === "unreached"), good = place.kept > 0;
        shape(svg, "path", { d: "M0 " + place.rule + "H" + place.w, class: "um-tree-rule um-tree-" + (good ? "kept" : "none") });
        const said = good ? say("deepest", { n: place.kept }) : say("noDepth"), font = "700 " + SANS;
        const label = [said + (lost ? say("thrown") : ""), said].find((text) => fit(text, font, place.w - left) === text) || fit(said, font, place.w - left);
        pen.font = font;
        shape(svg, "rect", { x: left - 6, y: place.rule - 9, width: pen.measureText(label).width + 14, height: 18, class: "um-tree-page" });
        shape(svg, "text", { x: left, y: place.rule + 4, class: "um-tree-deepest" }, label);
      }
    }

    /** One depth: what it is in words, and a chip for each position it fills. */
    function depth(t, place) {
      const spot = place.spots.get(t.id), { left, cw, per } = place, root = t.id === ROOT, state = root ? (spot.tokens.length ? "unmasked" : "committed") : t.state;
      const many = say("positions", { n: spot.tokens.length }), title = t.id === FREE ? say("then") : say("depth", { n: spot.number });
      const what = root ? rootIs(spot.tokens) : stateName(state);
      const spoken = say("depthSpoken", { title, many, row: Math.max(0, t.row), what, tokens: spot.tokens.map(([pos, text]) => pos + " " + text).join(", ") });
      const g = shape(svg, "g", { class: "um-tree-node um-tree-" + state, role: "button", tabindex: t.id === focus ? "0" : "-1", "aria-label": spoken, "data-id": t.id });
      nodes.set(t.id, { g, t });
      shape(g, "rect", { x: 2, y: spot.y, width: place.w - 4, height: spot.h - 4, rx: 4, class: "um-tree-hit" });
      const y = spot.y + spot.head + CHIP / 2 - 2;
      shape(g, "circle", { cx: 22, cy: y, r: R + 3.5, class: "um-tree-ring" });
      shape(g, "circle", { cx: 22, cy: y, r: R, class: "um-tree-dot" });
      shape(g, "text", { x: 22, y: y + 4.5, class: "um-tree-glyph" }, mark(state));
      shape(g, "text", { x: left, y: spot.y + 15, class: "um-tree-name um-tree-bold" }, title + "  +" + spot.tokens.length);
      spot.said.forEach((line, i) => shape(g, "text", { x: left + (i ? 0 : heading(title, spot.tokens) + 14), y: spot.y + 15 + 16 * i, class: "um-tree-beside" }, line));
      spot.tokens.forEach(([pos, text, said], i) => {
        const x = left + (i % per) * cw, top = spot.y + spot.head + Math.floor(i / per) * CHIP, agrees = state === "rejected" && said === "";
        const chip = shape(g, "g", { class: "um-tree-chip um-tree-" + state + (agrees ? " um-tree-agrees" : ""), "data-slot": i });
        shape(chip, "rect", { x: x + 1, y: top, width: cw - 4, height: CHIP - 4, rx: 3, class: "um-tree-fill um-tree-" + state });
        shape(chip, "text", { x: x + 6, y: top + 15, class: "um-tree-at um-tree-in-" + state }, String(pos));
        pen.font = "10px system-ui, sans-serif";
        const start = x + 10 + pen.measureText(String(pos)).width;
        shape(chip, "text", { x: start, y: top + 15.5, class: "um-tree-word um-tree-in-" + state }, fit(text, MONO, x + cw - 19 - start));
        if (!agrees) shape(chip, "text", { x: x + cw - 11, y: top + 15, class: "um-tree-glyph um-tree-in-" + state }, mark(state));
        shape(chip, "title", {}, say(said ? "chipOther" : said === "" && state === "rejected" ? "chipSame" : "chip", { pos, text, other: said }));
      });
      g.addEventListener("click", (e) => { const chip = e.target.closest("[data-slot]"); slot = chip ? Number(chip.dataset.slot) : 0; pick(t); });
      g.addEventListener("keydown", (e) => {
        const side = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (!side || !spot.tokens.length) return keyed(e, t);
        e.preventDefault();
        e.stopPropagation();
        slot = Math.max(0, Math.min(spot.tokens.length - 1, slot + side));
        hold();
        stage.note(say("slot", { title, pos: spot.tokens[slot][0], text: spot.tokens[slot][1] }), about(t), true);
      });
      g.addEventListener("focus", () => hold());
      g.addEventListener("mouseenter", () => stage.note(title + ", " + many, about(t), true));
      g.addEventListener("mouseleave", () => stage.note());
    }

    /** Rings the position that Enter pins. */
    function hold() {
      for (const chip of svg.querySelectorAll(".um-tree-chip")) chip.classList.toggle("um-tree-held", Number(chip.parentNode.dataset.id) === focus && Number(chip.dataset.slot) === slot);
    }

    /** The positions that a node fills in, those of depth 0 included. */
    function filled(t) {
      const own = t.id === ROOT && data.depths.length ? data.depths[0][1].map(([pos]) => pos) : fills(t);
      return own[Math.min(slot, own.length - 1)];
    }

    /** How much of each label there is room for, the same for all: position and token, or the token. */
    function name(place) {
      const said = (t, i) => (t.step ? t.step + ". " : "") + (i ? token(t) : t.label);
      const drafts = data.twigs.filter((t) => t.id !== ROOT), size = (text) => { pen.font = MONO; return pen.measureText(text).width; };
      if (data.sideways) {
        const room = place.dx - 8, i = drafts.every((t) => size(said(t, 0)) <= room) ? 0 : 1;
        const quoted = (t) => (t.step ? t.step + ". " : "") + "‘" + token(t) + "’";
        place.name = (t) => (t.id === ROOT ? say("root") : t.folded ? "" : i && size(quoted(t)) <= room ? quoted(t) : fit(said(t, i), MONO, room));
        return;
      }
      // Beside a node: its label, its row, why it is what it is; as far as the width goes.
      const rows = data.twigs.some((t) => t.row > 0), left = 22 + R + 9 + 28, most = place.w >= 620 ? Math.min(place.w * 0.34, Math.max(90, ...drafts.map((t) => size(said(t, 0))))) : place.w - left - (rows ? 56 : 4);
      place.name = (t) => (t.id === ROOT ? fit(t.label, MONO, place.w - left) : fit(said(t, 0), MONO, most));
      place.rowAt = place.w >= 620 ? left + most + 22 : place.w - 48;
      place.whyAt = place.w >= 620 ? place.rowAt + (rows ? 58 : 0) : 0;
    }

    function edge(parent, t, place) {
      const from = t.parent === ROOT && place.at.has(ROUTE) ? ROUTE : t.parent, [x, y] = place.at.get(t.id), [a, b] = place.at.get(from), mid = (a + x) / 2;
      const d = data.sideways ? "M" + a + " " + b + "C" + mid + " " + b + " " + mid + " " + y + " " + x + " " + y : a === x ? "M" + a + " " + b + "V" + y : "M" + a + " " + b + "V" + (y - 12) + "Q" + a + " " + y + " " + (a + 12) + " " + y + "H" + x;
      shape(parent, "path", { d, class: "um-tree-edge um-tree-" + t.state + (t.step ? " um-tree-on" : "") });
      if (t.parent === ROOT && from === ROUTE && !parent.querySelector(".um-tree-stem")) shape(parent, "path", { d: "M" + a + " " + place.at.get(ROOT)[1] + "V" + b, class: "um-tree-edge um-tree-stem" });
    }

    function diamond(place) {
      const [x, y] = place.at.get(ROUTE), r = data.route, skipped = r.choice === "no";
      const g = shape(svg, "g", { class: "um-tree-route" });
      shape(g, "path", { d: "M" + x + " " + (y - 13) + "l13 13l-13 13l-13 -13z" });
      shape(g, "text", { x, y: y + 4, class: "um-tree-glyph" }, skipped ? "»" : "✓");
      const said = say("verify", { choice: r.choice }) + (r.rule ? ": " + r.rule : "") + (skipped ? say("skipped") : "");
      shape(g, "text", { x: x + 28, y: y + 4, class: "um-tree-name" }, fit(said, SANS, place.w - x - 34));
      shape(g, "title", {}, said + r.facts.map(([name, value]) => "\n" + name + " = " + num(value)).join(""));
    }

    function node(t, place) {
      const [x, y] = place.at.get(t.id), root = t.id === ROOT, row = t.row >= 0 && !root ? say("row", { n: t.row }) : "";
      const spoken = t.folded ? say("moreSpoken", { n: t.folded }) : [t.step ? say("step", { n: t.step }) : "", root ? say("canvas") : t.label, row, root ? "" : stateName(t.state)].filter(Boolean).join(", ");
      const g = shape(svg, "g", { class: "um-tree-node um-tree-" + t.state + (t.folded ? " um-tree-folded" : ""), role: "button", tabindex: t.id === focus ? "0" : "-1", "aria-label": spoken, "data-id": t.id });
      nodes.set(t.id, { g, t });
      if (t.folded) attrs(g, { "aria-expanded": "false" });
      // Also where it is not seen: as large as a finger.
      if (data.sideways) shape(g, "rect", { x: x - 18, y: y - 24, width: t.folded ? 200 : 36, height: 38, class: "um-tree-hit" });
      else shape(g, "rect", { x: 2, y: y - place.line / 2, width: place.w - 4, height: place.line, rx: 4, class: "um-tree-hit" });
      shape(g, "circle", { cx: x, cy: y, r: R + 3.5, class: "um-tree-ring" });
      shape(g, "circle", { cx: x, cy: y, r: R, class: "um-tree-dot" });
      shape(g, "text", { x, y: y + 4.5, class: "um-tree-glyph" }, t.folded ? "+" : mark(t.state));
      if (t.folded) shape(g, "text", { x: x + R + 7, y: y + 4, class: "um-tree-name" }, fit(t.label, MONO, Math.min(place.w, width()) - x - R - 18) === t.label ? t.label : say("more", { n: t.folded }));
      else if (data.sideways) {
        shape(g, "text", { x, y: y - 16, class: "um-tree-name um-tree-mid" }, place.name(t));
        if (t.row > 0) shape(g, "text", { x: x - R - 5, y: y - 3, class: "um-tree-row" }, String(t.row));
      } else {
        shape(g, "text", { x: x + R + 9, y: y + 4, class: "um-tree-name" }, place.name(t));
        if (t.row > 0) shape(g, "text", { x: place.rowAt, y: y + 4 }, row);
        if (place.whyAt && !root) shape(g, "text", { x: place.whyAt, y: y + 4 }, fit(t.why, SANS, place.w - place.whyAt - 6));
      }
      shape(g, "title", {}, t.label + "\n" + t.why);
      g.addEventListener("click", () => { slot = 0; if (t.folded) unfold(t); else pick(t); });
      g.addEventListener("keydown", (e) => keyed(e, t));
      if (t.folded) return;
      g.addEventListener("mouseenter", () => stage.note(t.label, about(t), true));
      g.addEventListener("mouseleave", () => stage.note());
    }

    function keyed(e, t) {
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); e.stopPropagation(); return t.folded ? unfold(t) : pick(t); }
      const i = order.indexOf(t), child = order.find((o) => o.parent === t.id && o.id !== ROOT);
      const to = e.key === "ArrowDown" ? order[i + 1] : e.key === "ArrowUp" ? order[i - 1] : e.key === "ArrowRight" ? child : e.key === "ArrowLeft" ? nodes.get(t.parent) && nodes.get(t.parent).t : undefined;
      if (!/^Arrow/.test(e.key)) return;
      e.preventDefault();
      e.stopPropagation();
      if (!to || to === t) return;
      nodes.get(focus).g.setAttribute("tabindex", "-1");
      focus = to.id;
      slot = 0;
      attrs(nodes.get(focus).g, { tabindex: "0" }).focus();
    }

    /** Everything known of a node, as sentences. */
    function about(t) {
      if (t.id === ROOT) return [say(data.depths.length && data.depths[0][1].length ? "rootFilled" : "rootRow")];
      const out = [t.why.charAt(0).toUpperCase() + t.why.slice(1) + "."];
      if (t.q !== null) out.push(say(t.p === null ? "odds1" : "odds2", { q: prob(t.q), p: t.p === null ? "" : prob(t.p) }));
      if (t.rank !== null) out.push(t.rank ? say("rank", { n: t.rank }) : say("noRank"));
      if (t.score !== null && !(t.bar === 1 && (t.score === 0 || t.score === 1))) out.push(say("score", { score: num(t.score), bar: num(t.bar) }));
      if (t.row > 0) out.push(say("holds", { n: t.row }));
      return out;
    }

    function pick(t) {
      focus = t.id;
      const pos = filled(t);
      stage.note(t.label, about(t));
      stage.seek(data.at, { pos: pos === undefined ? null : pos, node: t.id >= 0 ? t.id : null, cell: t.id >= 0 ? null : String(t.id) });
    }

    function ring(cursor) {
      // What the reader has pinned is not left in a fold.
      const fold = drawn.find((t) => t.folded && t.of.includes(cursor.node));
      if (fold) { unfolded.add(fold.parent); return draw(); }
      const id = cursor.node !== null && nodes.has(cursor.node) ? cursor.node : cursor.cell === String(ROOT) ? ROOT : cursor.cell === String(FREE) ? FREE : null;
      picked = id === null ? null : nodes.get(id) && nodes.get(id).t;
      for (const [other, { g }] of nodes) g.classList.toggle("um-tree-pinned", other === id);
      for (const g of batch.querySelectorAll("[data-row]")) g.classList.toggle("um-tree-here", !!picked && picked.row >= 0 && Number(g.dataset.row) === picked.row);
      tell();
    }

    function tell() {
      told.hidden = !picked;
      if (!picked) return;
      const t = picked, go = el("span", "um-tree-go");
      if (has("mask") && t.row >= 0) go.append(button(say("inMask"), () => stage.open("mask")));
      if (t.id !== ROOT) go.append(button(say("inGrid"), () => stage.open("grid")));
      if (t.other >= 0) go.append(button(say("insteadOf"), () => stage.seek(round().stop, { pos: t.other })));
      told.replaceChildren(el("b", "um-tree-which", t.label), el("span", "", about(t)[0]), go);
    }

    // ---------------------------------------------------------------------------------------------- what was fed
    /** Rows of [state, text, own] over `columns`; `own` cells carry a glyph. Cells are paths, one per state: a batch may have thousands. */
    function sheet(columns, rows, { cell, tall, left, labels, texts, hover, name, from }) {
      const w = columns.length * cell + 2, h = 18 + rows.length * tall + 2, paths = new Map(), every = Math.max(1, Math.ceil(26 / cell));
      const size = (width) => ({ width, height: h, viewBox: "0 0 " + width + " " + h, class: "um-tree-sheet" });
      const names = shape(null, "svg", Object.assign(size(left), { "aria-hidden": "true" })), g = shape(null, "svg", Object.assign(size(w), { role: "img", "aria-label": name }));
      columns.forEach((pos, i) => { if (i % every === 0 && (i || cell > 20)) shape(g, "text", { x: i * cell + cell / 2, y: 12, class: "um-tree-axis" }, String(pos)); });
      const under = shape(g, "g"), marks = shape(g, "g");
      rows.forEach((row, r) => {
        const y = 18 + r * tall;
        shape(names, "text", { x: left - 6, y: y + tall / 2 + 4, class: "um-tree-end" }, labels[r]);
        row.forEach((c, i) => {
          if (!c) return;
          const x = i * cell, look = { x: x + cell / 2, y: y + tall / 2 + 3.5, class: "um-tree-glyph um-tree-in-" + c[0] + (cell < 12 ? " um-tree-tiny" : "") };
          paths.set(c[0], (paths.get(c[0]) || "") + "M" + (x + 0.5) + " " + (y + 1) + "h" + (cell - 1) + "v" + (tall - 3) + "h" + (1 - cell) + "z");
          if (texts) shape(marks, "text", look, c[0] === "masked" ? GLYPH.masked : fit(c[1], MONO, cell - 4));
          else if (c[2] && GLYPH[c[0]]) shape(marks, "text", look, GLYPH[c[0]]);
        });
        shape(g, "rect", { x: 1, y, width: w - 2, height: tall - 1, class: "um-tree-line" + (data.beat === 2 ? " um-tree-lit" : ""), "data-row": r });
      });
      for (const [state, d] of paths) shape(under, "path", { d, class: "um-tree-fill um-tree-" + state });
      const cellAt = (e) => { const b = g.getBoundingClientRect(), i = Math.floor((e.clientX - b.left) / cell), r = Math.floor((e.clientY - b.top - 18) / tall); return rows[r] && rows[r][i] ? [r, i] : null; };
      g.addEventListener("mousemove", (e) => { const c = cellAt(e); if (c) stage.note(...hover(...c), true); else stage.note(); });
      g.addEventListener("mouseleave", () => stage.note());
      g.addEventListener("click", (e) => { const c = cellAt(e); if (c) stage.seek(data.at, { pos: columns[c[1]] }); });
      const frame = el("div", "um-tree-frame"), roll = el("div", "um-tree-scroll");
      roll.append(g);
      frame.append(names, roll);
      // Only what does not fit can be rolled, and only that needs the keyboard.
      if (w > width() - left) attrs(roll, { tabindex: "0", role: "group", "aria-label": name });
      const wanted = (from || 0) * cell;
      setTimeout(() => { if (!roll.scrollLeft && wanted + 40 > roll.clientWidth) roll.scrollLeft = wanted - roll.clientWidth / 3; }, 0);
      return { frame, roll, g };
    }

    function drawPacked() {
      const strip = data.strip;
      packed.hidden = !strip.length;
      if (!strip.length) return;
      const columns = [...new Set(strip.map((f) => f[0]))].sort((a, b) => a - b), count = (kind) => strip.filter((f) => f[2] === kind).length;
      const rows = Array.from({ length: 1 + Math.max(...strip.map((f) => f[3])) }, () => columns.map(() => null));
      for (const [pos, text, , line, state] of strip) rows[line][columns.indexOf(pos)] = [state, text, true];
      const labels = rows.map((row, r) => { const kinds = new Set(strip.filter((f) => f[3] === r).map((f) => f[2])); return [...kinds].map((k) => say("f_" + k)).join(" | "); });
      const left = 96, cell = Math.max(24, Math.min(64, (width() - left - 8) / columns.length));
      const parts = ["known", "draft", "mask"].filter(count).map((k) => say("n_" + k, { n: count(k) }));
      const said = say(count("mask") ? "fedMasks" : "fed", { n: strip.length, parts: parts.join(" | ") });
      const hover = (r, i) => { const f = strip.find((x) => x[3] === r && x[0] === columns[i]); return [say("fedAt", { pos: f[0] }), [say("t_" + f[2], { i: 1 + strip.indexOf(f), all: strip.length, text: f[1] })]]; };
      const { frame, g } = sheet(columns, rows, { cell, tall: 26, left, labels, texts: true, hover, name: said });
      const first = strip.findIndex((f) => f[2] === "draft");
      if (first > 0 && strip[first - 1][2] === "known") shape(g, "path", { d: "M" + columns.indexOf(strip[first][0]) * cell + " 16v28", class: "um-tree-bar" });
      packed.replaceChildren(el("p", "um-tree-cost", said), frame, attrs(el("p", "um-tree-cost", data.cost), { lang: "en" }));
    }

    function drawBatch() {
      const t = data.table, kept = batch.contains(document.activeElement), rolled = batch.querySelector(".um-tree-scroll");
      batch.hidden = !t.root.length;
      if (!t.root.length) return void batch.replaceChildren();
      const toggle = attrs(button((open ? "▾ " : "▸ ") + say(data.beat === 1 ? "toSend" : "sent"), () => { open = !open; drawBatch(); ring(stage.cursor()); }, "um-tree-toggle"), { "aria-expanded": String(open) });
      const head = el("div", "um-tree-head");
      head.append(toggle, attrs(el("span", "um-faint", data.cost), { lang: "en" }));
      batch.replaceChildren(head);
      if (open) {
        const columns = t.root.map((_, i) => t.start + i), base = t.root.map(([state, text]) => [state, text, false]);
        const rows = t.rows.map((own) => { const row = base.slice(); for (const [pos, state, text] of own) row[pos - t.start] = [state, text, true]; return row; });
        const left = 30, cell = Math.max(8, Math.min(26, (width() - left - 6) / columns.length)), from = Math.max(0, rows[rows.length - 1].findIndex((c) => c[2]));
        const name = say("batch", { n: rows.length, a: columns[0], b: columns[columns.length - 1], cost: data.cost });
        const hover = (r, i) => [say("cellAt", { row: r, pos: columns[i] }), [say("cell", { text: rows[r][i][1], state: stateName(rows[r][i][0]) })]];
        const { frame, roll } = sheet(columns, rows, { cell, tall: rows.length > 10 ? 17 : 20, left, labels: rows.map((_, r) => String(r)), hover, name, from });
        const keys = el("p", "um-tree-keys um-faint"), ground = ["prompt", "committed", "masked"].filter((state) => t.root.some(([s]) => s === state));
        keys.append(el("span", "", say("batchKey")));
        for (const state of ground) {
          const item = el("span", "um-tree-key"), k = shape(null, "svg", { width: 14, height: 14, "aria-hidden": "true" });
          shape(k, "rect", { x: 1, y: 1, width: 12, height: 12, class: "um-tree-fill um-tree-" + state });
          item.append(k, el("span", "", say("k_" + state)));
          keys.append(item);
        }
        batch.append(frame, keys);
        if (rolled) roll.scrollLeft = rolled.scrollLeft;
      }
      if (kept) toggle.focus();
    }

    function drawLegend() {
      legend.classList.toggle("um-tree-proposed", data.beat === 1);
      const states = new Set(data.twigs.filter((t) => t.id !== ROOT).map((t) => t.state).concat(data.depths.length && data.depths[0][1].length ? "unmasked" : []));
      legend.replaceChildren(...STATES.filter((s) => states.has(s)).map((s) => {
        const item = el("span", "um-tree-key"), k = shape(null, "svg", { width: 18, height: 18, "aria-hidden": "true" });
        const g = shape(k, "g", { class: "um-tree-node um-tree-" + s });
        shape(g, "circle", { cx: 9, cy: 9, r: 8, class: "um-tree-dot" });
        shape(g, "text", { x: 9, y: 13, class: "um-tree-glyph" }, GLYPH[s] || "");
        item.append(k, el("span", "", say("s_" + s)));
        return item;
      }));
      if (data.sideways) legend.append(el("span", "um-faint", say("sideways")));
    }

    return {
      show(payload, cursor) {
        data = payload;
        if (run !== cursor.run) { run = cursor.run; focus = ROOT; slot = 0; whole = false; batch.replaceChildren(); }
        if (round_ !== data.n) { round_ = data.n; unfolded = new Set(); }
        put(sentence, data.sentence);
        drawBeats();
        drawLegend();
        drawPacked();
        drawBatch();
        draw();
      },
      cursor: ring,
      translated(noted) { if (noted && picked) stage.note(picked.label, about(picked)); }, // the rest is said when it is shown
      csv() {
        const rows = [["round", "node", "parent", "row", "positions", "text", "q", "p", "rank", "score", "bar", "state", "step", "reason"]];
        const base = data.depths.length ? data.depths[0][1] : [];
        if (base.length) rows.push([data.n, "", "", 0, base.map(([pos]) => pos).join(" "), base.map(([pos, text]) => "+" + pos + " ‘" + text + "’").join(", "), "", "", "", "", "", "unmasked", "", "filled in without a draft"]);
        for (const t of data.twigs) if (t.id !== ROOT) rows.push([data.n, t.id === FREE ? "" : t.id, t.parent < 0 ? "" : t.parent, t.row < 0 ? "" : t.row, fills(t).join(" "), t.label, t.q, t.p, t.rank, t.score, t.bar, t.state, t.step || "", t.why].map((v) => (v === null ? "" : v)));
        return rows;
      },
      figure: () => svg,
    };
  }

  Unmasked.lens("tree", make);
})();
