/* The attention mask of a call: a cell for each query and key, coloured by the rule that opens or closes it.
 *
 * Python says everything that has to be known about a call (viz/views/mask.py): its keys, the rule of each run of cells
 * and a template for each rule's sentence. Here it is drawn, counted and filled in. Text of tokens goes to the canvas
 * and to textContent only. */
(() => {
  "use strict";
  const { el, attrs, put, svg, num } = Unmasked.kit;

  const WORDS = {
    rules: "Rules", call: "Call", row: "Row of the batch", against: "Outline against", back: "← All tiles",
    lanes: "The rows are sequences of one batch: they never see each other.",
    none: "nothing", full: "full attention", causal: "causal", block: "block-causal ({n})",
    differ: "{n} of {all} cells would differ.", differ0: "No cell would differ.",
    callName: "{i}. {role}, {model}", cells: "{open} of {all} cells open",
    allOpen: "Every cell is open here: this model sees the whole canvas.", allOpenCall: "Every cell is open in this call.",
    closedOnes: "Masks with closed cells:", elsewhere: "Closed cells are in other calls of this run.", stepOpen: "{name} (all open)",
    next: "Next closed cell", nextIn: "Next closed cell, in another call", nextRound: "Next closed cell, in another round",
    may: "may see", maynot: "may not see", isolate: "Show only: {title}",
    hint: "Point at a cell to read its rule; click to pin it. A token's name shows its row or column.",
    keys: "Attention mask, {q} queries by {k} keys. Arrow keys move, Enter pins, R shows the row, C the column, N the next closed cell.",
    sees: "Query {name} sees {n} of {all} keys: {parts}.", seesNone: "Query {name} sees none of {all} keys.",
    read: "Key {name} is read by {n} of {all} queries: {parts}.", readNone: "Key {name} is read by none of {all} queries.",
    part: "{n} {title}", cached: "cached key {name}", key: "key {name}", cachedBar: "cached",
    tile: "Queries {a} to {b}, keys {c} to {d}: {n} of {all} cells {what}.", open: "open", ofRule: "of this rule",
    tileOpen: "open", tilePart: "partly open", tileClosed: "closed",
    tileHint: "{k} keys are too many to draw one by one: a tile is {n} by {n} cells. Click one to see its cells.",
    fedTwice: "Positions on a coloured ground are fed more than once: the same place for RoPE, another token.",
    query: "query", keyAxis: "key",
    story: "Masks of other methods on this prompt", storyKeys: "Masks of other methods on this prompt: ← → step from mask to mask, Escape goes back to this run",
    home: "← Back to this run", step: "{i}. {title} · {run}", storyFailed: "The mask could not be fetched: {error}",
    guest: "{run} on {model}, {role} call of round {round}", guestOn: "recorded on {hardware}", thisRun: "this run",
    t_causal: "Causal", w_causal: "A query sees itself and what stands to its left: one call can check many tokens at once, and can write only the next one.",
    t_full: "Full", w_full: "Every query sees every position, to its left and to its right: masks can be filled anywhere, and each fill changes what all others see.",
    t_block: "Block-causal", w_block: "Inside a block of {block} a query sees both directions; later blocks are closed, so what is finished can stay in a cache.",
    t_tree: "Tree in rows", w_tree: "{rows} rows of one batch, a branch each: a draft sees its own branch and no draft of another row. Each row feeds all {queries} queries again.",
    t_temporal: "Reference mask", w_temporal: "One row takes the place of many: behind each draft comes a mask copy of its position, and both see only what lay on the canvas when the draft was made.",
    t_doubled: "[data | mask]", w_doubled: "The drafts are read token by token; each mask copy sees the drafts before it and no other mask, so its row is one autoregressive step.",
    t_shadows: "[text | shadows]", w_shadows: "A shadow mask sees the whole text but not the token of its own position, so every token that is filled in is judged again in the same call.",
    otherModel: "It runs on another model ({model}) than {name} ({other}).",
    beside: "Against {name}: {parts}.", besideNone: "It has no query in common with {name}.", mask: "mask {i} ({title})", ownMask: "the mask of this run",
    opens: "{n} cell opens|{n} cells open", closes: "{n} cell closes|{n} cells close", stays: "none of the {n} cells that both have changes", ofBoth: " of {n} that both have",
    comes: "{q} and {k} are new", goes: "{q} and {k} are not here", queries: "{n} query|{n} queries", keysN: "{n} key|{n} keys",
    raster: "The cells are a picture, because there are more than {n} rows or columns.",
  };
  const say = Unmasked.words("mask", WORDS);
  // In this order one mask leads to the next.
  const STEPS = ["causal", "full", "block", "tree", "temporal", "doubled", "shadows"];
  const COLUMNS = ["row", "query", "query token", "key", "key token", "cached", "open", "rule", "sentence"];
  const MANY = 256, TILES = 64, WINDOW = 96;
  const MORPH = 200; // milliseconds
  const PRINT = 96; // more rows or columns are no vectors in an exported figure
  const BARS = { prompt: "--um-rule", committed: "--um-under", block: "--um-accent", drafted: "--um-drafted", masks: "--um-masked", copies: "--um-violet" };

  const clamp = (x, lo, hi) => Math.max(lo, Math.min(hi, x));
  // In one pass, so that braces in a token stay what they are.
  const fill = (text, parts) => text.replace(/\{(\w+)\}/g, (_, name) => (parts[name] === undefined ? "" : parts[name]));

  /** "one cell|{n} cells" with a number, thousands apart. */
  const count = (text, n) => fill(text.split("|")[n === 1 ? 0 : 1], { n: num(n) });

  /** A call with one row of its batch: what is where, and by which rule. */
  class Matrix {
    constructor(data, call, lane) {
      this.data = data;
      this.call = call;
      this.names = Object.keys(data.groups);
      this.keys = call.keys.slice();
      for (const [i, ...key] of call.lanes[lane][1]) this.keys[i] = key;
      this.cached = call.cached;
      this.queries = call.line.length;
      this.expanded = new Map();
      this.own = Int16Array.from(this.keys, (key) => key[3]);
      const fed = new Map();
      this.keys.forEach((key) => fed.set(key[0], (fed.get(key[0]) || 0) + 1));
      this.twice = this.keys.map((key) => fed.get(key[0]) > 1);
      // What a row or a column is in another call too: its position, and whether it is a mask copy.
      const nth = new Map();
      this.ids = this.keys.map(([pos, , group]) => {
        const id = pos + (this.names[group] === "copies" ? " copy" : ""), n = nth.get(id) || 0;
        nth.set(id, n + 1);
        return n ? id + " " + n : id;
      });
    }

    /** The rules of row `line` of the call, cell by cell, but for the query itself. */
    row(line) {
      let out = this.expanded.get(line);
      if (out) return out;
      out = new Uint8Array(this.keys.length);
      const runs = this.call.rows[line], rules = this.data.rules;
      for (let i = 0, start = 0; i < runs.length; start = runs[i], i += 2) {
        const rule = runs[i + 1];
        if (!rules[rule][0]) { out.fill(rule, start, runs[i]); continue; }
        for (let k = start; k < runs[i]; k++) out[k] = this.own[k] < 0 ? rule : this.own[k];
      }
      if (this.expanded.size * out.length < 1 << 24) this.expanded.set(line, out);
      return out;
    }

    rule(q, k) {
      const rule = this.row(this.call.line[q])[k];
      return k === this.cached + q && this.data.rules[rule][0] ? this.data.self : rule;
    }

    open(q, k) { return this.data.rules[this.rule(q, k)][0] === 1; }

    /** The first closed cell behind cell {q, k} in reading order, after the last one again the first; null: all are open. */
    closedAfter(cell) {
      const n = this.keys.length, all = this.queries * n;
      for (let step = 1, i = cell ? cell.q * n + cell.k : -1; step <= all; step++) {
        const at = (i + step) % all, q = Math.floor(at / n), k = at % n;
        if (!this.open(q, k)) return { q, k };
      }
      return null;
    }

    /** How many cells each rule has, in all or in a row or a column. */
    counts(q, k) {
      const out = new Array(this.data.rules.length).fill(0);
      if (k !== undefined) for (let i = 0; i < this.queries; i++) out[this.rule(i, k)]++;
      else for (let i = q === undefined ? 0 : q; i < (q === undefined ? this.queries : q + 1); i++) {
        const row = this.row(this.call.line[i]);
        for (let j = 0; j < row.length; j++) out[row[j]]++;
        const here = row[this.cached + i], mine = this.rule(i, this.cached + i);
        out[here]--;
        out[mine]++;
      }
      return out;
    }

    /** What another rule would do with the cell: by position, so that a token fed twice is where it belongs. */
    other(kind, q, k) {
      if (kind === "full") return true;
      const a = this.keys[this.cached + q][0], b = this.keys[k][0], size = this.data.block, from = this.data.origin;
      return kind === "causal" ? b <= a : Math.floor((b - from) / size) <= Math.floor((a - from) / size);
    }

    differs(kind, q, k) { return kind !== "none" && this.other(kind, q, k) !== this.open(q, k); }

    named(key) {
      const kind = this.data.groups[this.names[key[2]]][1];
      return key[0] + " ‘" + key[1] + "’" + (kind ? " (" + kind + ")" : "");
    }

    keyName(k) { return fill(k < this.cached ? say("cached") : say("key"), { name: this.named(this.keys[k]) }); }

    sentence(q, k) {
      const query = this.keys[this.cached + q], key = this.keys[k];
      return fill(this.data.rules[this.rule(q, k)][3], { q: this.named(query), k: this.keyName(k), qn: query[4], kn: key[4] }) + this.call.unsure;
    }
  }

  /** What changes from mask `a` to mask `b`: cells that open and close among `both`, the cells that have a query and a key in each; queries and
   *  keys that come and go; `changed`, a 1 for each cell of `b` that opens or closes. */
  function compare(a, b) {
    const place = new Map(a.ids.map((id, i) => [id, i])), keys = b.ids.map((id) => place.get(id)), fed = (i) => i !== undefined && i >= a.cached;
    const out = { opened: 0, closed: 0, both: 0, changed: new Uint8Array(b.queries * b.keys.length) };
    let queries = 0;
    for (let q = 0; q < b.queries; q++) {
      const from = keys[b.cached + q];
      if (!fed(from)) continue;
      queries++;
      for (let k = 0; k < keys.length; k++) {
        if (keys[k] === undefined) continue;
        out.both++;
        const is = b.open(q, k);
        if (is === a.open(from - a.cached, keys[k])) continue;
        out[is ? "opened" : "closed"]++;
        out.changed[q * keys.length + k] = 1;
      }
    }
    const shared = keys.filter((i) => i !== undefined).length;
    return Object.assign(out, { newQueries: b.queries - queries, oldQueries: a.queries - queries, newKeys: b.ids.length - shared, oldKeys: a.ids.length - shared });
  }

  const mix = (a, b, t) => (a === null ? b : b === null ? a : a + (b - a) * t);

  /** The way from one drawn mask to another. A scene is {matrix, view, left, top, size, image}; what both have moves to its new place, and a cell
   *  whose look changes fades from one to the other. */
  class Morph {
    constructor(from, to) {
      Object.assign(this, { from, to });
      const axis = (side) => {
        const out = new Map();
        for (const [end, scene] of [["a", from], ["b", to]]) {
          const { matrix: m, view: v } = scene, first = side ? m.cached + v.q : v.k, n = side ? v.qs : v.ks;
          for (let i = 0; i < n; i++) {
            const id = m.ids[first + i], line = out.get(id) || { a: null, b: null, aAt: null, bAt: null };
            line[end] = side ? v.q + i : v.k + i;
            line[end + "At"] = (side ? scene.top : scene.left) + i * scene.size;
            out.set(id, line);
          }
        }
        return out;
      };
      this.rows = axis(true);
      this.columns = axis(false);
      const looks = new Map(), look = (scene, q, k) => (q === null || k === null ? "" : scene.matrix.data.rules[scene.matrix.rule(q, k)][1]);
      for (const row of this.rows.values()) for (const column of this.columns.values()) {
        const was = look(from, row.a, column.a), is = look(to, row.b, column.b);
        if (!was && !is) continue;
        const name = was + ">" + is;
        if (!looks.has(name)) looks.set(name, { was, is, cells: [] });
        looks.get(name).cells.push(row, column);
      }
      this.looks = [...looks.values()];
    }

    /** Where a row or column is at `t`, from 0 to 1. */
    static at(line, t) { return mix(line.aAt, line.bAt, t); }

    draw(g, t, ink, dpr) {
      const { from, to } = this, at = Morph.at, colour = (look) => (look === "later" ? ink.page : ink.look[look]);
      const gap = Math.max(from.size, to.size) > 9 ? 1 : 0.5, size = { a: from.size - gap, b: to.size - gap, both: mix(from.size, to.size, t) - gap };
      for (const [scene, alpha] of [[from, 1 - t], [to, t]]) {
        // The names, which stand above and to the left.
        const { image, top, left } = scene, h = Math.round(top * dpr), w = Math.round(left * dpr);
        g.globalAlpha = alpha;
        if (h) g.drawImage(image, 0, 0, image.width, h, 0, 0, image.width / dpr, h / dpr);
        if (image.height > h) g.drawImage(image, 0, h, w, image.height - h, 0, h / dpr, w / dpr, (image.height - h) / dpr);
      }
      for (const { was, is, cells } of this.looks) {
        const s = was && is ? size.both : was ? size.a : size.b;
        for (const [look, alpha] of was === is ? [[was, 1]] : [[was, 1 - t], [is, t]]) {
          if (!look) continue;
          g.globalAlpha = alpha;
          g.fillStyle = ink.line;
          if (look === "later") for (let i = 0; i < cells.length; i += 2) g.fillRect(at(cells[i + 1], t) - gap / 2, at(cells[i], t) - gap / 2, s + gap, s + gap);
          g.fillStyle = colour(look);
          for (let i = 0; i < cells.length; i += 2) g.fillRect(at(cells[i + 1], t), at(cells[i], t), s, s);
        }
      }
      g.globalAlpha = 1;
    }
  }

  class Mask {
    constructor(stage) {
      this.stage = stage;
      this.data = null;
      this.choice = null; // {role, model, nth}: the call the reader picked, looked for in every round
      this.lane = 0;
      this.node = null;
      this.against = "none";
      this.only = null; // the title of the rule that is shown alone: rules are numbered anew in every round
      this.window = null;
      this.focus = { q: 0, k: 0 };
      this.tile = 1;
      this.hover = null;
      this.pinned = null; // {q, k}, {q} or {k}
      this.guest = null; // a step of the story that is shown in place of this run: {kind, run, at, call, head, payload}
      this.known = []; // the steps that there are for this prompt
      this.payloads = new Map();
      this.changed = null; // cells that differ from the mask before, outlined where motion is not wanted
      this.morph = null;
      this.ticket = 0;
      this.build();
    }

    build() {
      const box = this.stage.box;
      box.classList.add("um-mask");
      this.bar = el("div", "um-mask-bar");
      this.callBox = this.select((value) => this.pickCall(Number(value)));
      this.laneBox = this.select((value) => { this.lane = Number(value); this.pinned = null; this.read(); });
      this.againstBox = this.select((value) => { this.against = value; this.paint(); });
      this.back = attrs(el("button", "um-btn"), { type: "button" });
      this.back.addEventListener("click", () => { this.window = null; this.hover = this.pinned = null; this.layout(); this.frame.focus(); });
      this.bar.append(this.callBox.label, this.laneBox.label, this.againstBox.label, this.back);
      this.buildStory();
      this.rule = el("p", "um-mask-rule");
      this.doubt = el("p", "um-mask-doubt");
      this.legend = attrs(el("div", "um-mask-legend"), { role: "group" });
      this.lead = el("p", "um-mask-lead");
      this.telling = el("div", "um-mask-telling");
      this.said = el("p", "um-mask-said");
      this.next = attrs(el("button", "um-btn um-mask-next"), { type: "button" });
      this.next.addEventListener("click", () => this.toClosed());
      this.telling.append(this.said, this.next);
      this.aloud = attrs(el("p", "um-aloud"), { role: "status" });
      this.frame = attrs(el("div", "um-mask-frame"), { tabindex: "0", role: "application" });
      this.canvas = attrs(el("canvas", "um-mask-canvas"), { "aria-hidden": "true" });
      this.frame.append(this.canvas);
      this.note = el("p", "um-mask-note");
      box.append(this.bar, this.rule, this.doubt, this.lead, this.story, this.legend, this.telling, this.frame, this.note, this.aloud);
      this.frame.addEventListener("keydown", (e) => this.key(e));
      this.frame.addEventListener("focus", () => { if (this.matrix) this.speak(true); });
      this.frame.addEventListener("blur", () => this.over());
      this.canvas.addEventListener("pointermove", (e) => this.point(this.at(e)));
      this.canvas.addEventListener("pointerleave", () => this.point(null));
      this.canvas.addEventListener("click", (e) => this.click(this.at(e)));
      this.sizes = new ResizeObserver(() => {
        if (this.data && box.clientWidth && box.clientWidth !== this.width) this.layout();
      });
      this.sizes.observe(box);
      this.names();
    }

    /** What stands for good. */
    names() {
      for (const [pick, key] of [[this.callBox, "call"], [this.laneBox, "row"], [this.againstBox, "against"]]) {
        put(pick.caption, say(key));
        attrs(pick.field, { "aria-label": say(key) });
      }
      for (const [node, key] of [[this.back, "back"], [this.next, "next"], [this.home, "home"], [this.storyName, "story"]]) put(node, say(key));
      attrs(this.legend, { "aria-label": say("rules") });
      attrs(this.steps, { "aria-label": say("storyKeys") });
    }

    role({ role }) { const name = this.stage.words("role_" + role); return name === "role_" + role ? role : name; }

    translated(noted) {
      this.names();
      this.legendState = "";
      if (this.data && !this.story.hidden) {
        this.drawSteps();
        this.tellStory(this.came);
      }
      if (noted && this.pinned && this.matrix) this.remark(this.pinned);
    }

    buildStory() {
      this.story = el("div", "um-mask-story");
      this.story.hidden = true;
      this.steps = attrs(el("div", "um-mask-steps"), { role: "toolbar" });
      this.home = attrs(el("button", "um-mask-entry um-mask-home"), { type: "button" });
      this.home.addEventListener("click", () => this.leave());
      this.whose = el("p", "um-mask-whose");
      this.because = attrs(el("p", "um-mask-because"), { role: "status" });
      this.storyName = el("span", "um-caption");
      this.story.append(this.storyName, this.steps, this.because, this.whose);
      this.steps.addEventListener("keydown", (e) => {
        const here = this.known.findIndex((s, i) => this.steps.children[i] === document.activeElement), last = this.known.length - 1;
        const to = { ArrowRight: Math.min(last, here + 1), ArrowLeft: here < 0 ? last : Math.max(0, here - 1), Home: 0, End: last }[e.key];
        if (e.ctrlKey || e.altKey || e.metaKey || e.shiftKey || (to === undefined && !(e.key === "Escape" && this.guest))) return;
        e.preventDefault();
        e.stopPropagation(); // the same keys move the cursor of the player
        if (to === undefined) return this.leave();
        this.steps.children[to].focus();
        this.visit(this.known[to]);
      });
    }

    select(change) {
      const label = el("label", "um-mask-pick"), field = el("select", "um-select"), caption = el("span", "um-caption");
      field.addEventListener("change", () => change(field.value));
      label.append(caption, field);
      return { label, field, caption };
    }

    options(pick, entries, value) {
      pick.field.replaceChildren(...entries.map(([key, name]) => attrs(el("option", "", name), { value: key })));
      pick.field.value = String(value);
    }

    // ------------------------------------------------------------------------------------ what is shown
    show(payload, cursor) {
      // Drawn anew in another theme or width; a reader who steps on in this run has left the others.
      const stays = this.guest && this.run === cursor.run && this.moment === cursor.at;
      if (this.guest && !stays) this.end();
      const same = this.mine && this.mine.round === payload.round && this.mine.before === payload.before && this.run === cursor.run && this.mine.calls.length === payload.calls.length;
      if (this.run !== cursor.run) { this.choice = this.only = null; }
      this.mine = payload;
      this.moment = cursor.at;
      if (this.run !== cursor.run || this.finished !== this.stage.model().finish) {
        this.run = cursor.run;
        this.finished = this.stage.model().finish;
        this.gather();
      }
      if (stays) return this.read();
      this.data = payload;
      if (!same || cursor.cell === null) this.pinned = null;
      this.hover = null;
      this.call = this.find();
      if (!same) { this.lane = payload.calls[this.call].lane; this.window = null; this.node = null; }
      this.bring(cursor);
      this.read();
      // Behind the drawing: a cell that is pinned moves the cursor.
      if (this.seeking === cursor.at) setTimeout(() => this.toClosed());
      this.seeking = null;
    }

    // ------------------------------------------------------------------------------------ masks of other methods
    /** Asks which masks there are for this prompt; without a server that knows other runs there are none. */
    async gather() {
      const { host } = this.stage, ticket = ++this.ticket, run = this.run;
      this.known = [];
      this.story.hidden = true;
      if (!host.masks || !host.figures || !this.finished) return;
      let reply;
      try { reply = await host.masks({ run, seen: Array.from(host.seen || []) }); } catch (error) { return console.error(error); }
      if (ticket !== this.ticket || !reply.masks || !reply.masks.some((step) => step.run !== run)) return;
      const order = STEPS;
      this.known = reply.masks.filter((step) => order.includes(step.kind)).sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
      this.drawSteps();
      this.story.hidden = false;
      this.tellStory();
      this.leadOn();
    }

    drawSteps() {
      const here = Array.from(this.steps.children).indexOf(document.activeElement);
      this.steps.replaceChildren(...this.known.map((step, i) => {
        const title = say("t_" + step.kind), said = fill(say("step"), { i: i + 1, title, run: step.run === this.run ? say("thisRun") : step.head.title });
        const name = step.closed ? said : fill(say("stepOpen"), { name: said });
        const b = attrs(el("button", "um-mask-entry", name), { type: "button" });
        b.addEventListener("click", () => (this.guest === step ? this.leave() : this.visit(step)));
        return b;
      }), this.home);
      if (here >= 0) this.steps.children[here].focus();
    }

    /** The mask of a step, from the figures of its run. */
    async payload(step) {
      const name = step.run + "|" + step.at;
      if (!this.payloads.has(name)) {
        let reply = await this.stage.host.figures({ run: step.run, view: "mask", dark: this.stage.dark(), ats: [step.at] });
        if (typeof reply === "string") reply = JSON.parse(reply);
        const [{ payload, empty }] = reply.figures, nothing = empty || payload.empty;
        if (nothing) throw new Error(nothing);
        this.payloads.set(name, payload);
      }
      return this.payloads.get(name);
    }

    async visit(step) {
      const ticket = ++this.ticket;
      let payload;
      try {
        payload = await this.payload(step);
      } catch (error) {
        if (ticket !== this.ticket) return;
        put(this.because, fill(say("storyFailed"), { error: error.message || String(error) }));
        this.because.hidden = false;
        return;
      }
      if (ticket !== this.ticket) return;
      const before = { mask: this.guest, other: this.data.calls[this.call].model };
      this.swap(() => {
        this.guest = step;
        this.data = payload;
        this.call = step.call;
        this.lane = payload.calls[step.call].lane;
      });
      this.tellStory(before);
    }

    /** Back to the run under the cursor. */
    leave() {
      const focused = this.story.contains(document.activeElement);
      this.swap(() => {
        this.end();
        this.data = this.mine;
        this.call = this.find();
        this.lane = this.data.calls[this.call].lane;
      });
      if (focused) this.steps.firstChild.focus();
    }

    end() {
      ++this.ticket;
      this.guest = null;
      this.tellStory();
    }

    /** Shows another mask: what both have moves to its place, or is outlined where it changed. */
    swap(change) {
      const from = this.scene();
      change();
      this.window = this.hover = this.pinned = null;
      this.read();
      const to = this.scene();
      this.shift = compare(from.matrix, to.matrix);
      if (!this.width) return; // another lens is open by now
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
        this.changed = this.shift.changed;
        this.paint();
      } else if (!from.tiled && !to.tiled) this.animate(new Morph(from, to));
    }

    scene() {
      const image = document.createElement("canvas");
      Object.assign(image, { width: this.base.width, height: this.base.height });
      image.getContext("2d").drawImage(this.base, 0, 0);
      return { matrix: this.matrix, view: this.view, left: this.left, top: this.top, size: this.size, tiled: this.tiled, image };
    }

    animate(morph) {
      // Room for both masks, so that what is larger fades and is not cut off.
      const room = (side) => Math.max(morph.from.image[side], this.base[side]);
      this.resize(room("width"), room("height"));
      const begin = performance.now(), frame = (now) => {
        if (this.morph !== morph) return;
        const t = clamp((now - begin) / MORPH, 0, 1);
        if (t === 1) {
          this.morph = null;
          this.resize(this.base.width, this.base.height);
          return this.over();
        }
        const g = this.canvas.getContext("2d"), dpr = Math.max(1, window.devicePixelRatio || 1);
        g.setTransform(1, 0, 0, 1, 0, 0);
        g.clearRect(0, 0, this.canvas.width, this.canvas.height);
        g.setTransform(dpr, 0, 0, dpr, 0, 0);
        morph.draw(g, t, this.colours, dpr);
        requestAnimationFrame(frame);
      };
      this.morph = morph;
      frame(begin);
    }

    /** Gives the canvas a size in pixels of the screen. */
    resize(width, height) {
      const dpr = Math.max(1, window.devicePixelRatio || 1);
      Object.assign(this.canvas, { width, height });
      Object.assign(this.canvas.style, { width: width / dpr + "px", height: height / dpr + "px" });
    }

    /** Whose mask is shown, why it is as it is, and what changed against the one before. */
    tellStory(before) {
      this.came = before;
      const guest = this.guest, here = guest ? this.known.indexOf(guest) : -1;
      this.known.forEach((step, i) => attrs(this.steps.children[i], { "aria-pressed": String(i === here), tabindex: i === Math.max(0, here) ? "0" : "-1" }));
      this.home.hidden = this.whose.hidden = this.because.hidden = !guest;
      if (!guest) return;
      const { head } = guest, m = this.matrix, call = this.data.calls[guest.call];
      const whose = fill(say("guest"), { run: head.title, model: call.model, role: this.role(call), round: this.data.round });
      const where = head.hardware ? [fill(say("guestOn"), { hardware: head.hardware }) + (head.recorded ? ", " + head.recorded : "")] : [];
      this.whose.replaceChildren(el("span", "um-prov", this.stage.words(head.provenance)), el("span", "", [whose, ...where].join(" · ")));
      const why = fill(say("w_" + guest.kind), { rows: call.lanes.length, queries: m.queries, block: this.data.block });
      if (before === undefined) return;
      const name = before.mask ? fill(say("mask"), { i: this.known.indexOf(before.mask) + 1, title: say("t_" + before.mask.kind) }) : say("ownMask");
      const changed = call.model !== before.other ? fill(say("otherModel"), { model: call.model, name, other: before.other }) : "";
      put(this.because, [why, changed, this.difference(name)].filter(Boolean).join(" "));
    }

    difference(name) {
      const d = this.shift, parts = [];
      if (!d.both) return fill(say("besideNone"), { name });
      if (d.opened || d.closed) {
        const changes = ["opened", "closed"].filter((way) => d[way]).map((way) => count(way === "opened" ? say("opens") : say("closes"), d[way]));
        parts.push(changes.join(", ") + fill(say("ofBoth"), { n: num(d.both) }));
      } else parts.push(fill(say("stays"), { n: num(d.both) }));
      for (const [way, q, k] of [[say("comes"), d.newQueries, d.newKeys], [say("goes"), d.oldQueries, d.oldKeys]]) {
        if (q || k) parts.push(fill(way, { q: count(say("queries"), q), k: count(say("keysN"), k) }));
      }
      return fill(say("beside"), { name, parts: parts.join("; ") });
    }

    /** A node that is newly pinned brings the batch row that evaluates it. */
    bring(cursor) {
      if (this.guest || cursor.node === this.node) return false;
      this.node = cursor.node;
      const round = this.stage.model().frame(cursor.at).round, node = round && round.nodes.get(cursor.node);
      if (!node || node.row < 0 || node.row >= this.data.calls[this.call].lanes.length) return false;
      this.lane = node.row;
      this.pinned = null;
      return true;
    }

    cursor(cursor) {
      if (this.data && this.bring(cursor)) this.read();
      if (cursor.cell === null && this.pinned && !this.guest) { this.pinned = null; this.tell(); }
      this.over();
    }

    /** The number of the call that was picked, in this round; by default the one that checks or predicts. */
    find() {
      const calls = this.data.calls, want = this.choice;
      if (!want) return this.data.first;
      const alike = calls.map((c, i) => [c, i]).filter(([c]) => c.role === want.role && c.model === want.model);
      return alike.length ? alike[Math.min(want.nth, alike.length - 1)][1] : this.data.first;
    }

    pickCall(i) {
      const calls = this.data.calls, mine = calls[i];
      this.choice = { role: mine.role, model: mine.model, nth: calls.slice(0, i).filter((c) => c.role === mine.role && c.model === mine.model).length };
      this.call = i;
      this.lane = mine.lane;
      this.window = this.pinned = null;
      this.read();
    }

    read() {
      const { data } = this, call = data.calls[this.call];
      this.changed = null;
      this.lane = Math.min(this.lane, call.lanes.length - 1);
      const m = (this.matrix = new Matrix(data, call, this.lane));
      const all = m.queries * m.keys.length, n = m.counts(), open = n.reduce((sum, x, i) => sum + (data.rules[i][0] ? x : 0), 0);
      this.numbers = n;
      this.focus = { q: clamp(this.focus.q, 0, m.queries - 1), k: clamp(this.focus.k, 0, m.keys.length - 1) };
      this.options(this.callBox, data.calls.map((c, i) => [i, fill(say("callName"), { i: i + 1, role: this.role(c), model: c.model })]), this.call);
      this.callBox.label.hidden = data.calls.length < 2 || !!this.guest;
      this.options(this.laneBox, call.lanes.map(([title], i) => [i, title]), this.lane);
      this.laneBox.label.hidden = call.lanes.length < 2;
      this.options(this.againstBox, ["none", "causal", "full", "block"].map((k) => [k, fill(say(k), { n: data.block })]), this.against);
      this.rule.replaceChildren(el("b", "", this.role(call) + ", " + call.model), " " + fill(say("cells"), { open: num(open), all: num(all) }) + ". " + call.rule);
      this.doubt.textContent = [call.doubt, call.lanes.length > 1 ? say("lanes") : ""].filter(Boolean).join(" ");
      this.doubt.hidden = !this.doubt.textContent;
      this.allOpen = open === all;
      this.leadOn();
      attrs(this.frame, { "aria-label": fill(say("keys"), { q: m.queries, k: m.keys.length }) });
      this.layout();
    }

    /** What is above the matrix where the reader could not know it: that the run has not begun, that nothing is closed, and where closed cells are. */
    leadOn() {
      const { data, guest } = this, call = data.calls[this.call], said = guest || !data.before ? [] : [data.before];
      const inRound = !guest && data.calls.some((c, i) => i !== this.call && this.shuts(i)), inRun = !guest && data.closed >= 0;
      if (this.allOpen) {
        said.push(call.full ? say("allOpen") : say("allOpenCall"));
        if (inRound || inRun) said.push(say("elsewhere"));
        if (!guest && !this.story.hidden) said.push(say("closedOnes"));
      }
      put(this.lead, said.join(" "));
      this.lead.hidden = !said.length;
      this.next.hidden = this.allOpen && !inRound && !inRun;
      put(this.next, !this.allOpen ? say("next") : inRound ? say("nextIn") : say("nextRound"));
    }

    /** Whether call `i` of this round has closed cells. */
    shuts(i) { const m = new Matrix(this.data, this.data.calls[i], 0); return m.counts().some((n, rule) => n && !this.data.rules[rule][0]); }

    /** Pins the next closed cell; where this call has none, that of another call, or of another round. */
    toClosed() {
      const { data } = this, p = this.pinned;
      if (this.allOpen) {
        if (this.guest) return;
        const other = data.calls.map((_, i) => (this.call + i) % data.calls.length).find((i) => i !== this.call && this.shuts(i));
        if (other === undefined) {
          if (data.closed < 0) return;
          this.seeking = data.closed;
          return this.stage.seek(data.closed);
        }
        this.pickCall(other);
      }
      const cell = this.matrix.closedAfter(p && p.q !== undefined && p.k !== undefined && !this.allOpen ? this.pinned : null);
      if (!cell) return;
      if (this.many) this.zoomOn(cell.q, cell.k);
      this.focus = cell;
      this.reveal();
      this.pin(cell);
    }

    get many() { return this.matrix.keys.length > MANY || this.matrix.queries > MANY; }
    get tiled() { return this.many && !this.window; }
    /** Where the keyboard is: a cell, or a tile. */
    get keyed() { return { q: Math.floor(this.focus.q / this.tile), k: Math.floor(this.focus.k / this.tile) }; }

    // ------------------------------------------------------------------------------------ where things are
    layout() {
      const m = this.matrix, box = this.stage.box;
      this.morph = null;
      this.width = box.clientWidth;
      if (!this.width) return;
      const tile = (this.tile = this.tiled ? Math.ceil(Math.max(m.keys.length, m.queries) / TILES) : 1);
      const w = this.window || { q: 0, k: 0, qs: m.queries, ks: m.keys.length };
      this.view = this.tiled ? { q: 0, k: 0, qs: Math.ceil(m.queries / tile), ks: Math.ceil(m.keys.length / tile) } : w;
      const narrow = this.width < 560;
      this.left = this.tiled ? 56 : narrow ? 92 : 126;
      this.top = this.tiled ? 40 : 138; // room for “⟨assistant⟩”
      // A finger needs more than a pointer; what does not fit scrolls. A mask of another method is there to be seen whole.
      const least = this.guest ? 3 : narrow && this.view.ks <= MANY / 4 ? 12 : narrow ? 8 : 6;
      this.size = clamp(Math.floor((this.width - this.left - 4) / this.view.ks), this.tiled ? 5 : least, this.tiled ? 12 : 26);
      const width = this.left + this.view.ks * this.size + 2, height = this.top + this.view.qs * this.size + 2;
      const dpr = Math.max(1, window.devicePixelRatio || 1);
      this.base = this.base || document.createElement("canvas");
      Object.assign(this.base, { width: Math.round(width * dpr), height: Math.round(height * dpr) });
      this.resize(this.base.width, this.base.height);
      this.back.hidden = !this.window;
      this.paint();
    }

    at(e) {
      const r = this.canvas.getBoundingClientRect(), x = e.clientX - r.left, y = e.clientY - r.top, v = this.view;
      const k = Math.floor((x - this.left) / this.size), q = Math.floor((y - this.top) / this.size);
      const inK = k >= 0 && k < v.ks, inQ = q >= 0 && q < v.qs;
      if (x >= this.left && y >= this.top) return inK && inQ ? { q: v.q + q, k: v.k + k } : null;
      if (this.tiled) return null;
      return y >= this.top ? (inQ ? { q: v.q + q } : null) : inK ? { k: v.k + k } : null;
    }

    // ------------------------------------------------------------------------------------ drawing
    ink() {
      const style = getComputedStyle(this.stage.box), get = (name) => style.getPropertyValue(name).trim(), dark = this.stage.dark();
      const look = {};
      for (const [name, [light, night]] of Object.entries(this.data.looks)) look[name] = dark ? night : light;
      return {
        look, mono: get("--um-mono") || "monospace", sans: get("--um-sans") || "sans-serif", page: get("--um-page"), text: get("--um-text"), soft: get("--um-soft"),
        line: get("--um-line"), ring: get("--um-ring"), violet: get("--um-violet"), outline: get("--um-corrected"), bars: Object.values(BARS).map(get), hatch: get("--um-hatch"),
      };
    }

    paint() {
      if (!this.matrix || !this.width) return;
      const ink = (this.colours = this.ink());
      this.drawLegend();
      const g = this.base.getContext("2d"), dpr = Math.max(1, window.devicePixelRatio || 1);
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      g.clearRect(0, 0, this.base.width, this.base.height);
      if (this.tiled) this.paintTiles(g, ink); else { this.paintCells(g, ink); this.paintOutline(g, ink); this.paintNames(g, ink); }
      this.tell();
      this.over();
    }

    paintCells(g, ink) {
      const { matrix: m, size, view: v, left, top } = this, rules = this.data.rules, gap = size > 9 ? 1 : 0.5;
      g.fillStyle = ink.line;
      g.fillRect(left - 0.5, top - 0.5, v.ks * size + 1, v.qs * size + 1);
      for (let i = 0; i < v.qs; i++) for (let j = 0; j < v.ks; j++) {
        const q = v.q + i, k = v.k + j, [, look, title] = rules[m.rule(q, k)], x = left + j * size, y = top + i * size, s = size - gap;
        g.fillStyle = ink.page;
        g.fillRect(x, y, s, s);
        g.globalAlpha = this.only !== null && this.only !== title ? 0.12 : 1;
        if (look !== "later") { g.fillStyle = ink.look[look]; g.fillRect(x, y, s, s); }
        if (look === "reference") { g.fillStyle = "#101418"; g.beginPath(); g.arc(x + s / 2, y + s / 2, Math.max(1, size * 0.13), 0, 7); g.fill(); }
        else if (look === "sibling") { g.strokeStyle = ink.text; g.lineWidth = 0.8; g.beginPath(); g.moveTo(x + 0.5, y + s - 0.5); g.lineTo(x + s - 0.5, y + 0.5); g.stroke(); }
        else if (look === "stale") {
          // Violet is near the blue below it: a line of the page's colour keeps them apart.
          const c = s * 0.62;
          g.fillStyle = ink.page; g.beginPath(); g.moveTo(x + s - c, y); g.lineTo(x + s, y); g.lineTo(x + s, y + c); g.fill();
          g.fillStyle = ink.violet; g.beginPath(); g.moveTo(x + s - c + 1.6, y); g.lineTo(x + s, y); g.lineTo(x + s, y + c - 1.6); g.fill();
        } else if (look === "later" && this.only === title) { g.fillStyle = ink.hatch; g.fillRect(x, y, s, s); }
        g.globalAlpha = 1;
      }
    }

    /** A line around each group of cells that another rule would open or close, or that the mask before had otherwise. */
    paintOutline(g, ink) {
      if (this.against === "none" && !this.changed) return;
      const { matrix: m, size, view: v, left, top } = this, kind = this.against;
      const differs = (q, k) => (kind === "none" ? this.changed[q * m.keys.length + k] === 1 : m.differs(kind, q, k));
      const on = (i, j) => i >= 0 && j >= 0 && i < v.qs && j < v.ks && differs(v.q + i, v.k + j);
      for (const [width, colour] of [[4, ink.page], [2, ink.outline]]) {
        g.strokeStyle = colour;
        g.lineWidth = width;
        g.lineCap = "square";
        g.beginPath();
        for (let i = 0; i < v.qs; i++) for (let j = 0; j < v.ks; j++) {
          if (!on(i, j)) continue;
          const x = left + j * size, y = top + i * size, X = x + size, Y = y + size;
          if (!on(i - 1, j)) { g.moveTo(x, y); g.lineTo(X, y); }
          if (!on(i + 1, j)) { g.moveTo(x, Y); g.lineTo(X, Y); }
          if (!on(i, j - 1)) { g.moveTo(x, y); g.lineTo(x, Y); }
          if (!on(i, j + 1)) { g.moveTo(X, y); g.lineTo(X, Y); }
        }
        g.stroke();
      }
    }

    /** Tokens, positions and bars of their groups, on both sides. */
    paintNames(g, ink) {
      const { matrix: m, size, view: v, left, top } = this, every = Math.ceil(11 / size), shown = (i) => i % every === 0;
      for (let j = 0; j < v.ks; j++) this.name(g, ink, v.k + j, false, shown(j));
      for (let i = 0; i < v.qs; i++) this.name(g, ink, m.cached + v.q + i, true, shown(i));
      this.bars(g, ink, false, v.k, v.ks);
      this.bars(g, ink, true, m.cached + v.q, v.qs);
      if (m.cached > v.k && m.cached < v.k + v.ks) {
        g.strokeStyle = ink.ring;
        g.lineWidth = 1.5;
        g.setLineDash([4, 3]);
        const x = left + (m.cached - v.k) * size - 0.5;
        g.beginPath(); g.moveTo(x, top - 30); g.lineTo(x, top + v.qs * size); g.stroke();
        g.setLineDash([]);
      }
      g.fillStyle = ink.soft;
      g.font = "11px " + ink.sans;
      g.textBaseline = "alphabetic";
      g.textAlign = "left";
      g.fillText(say("query") + " ↓", 0, top - 14);
      g.fillText(say("keyAxis") + " →", 0, top - 30);
    }

    /** The name of the token at key `i`, beside its row or above its column; `strong` where the pointer is. */
    name(g, ink, i, side, draw, strong) {
      const { matrix: m, size, view: v, left, top } = this, [pos, text] = m.keys[i], n = side ? i - m.cached - v.q : i - v.k;
      g.save();
      if (side) g.translate(left - 9, top + n * size + size / 2);
      else { g.translate(left + n * size + size / 2, top - 9); g.rotate(-Math.PI / 2); }
      const px = Math.min(12, Math.max(9.5, size)), room = (side ? left : top - 18) - 9 - 28, at = side ? -1 : 1;
      if (strong) {
        g.fillStyle = ink.page;
        g.fillRect(side ? -left + 9 : 0, -8, side ? left - 9 : top - 26, 16);
      }
      if (m.twice[i]) {
        const x = side ? -23 : 0;
        g.globalAlpha = 0.3;
        g.fillStyle = ink.outline;
        g.fillRect(x, -size / 2, 23, size);
        g.globalAlpha = 1;
        if (size >= 12) { g.strokeStyle = ink.outline; g.lineWidth = 1; g.strokeRect(x + 0.5, -size / 2 + 1, 22, size - 2); }
      }
      if (!draw) return g.restore();
      g.textBaseline = "middle";
      g.textAlign = side ? "right" : "left";
      g.font = (strong ? "700 " : "") + px + "px " + ink.mono;
      g.fillStyle = strong ? ink.text : ink.soft;
      g.fillText(String(pos), at * 2, 0.5);
      g.fillStyle = ink.text;
      g.fillText(cut(g, text, room), at * 28, 0.5);
      g.restore();
    }

    bars(g, ink, side, first, count) {
      const { matrix: m, size, left, top } = this, groups = Object.values(this.data.groups);
      const kind = (i) => m.keys[i][2] * 2 + (i < m.cached ? 1 : 0);
      for (let i = first, j; i < first + count; i = j) {
        for (j = i; j < first + count && kind(j) === kind(i); j++);
        const a = (i - first) * size, length = (j - i) * size - 1, group = m.keys[i][2], held = i < m.cached;
        g.fillStyle = ink.bars[group];
        const [x, y, w, h] = side ? [left - 6, top + a, 4, length] : [left + a, top - 6, length, 4];
        g.fillRect(x, y, w, h);
        g.strokeStyle = ink.soft;
        g.lineWidth = 0.5;
        g.strokeRect(x, y, w, h);
        if (held) { g.fillStyle = ink.page; for (let d = 2; d < length; d += 5) g.fillRect(side ? x : x + d, side ? y + d : y, side ? w : 2, side ? 2 : h); }
        if (side) continue;
        g.save();
        g.beginPath();
        g.rect(left + a, 0, Math.max(0, length), 14);
        g.clip();
        g.font = "11px " + ink.sans;
        g.textBaseline = "middle";
        g.textAlign = "left";
        g.fillStyle = ink.soft;
        const name = groups[group][0] + (held ? ", " + say("cachedBar") : "");
        if (g.measureText(name).width <= length + 2 || length > 60) g.fillText(cut(g, name, length), left + a + 1, 7);
        g.restore();
      }
    }

    paintTiles(g, ink) {
      const { matrix: m, size, tile, view: v, left, top } = this;
      this.tiles = [];
      for (let i = 0; i < v.qs; i++) {
        const counts = new Int32Array(v.ks);
        for (let q = i * tile; q < Math.min(m.queries, (i + 1) * tile); q++) for (let k = 0; k < m.keys.length; k++) if (this.counted(q, k)) counts[Math.floor(k / tile)]++;
        this.tiles.push(counts);
      }
      g.fillStyle = ink.line;
      g.fillRect(left - 0.5, top - 0.5, v.ks * size + 1, v.qs * size + 1);
      for (let i = 0; i < v.qs; i++) for (let j = 0; j < v.ks; j++) {
        const x = left + j * size, y = top + i * size, s = size - 0.75, n = this.tiles[i][j], all = this.area(i, j);
        g.fillStyle = ink.page;
        g.fillRect(x, y, s, s);
        if (!n) continue;
        g.fillStyle = ink.look.block;
        g.beginPath();
        if (n === all) g.rect(x, y, s, s); else { g.moveTo(x, y); g.lineTo(x + s, y + s); g.lineTo(x, y + s); }
        g.fill();
      }
      g.fillStyle = ink.soft;
      g.font = "10px " + ink.mono;
      g.textBaseline = "middle";
      for (let j = 0; j < v.ks; j += 8) { g.textAlign = "left"; g.fillText(String(m.keys[j * tile][0]), left + j * size, top - 10); }
      for (let i = 0; i < v.qs; i += 4) { g.textAlign = "right"; g.fillText(String(m.keys[m.cached + i * tile][0]), left - 6, top + i * size + size / 2); }
    }

    counted(q, k) { const rule = this.data.rules[this.matrix.rule(q, k)]; return this.only === null ? rule[0] === 1 : rule[2] === this.only; }
    area(i, j) { const { matrix: m, tile } = this; return Math.min(tile, m.queries - i * tile) * Math.min(tile, m.keys.length - j * tile); }

    drawLegend() {
      const n = this.numbers, rules = this.data.rules.map((rule, i) => [...rule, i]).filter((rule) => n[rule[4]]);
      if (this.only !== null && !rules.some((rule) => rule[2] === this.only)) this.only = null;
      const state = JSON.stringify([rules.map((r) => [r[2], n[r[4]]]), this.only, this.stage.dark()]);
      if (state === this.legendState) return;
      const focused = this.legend.contains(document.activeElement) ? document.activeElement.dataset.rule : null;
      this.legendState = state;
      this.legend.replaceChildren(...rules.map(([open, look, title, , i]) => {
        const b = attrs(el("button", "um-mask-entry"), { type: "button", "aria-pressed": String(this.only === title), title: fill(say("isolate"), { title }) });
        const swatch = attrs(el("span", "um-mask-swatch um-look-" + look), { "aria-hidden": "true" });
        swatch.style.setProperty("--um-look", this.colours.look[look]);
        b.dataset.rule = title;
        b.append(swatch, el("span", "um-mask-can", open ? say("may") : say("maynot")), attrs(el("span", "", title), { lang: "en" }), el("span", "um-faint", num(n[i])));
        b.addEventListener("click", () => { this.only = this.only === title ? null : title; this.paint(); });
        return b;
      }));
      if (focused) for (const b of this.legend.children) if (b.dataset.rule === focused) b.focus();
    }

    /** What moves with the pointer and the cursor, above the matrix that does not. */
    over() {
      if (!this.matrix || !this.width || !this.colours || this.morph) return;
      const { matrix: m, size, view: v, left, top, colours: ink } = this, g = this.canvas.getContext("2d"), dpr = Math.max(1, window.devicePixelRatio || 1);
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.canvas.width, this.canvas.height);
      g.drawImage(this.base, 0, 0);
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      const inside = (c) => (c.q === undefined || c.q >= v.q && c.q < v.q + v.qs) && (c.k === undefined || c.k >= v.k && c.k < v.k + v.ks);
      const ring = (c, width, colour) => {
        const x = c.k === undefined ? left : left + (c.k - v.k) * size, y = c.q === undefined ? top : top + (c.q - v.q) * size;
        const w = (c.k === undefined ? v.ks : 1) * size, h = (c.q === undefined ? v.qs : 1) * size;
        g.strokeStyle = ink.page; g.lineWidth = width + 2; g.strokeRect(x - 1, y - 1, w + 1, h + 1);
        g.strokeStyle = colour; g.lineWidth = width; g.strokeRect(x - 1, y - 1, w + 1, h + 1);
      };
      const marks = [];
      if (this.pinned && !this.tiled && inside(this.pinned)) {
        const p = this.pinned;
        if (p.q === undefined || p.k === undefined) {
          // All but the row (or the column) recedes.
          g.fillStyle = ink.page;
          g.globalAlpha = 0.72;
          if (p.k === undefined) { g.fillRect(left, top, v.ks * size, (p.q - v.q) * size); g.fillRect(left, top + (p.q - v.q + 1) * size, v.ks * size, (v.q + v.qs - p.q - 1) * size); }
          else { g.fillRect(left, top, (p.k - v.k) * size, v.qs * size); g.fillRect(left + (p.k - v.k + 1) * size, top, (v.k + v.ks - p.k - 1) * size, v.qs * size); }
          g.globalAlpha = 1;
        }
        marks.push(p);
        ring(p, 2.5, ink.ring);
      }
      const here = this.hover || (document.activeElement === this.frame ? this.keyed : null);
      if (here && inside(here)) { ring(here, 1.5, ink.ring); if (!this.tiled) marks.push(here); }
      for (const mark of marks) {
        if (mark.q !== undefined) this.name(g, ink, m.cached + mark.q, true, true, true);
        if (mark.k !== undefined) this.name(g, ink, mark.k, false, true, true);
      }
      const pos = this.stage.cursor().pos;
      if (pos === null || this.tiled || this.guest) return;
      // The position that is pinned on the page, wherever it is here.
      g.fillStyle = ink.ring;
      m.keys.forEach((key, i) => {
        if (key[0] !== pos) return;
        const q = i - m.cached;
        if (i >= v.k && i < v.k + v.ks) tri(g, left + (i - v.k) * size + size / 2, top - 1, 0);
        if (q >= v.q && q < v.q + v.qs) tri(g, left - 1, top + (q - v.q) * size + size / 2, 1);
      });
    }

    // ------------------------------------------------------------------------------------ sentences
    describe(c) {
      const m = this.matrix, parts = (n) => this.data.rules.map(([, , title], i) => (n[i] && this.data.rules[i][0] ? fill(say("part"), { n: num(n[i]), title }) : "")).filter(Boolean).join(", ");
      if (c.q !== undefined && c.k !== undefined) {
        if (!this.tiled) return m.sentence(c.q, c.k);
        const { tile } = this, Q = Math.min(m.queries, (c.q + 1) * tile) - 1, K = Math.min(m.keys.length, (c.k + 1) * tile) - 1, at = (i) => m.keys[i][0];
        return fill(say("tile"), { a: at(m.cached + c.q * tile), b: at(m.cached + Q), c: at(c.k * tile), d: at(K), n: num(this.tiles[c.q][c.k]), all: num(this.area(c.q, c.k)), what: this.only === null ? say("open") : say("ofRule") });
      }
      const n = c.q === undefined ? m.counts(undefined, c.k) : m.counts(c.q), open = n.reduce((sum, x, i) => sum + (this.data.rules[i][0] ? x : 0), 0);
      const name = m.named(m.keys[c.q === undefined ? c.k : m.cached + c.q]), all = c.q === undefined ? m.queries : m.keys.length;
      return fill(c.q === undefined ? (open ? say("read") : say("readNone")) : open ? say("sees") : say("seesNone"), { name, n: num(open), all: num(all), parts: parts(n) });
    }

    /** What the pointer is at, else what is pinned. */
    say() {
      const c = this.hover || this.pinned, rest = this.tiled ? fill(say("tileHint"), { k: this.matrix.keys.length, n: this.tile }) : say("hint");
      this.said.textContent = c && !(this.tiled && c === this.pinned) ? this.describe(c) : rest;
      this.said.classList.toggle("um-mask-rest", !c);
    }

    tell() {
      const m = this.matrix, notes = [];
      this.say();
      if (this.against !== "none") {
        const all = m.queries * m.keys.length;
        let n = 0;
        for (let q = 0; q < m.queries; q++) for (let k = 0; k < m.keys.length; k++) if (m.differs(this.against, q, k)) n++;
        notes.push(fill(n ? say("differ") : say("differ0"), { n: num(n), all: num(all) }));
      }
      if (!this.tiled && m.twice.some(Boolean)) notes.push(say("fedTwice"));
      if (this.tiled) notes.push(["■ " + say("tileOpen"), "◣ " + say("tilePart"), "□ " + say("tileClosed")].join("   "));
      this.note.textContent = notes.join(" ");
      this.note.hidden = !notes.length;
    }

    speak(quiet) {
      const said = this.describe(this.keyed);
      if (!quiet) this.aloud.textContent = said;
      this.said.textContent = said;
      this.said.classList.remove("um-mask-rest");
      this.over();
    }

    // ------------------------------------------------------------------------------------ the reader's hand
    point(c) {
      if (!this.matrix || JSON.stringify(c) === JSON.stringify(this.hover)) return;
      this.hover = c;
      this.canvas.style.cursor = c ? "pointer" : "";
      this.say();
      this.over();
    }

    click(c) {
      if (!c) return;
      if (this.tiled) return this.zoom(c);
      if (c.q !== undefined) this.focus.q = c.q;
      if (c.k !== undefined) this.focus.k = c.k;
      this.pin(c);
    }

    zoom(c) {
      this.focus = { q: c.q * this.tile, k: c.k * this.tile };
      this.zoomOn(Math.floor((c.q + 0.5) * this.tile), Math.floor((c.k + 0.5) * this.tile));
    }

    /** The cells around cell q, k of a mask that is too large. */
    zoomOn(q, k) {
      const m = this.matrix, around = (i, n) => clamp(i - WINDOW / 2, 0, Math.max(0, n - WINDOW));
      this.window = { q: around(q, m.queries), k: around(k, m.keys.length), qs: Math.min(WINDOW, m.queries), ks: Math.min(WINDOW, m.keys.length) };
      this.hover = null;
      this.layout();
    }

    keyOf(c) { const m = this.matrix; return m.keys[c.q === undefined ? c.k : m.cached + c.q]; }

    /** What the inspector says of what is pinned. */
    remark(c) {
      const m = this.matrix, call = this.data.calls[this.call], rule = c.q !== undefined && c.k !== undefined ? this.data.rules[m.rule(c.q, c.k)] : null;
      const title = rule ? (rule[0] ? say("may") : say("maynot")) + ": " + rule[2] : m.named(this.keyOf(c));
      this.stage.note((this.guest ? this.guest.head.title + ", " : "") + title, [this.describe(c), call.rule].concat(call.doubt || []));
    }

    pin(c) {
      const key = this.keyOf(c);
      this.pinned = c;
      this.aloud.textContent = this.describe(c);
      this.remark(c);
      if (!this.guest) this.stage.seek(undefined, { pos: key[0], cell: c }); // a position of this run, not of another
      this.tell();
      this.over();
    }

    key(e) {
      if (e.ctrlKey || e.altKey || e.metaKey || !this.matrix) return;
      const m = this.matrix, f = this.focus, step = (this.tiled ? this.tile : 1) * (e.shiftKey ? 8 : 1);
      const moves = { ArrowLeft: [0, -step], ArrowRight: [0, step], ArrowUp: [-step, 0], ArrowDown: [step, 0], Home: [0, -m.keys.length], End: [0, m.keys.length] };
      if (moves[e.key]) {
        this.focus = { q: clamp(f.q + moves[e.key][0], 0, m.queries - 1), k: clamp(f.k + moves[e.key][1], 0, m.keys.length - 1) };
        this.hover = null;
        if (this.window) this.follow();
        this.reveal();
        this.speak();
      } else if (e.key === "Enter" || e.key === " ") {
        if (this.tiled) { this.zoom(this.keyed); this.speak(); } else this.pin(this.keyed);
      } else if (/^[nN]$/.test(e.key)) this.toClosed();
      else if (!this.tiled && /^[rRcC]$/.test(e.key)) this.pin(/r/i.test(e.key) ? { q: f.q } : { k: f.k });
      else if (e.key === "Backspace" && this.window) { this.window = null; this.layout(); this.speak(); }
      else return;
      e.preventDefault();
      e.stopPropagation();
    }

    /** Keeps the focused cell inside the window of a mask that is too large. */
    follow() {
      const w = this.window, f = this.focus, m = this.matrix;
      const q = clamp(w.q, f.q - w.qs + 1, f.q), k = clamp(w.k, f.k - w.ks + 1, f.k);
      if (q === w.q && k === w.k) return;
      this.window = { q: clamp(q, 0, m.queries - w.qs), k: clamp(k, 0, m.keys.length - w.ks), qs: w.qs, ks: w.ks };
      this.layout();
    }

    /** A matrix wider than the page scrolls in its frame. */
    reveal() {
      const { frame, size, left, view: v } = this, unit = this.tiled ? this.tile : 1, x = left + (Math.floor(this.focus.k / unit) - v.k) * size;
      if (x < frame.scrollLeft + left) frame.scrollLeft = x - left;
      else if (x + size > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = x + size - frame.clientWidth;
    }

    // ------------------------------------------------------------------------------------ export
    csv() {
      const m = this.matrix, out = [COLUMNS], v = this.tiled ? { q: 0, k: 0, qs: m.queries, ks: m.keys.length } : this.view;
      for (let q = v.q; q < v.q + v.qs; q++) for (let k = v.k; k < v.k + v.ks; k++) {
        const a = m.keys[m.cached + q], b = m.keys[k], [open, , title] = this.data.rules[m.rule(q, k)];
        out.push([this.lane, a[0], a[1], b[0], b[1], k < m.cached ? 1 : 0, open, title, m.sentence(q, k)]);
      }
      return out;
    }

    /** Cells as vectors where they are few enough to be told apart on paper, else a picture of them. */
    get vector() { return !this.tiled && this.view.qs <= PRINT && this.view.ks <= PRINT; }

    /** What an exported figure has to say besides: another run than the one under the cursor, and that its cells are a picture. */
    about() {
      const out = { note: this.vector ? "" : fill(say("raster"), { n: PRINT }) };
      return this.guest ? Object.assign(out, { head: this.guest.head, status: this.whose.lastChild.textContent + ". " + this.because.textContent, step: this.guest.kind }) : out;
    }

    figure() {
      this.point(null);
      if (!this.vector) return this.canvas;
      const { view: v, size, left, top, data } = this, ink = this.ink(), height = top + v.qs * size + 2;
      const out = svg("svg", { "font-family": ink.mono }), pen = new Pen(out);
      out.append(this.vectorCells(ink));
      this.paintOutline(pen, ink);
      this.paintNames(pen, ink);
      const width = Math.max(left + v.ks * size + 2, 360), shown = data.rules.map((rule, i) => [...rule, this.numbers[i]]).filter((rule) => rule[4]);
      let x = 0, y = height + 14;
      for (const [open, look, title, , n] of shown) {
        const words = [open ? say("may") : say("maynot"), title, num(n)].join(" "), room = 20 + pen.measure("12px " + ink.sans, words) * 1.06 + 16;
        if (x && x + room > width) { x = 0; y += 20; }
        const swatch = svg("g", { transform: "translate(" + x + " " + y + ")" });
        swatch.append(svg("rect", { width: 13, height: 13, fill: look === "later" ? ink.page : ink.look[look] }), ...marks(look, [[0, 0]], 13, ink), svg("rect", { width: 13, height: 13, fill: "none", stroke: ink.soft, "stroke-width": 0.75 }));
        out.append(swatch, svg("text", { x: x + 20, y: y + 10.5, "font-family": ink.sans, "font-size": 12, fill: ink.text }, words));
        x += room;
      }
      attrs(out, { width, height: y + 20, viewBox: "0 0 " + width + " " + (y + 20) });
      return out;
    }

    /** One path for each rule, of runs of cells that lie side by side, and one for the marks on them. */
    vectorCells(ink) {
      const { matrix: m, size, view: v, left, top } = this, g = svg("g", { "shape-rendering": "crispEdges" }), width = v.ks * size, height = v.qs * size;
      const runs = new Map(), cells = new Map();
      for (let i = 0; i < v.qs; i++) for (let j = 0, end; j < v.ks; j = end) {
        const rule = m.rule(v.q + i, v.k + j), x = left + j * size, y = top + i * size;
        for (end = j + 1; end < v.ks && m.rule(v.q + i, v.k + end) === rule; end++);
        if (!runs.has(rule)) { runs.set(rule, ""); cells.set(rule, []); }
        runs.set(rule, runs.get(rule) + "M" + x + " " + y + "h" + (end - j) * size + "v" + size + "h" + -(end - j) * size + "z");
        for (let k = j; k < end; k++) cells.get(rule).push([left + k * size, y]);
      }
      g.append(svg("rect", { x: left, y: top, width, height, fill: ink.page }));
      for (const [rule, d] of runs) {
        const [, look, title] = this.data.rules[rule], group = svg("g", { opacity: this.only !== null && this.only !== title ? 0.12 : 1 });
        group.dataset.rule = title;
        group.append(svg("path", { d, fill: look === "later" ? (this.only === title ? ink.hatch : ink.page) : ink.look[look] }), ...marks(look, cells.get(rule), size, ink));
        g.append(group);
      }
      let lines = "";
      for (let i = 0; i <= v.qs; i++) lines += "M" + left + " " + (top + i * size) + "h" + width;
      for (let j = 0; j <= v.ks; j++) lines += "M" + (left + j * size) + " " + top + "v" + height;
      g.append(svg("path", { d: lines, fill: "none", stroke: ink.line, "stroke-width": size > 9 ? 1 : 0.5 }));
      return g;
    }

    destroy() { this.sizes.disconnect(); }
  }

  /** What a look has besides its colour, on cells whose corners are `at`. */
  function marks(look, at, size, ink) {
    const path = (draw, more) => [svg("path", Object.assign({ d: at.map(([x, y]) => draw(x, y)).join(""), "shape-rendering": "auto" }, more))];
    const c = size * 0.6;
    // A line of no length with round ends is a dot.
    if (look === "reference") return path((x, y) => "M" + (x + size / 2) + " " + (y + size / 2) + "h0", { fill: "none", stroke: "#101418", "stroke-width": Math.max(2, size * 0.26), "stroke-linecap": "round" });
    if (look === "sibling") return path((x, y) => "M" + (x + 1) + " " + (y + size - 1) + "L" + (x + size - 1) + " " + (y + 1), { fill: "none", stroke: ink.text, "stroke-width": 0.8 });
    if (look === "stale") return path((x, y) => "M" + (x + size - c) + " " + y + "h" + c + "v" + c + "z", { fill: ink.violet, stroke: ink.page, "stroke-width": 1 });
    return [];
  }

  /** Draws as SVG what is told to a canvas: as much of it as names, bars and outlines need. */
  class Pen {
    constructor(node) {
      Object.assign(this, { node, nodes: [], d: "", dash: [], fillStyle: "", strokeStyle: "", lineWidth: 1, globalAlpha: 1, font: "", textAlign: "left", textBaseline: "middle" });
      this.ruler = document.createElement("canvas").getContext("2d");
    }

    add(tag, more, text) { this.node.append(svg(tag, this.globalAlpha < 1 ? Object.assign(more, { opacity: this.globalAlpha }) : more, text)); }
    save() { this.nodes.push(this.node); }
    restore() { this.node = this.nodes.pop(); }
    into(transform) { const g = svg("g", { transform }); this.node.append(g); this.node = g; }
    translate(x, y) { this.into("translate(" + x + " " + y + ")"); }
    rotate(angle) { this.into("rotate(" + (angle * 180) / Math.PI + ")"); }
    fillRect(x, y, width, height) { this.add("rect", { x, y, width: Math.max(0, width), height: Math.max(0, height), fill: this.fillStyle }); }
    strokeRect(x, y, width, height) { this.add("rect", { x, y, width: Math.max(0, width), height: Math.max(0, height), fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth }); }
    beginPath() { this.d = ""; }
    moveTo(x, y) { this.d += "M" + x + " " + y; }
    lineTo(x, y) { this.d += "L" + x + " " + y; }
    rect() {} // only ever to clip text, which is cut to its room already
    clip() {}
    setLineDash(dash) { this.dash = dash; }
    stroke() { if (this.d) this.add("path", { d: this.d, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth, "stroke-linecap": this.lineCap, "stroke-dasharray": this.dash.length ? this.dash.join(" ") : undefined }); }
    measure(font, text) { this.ruler.font = font; return this.ruler.measureText(text).width; }
    measureText(text) { return { width: this.measure(this.font, text) }; }
    fillText(text, x, y) {
      const [, weight, size, family] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.font), anchor = { right: "end", center: "middle", left: "start" }[this.textAlign];
      const more = { x, y: y + (this.textBaseline === "middle" ? size * 0.36 : 0), "font-size": size, "font-family": family, "font-weight": weight, fill: this.fillStyle, "text-anchor": anchor, "xml:space": "preserve" };
      if (text) this.add("text", more, text);
    }
  }

  function cut(g, text, room) {
    if (g.measureText(text).width <= room) return text;
    let n = text.length;
    while (n > 1 && g.measureText(text.slice(0, n) + "…").width > room) n--;
    return text.slice(0, n) + "…";
  }

  function tri(g, x, y, side) {
    g.beginPath();
    if (side) { g.moveTo(x, y); g.lineTo(x - 6, y - 4); g.lineTo(x - 6, y + 4); } else { g.moveTo(x, y); g.lineTo(x - 4, y - 6); g.lineTo(x + 4, y - 6); }
    g.fill();
  }

  Unmasked.mask = { compare, Matrix, Morph };
  Unmasked.lens("mask", (stage) => new Mask(stage));
})();
