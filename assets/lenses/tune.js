/* Tuning: the points of a sweep in two numbers, their front, and the run behind every point.
 *
 * All arithmetic is done by the server (`tune` in Python): the front, the intervals, what to take. Here it is drawn: a scatter and
 * parallel coordinates that share one selection and one set of brushes, the runs of a point, and a sweep of the reader's own, which
 * is made a few seconds at a time. A point is drawn by its method's colour and shape; what a brush leaves out is faint, never gone.
 */
(function () {
  "use strict";
  const { el, attrs, svg, put, num, duration } = Unmasked.kit;

  const WORDS = {
    no_server: "Sweeps need the program: this page was opened without one.", wait: "Reading the sweep …", failed: "That did not work: {error}",
    empty: "No points yet.", none: "No point has both numbers: choose another axis or model.",
    sweep: "Sweep", bundled: "the sweep that ships", mine: "a sweep of your own", sweep_done: "{title}: {n} run|{title}: {n} runs", sweep_part: "{title}: {n} of {of} runs",
    speed: "Speed", quality: "Quality", models: "Models", methods: "Methods", all: "all",
    tokens_per_call: "TPF: positions filled per call", speedup: "times faster than the model's reference decoder (median)", calls: "forward calls per run", rows_tokens: "rows × tokens per run", wall: "wall clock per run, s (mean)", modelled: "MODELLED time per run, s",
    accuracy: "right answers, %", agreement: "agreement with the reference, %", perplexity: "perplexity under tiny-ar",
    s_tokens_per_call: "TPF", s_speedup: "× faster", s_calls: "calls", s_rows_tokens: "rows × tok", s_wall: "wall, s", s_modelled: "MODELLED, s", s_accuracy: "right, %", s_agreement: "agree, %", s_perplexity: "perplexity",
    is_better: "→ better", less_better: "← better",
    card: "on", batch: "texts at once", context: "more context", modelled_t: "MODELLED, not measured: what the recorded calls would take on {card}, by a roofline with efficiencies fitted on the measured machine ({source}). See the view Cards.",
    lose: "Lose at most", lose_unit: "point(s) against the model's reference decoder", least: "At least", most: "At most",
    take: "What to take", knee: "Knee", knee_t: "The point of the front that bulges farthest from the line between its ends.",
    best: "Fastest that is good enough", best_lose_t: "Loses at most {x} of a hundred answers, prompt by prompt, in these runs.", best_least_t: "Reaches the quality asked for, in these runs.",
    exact: "Fastest exact", exact_t: "Promises its reference's text, and wrote it in every run.", nothing: "none of these points", noBase: "There is no reference decoder of the model in this sweep to compare with: add stepwise (or ar).",
    apart: "{points} points ({low} to {high})", apart_t: "Difference of right answers to {against}, prompt by prompt, with its 95 % interval.", wide_t: "These prompts cannot tell for sure: the interval reaches below the limit. More prompts would.",
    scatter: "Points: each is a method with its settings. Arrow keys go from point to point of the front, Enter loads the run.",
    defaults: "defaults", onFront: "{n}. on the front", dominated: "dominated",
    interval: "{value} ({low} to {high})", more: "{calls} calls · {rows} rows × tokens · {wall} · {n} run · {hardware}|{calls} calls · {rows} rows × tokens · {wall} · {n} runs · {hardware}",
    legend: "Methods; click one to show it alone", frontLine: "the front: nothing is better in both",
    parallel: "All settings and numbers", drag: "Drag on an axis to keep a part of it; drag the handles to change it, double-click to let go. With the keyboard: Tab to a handle, arrow keys.",
    low: "{name}: from", high: "{name}: to", unbrush: "Let go of all axes", left: "{n} of {of} point left|{n} of {of} points left", method: "method", model: "model", unset: "–",
    chosen: "Point", runs: "Its runs", load: "Load this run", loading: "Decoding …", load_t: "Makes the run on this machine, puts its settings into the controls and shows its trace in every view.",
    r_prompt: "prompt", r_right: "right", r_calls: "calls", r_wall: "wall", r_agree: "agrees", r_text: "text", yes: "✓ yes", no: "✕ no", notGraded: "–", same: "= same", differs: "≠ from position {pos}",
    copy: "Copy", python: "Python", command: "Command", url: "Link", yaml: "Spec (YAML)", copied: "Copied.", noCopy: "Could not copy; here it is:",
    n_length: "acceptance length", n_points: "points", n_identical: "same text", of: "{n} of {of}", errors: "{n} run has an error: {error}|{n} runs have an error, the first: {error}",
    own: "Sweep settings of your own", own_t: "Values behind a knob, separated by commas; what is left empty stays at its default. On this page: at most {points} points, {runs} runs and about {minutes} minutes; the command line has no limits.",
    prompts: "Prompts", each: "of each", ownPrompts: "or your own prompts (JSONL)", ownPrompts_t: 'One object a line: {"prompt": "…", "grader": ["number", 42]}. Graders: number, choice, phrase, regex, asserts; or none.',
    spec: "The same as a spec: what is run, and what the command line takes", graded: "all with answers", repeats: "time each run", times: "{n} time|{n} times",
    announce: "{points} points × {prompts} prompts = {runs} runs, about {time}{guess}.", guess: " (partly a guess)", fault: "Not possible: {error}", leftOut: "Left out: {sentence}",
    run: "Run the sweep", stop: "Stop", goOn: "Go on", running: "{n} of {of} runs …", stopped: "Stopped with {n} of {of} runs; they are kept here.", finished: "All {of} runs are made.", queued: "Waiting for the model …",
    save: "Save the table", csv: "CSV", parquet: "Parquet", specFile: "Spec",
    pictured: "Speed and quality: {name}",
  };
  const say = Unmasked.words("tune", WORDS);
  const SVG_H = 380, PAR_H = 260, PAD = { left: 58, right: 22, top: 16, bottom: 44 };
  const SHARES = new Set(["accuracy", "agreement"]);
  const NUMBERS = ["tokens_per_call", "calls", "rows_tokens", "wall", "accuracy", "agreement", "perplexity"];
  const PATHS = {
    "●": "M0-6A6 6 0 1 1 0 6A6 6 0 1 1 0-6Z", "■": "M-5-5H5V5H-5Z", "▬": "M-6-3H6V3H-6Z", "◆": "M0-7L7 0L0 7L-7 0Z", "▲": "M0-7L6.5 5H-6.5Z", "▼": "M0 7L6.5-5H-6.5Z", "◀": "M-7 0L5-6.5V6.5Z", "▶": "M7 0L-5-6.5V6.5Z",
    "✚": "M-2.5-7H2.5V-2.5H7V2.5H2.5V7H-2.5V2.5H-7V-2.5H-2.5Z", "✖": "M-6.5-4L-4-6.5L0-2.5L4-6.5L6.5-4L2.5 0L6.5 4L4 6.5L0 2.5L-4 6.5L-6.5 4L-2.5 0Z", "★": "M0-7.5L2-2.4L7.1-2.3L3.2 1L4.4 6.1L0 3.2L-4.4 6.1L-3.2 1L-7.1-2.3L-2-2.4Z",
    "⬢": "M-6.5 0L-3.3-6H3.3L6.5 0L3.3 6H-3.3Z", "⬟": "M0-7L6.7-2.1L4.1 5.7H-4.1L-6.7-2.1Z", "⋈": "M-7-5L7 5V-5L-7 5Z", "✦": "M0-8L2-2L8 0L2 2L0 8L-2 2L-8 0L-2-2Z", "❖": "M0-7.5L3-3L7.5 0L3 3L0 7.5L-3 3L-7.5 0L-3-3Z", "♦": "M0-8L5 0L0 8L-5 0Z", "◉": "M-2.9-7H2.9L7-2.9V2.9L2.9 7H-2.9L-7 2.9V-2.9Z",
    "✡": "M0-7L2-3.5H6.1L4 0L6.1 3.5H2L0 7L-2 3.5H-6.1L-4 0L-6.1-3.5H-2Z", "◭": "M0-7L6.5 5H-6.5ZM0-7L0 5",
  };
  const KEPT = "unmasked-sweeps"; // of this tab, so that a page that is loaded again still knows its own
  let serial = 0;

  const remembered = () => { try { return JSON.parse(sessionStorage.getItem(KEPT)) || []; } catch (error) { return []; } };
  const remember = (ids) => { try { sessionStorage.setItem(KEPT, JSON.stringify(ids)); } catch (error) { /* a browser that keeps nothing */ } };
  const shown = (name, value) => (value === null || value === undefined ? "–" : name === "wall" || name === "modelled" ? duration(value) : SHARES.has(name) ? num(Math.round(1000 * value) / 10) : num(value));
  const scaled = (name, value) => (SHARES.has(name) ? 100 * value : value);
  /** The short name of a number and its value with its unit, as in a sentence. */
  const short = (name) => say("s_" + name).replace(/, (s|%)$/, "");
  const told = (name, value) => shown(name, value) + (SHARES.has(name) && value !== null && value !== undefined ? "\u202f%" : "");
  const quoted = (value) => (typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value));
  const settingsOf = (point) => Object.entries(point.settings).map(([k, v]) => k + " = " + quoted(v)).join(", ") || say("defaults");
  const nameOf = (point) => [point.method, point.model, ...Object.values(point.models).slice(1)].join(" · ");
  const signed = (x) => (Math.abs(x) < 0.05 ? "0" : (x > 0 ? "+" : "−") + Math.abs(x).toFixed(1));

  /** Round numbers between two ends, about `n` of them. */
  function ticks(lo, hi, n) {
    const raw = (hi - lo) / Math.max(1, n), p = 10 ** Math.floor(Math.log10(raw || 1)), step = [1, 2, 5, 10].map((k) => k * p).find((s) => s >= raw) || 1, out = [];
    for (let x = Math.ceil(lo / step - 1e-9) * step; x <= hi + step * 1e-9; x += step) out.push(Math.abs(x) < step * 1e-9 ? 0 : x);
    return out;
  }

  class Tune {
    constructor(stage) {
      this.stage = stage;
      this.box = stage.box;
      this.id = "um-tune-" + ++serial;
      this.asked = 0;
      this.brushes = new Map(); // axis name -> [from, to], shares of its height from the bottom
      this.picked = null; // a point's id
      this.hovered = null;
      this.view = { sweep: "bundled", speed: "tokens_per_call", quality: "accuracy", models: [], methods: [], lose: 1, least: null, card: "h100", batch: 1, context: 0 };
      this.mine = remembered();
      this.state = null;
      this.build();
      this.offs = [];
      const root = stage.player.root, heard = (e) => this.news(e.detail);
      root.addEventListener("sweep", heard);
      this.offs.push(() => root.removeEventListener("sweep", heard));
    }

    async ask(question) {
      const reply = await this.stage.host.tune(question);
      if (reply && reply.error) throw new Error(reply.error);
      return reply;
    }

    // ---------------------------------------------------------------------------------------------- skeleton
    build() {
      const top = el("div", "um-tune");
      this.note = attrs(el("div", "um-tune-note", say("wait")), { role: "status" });
      this.bar = el("div", "um-tune-bar");
      this.filters = el("div", "um-tune-filters");
      const main = el("div", "um-tune-main");
      this.plot = attrs(el("div", "um-tune-plot"), { tabindex: "0", role: "group", "aria-label": say("scatter") });
      this.plot.addEventListener("keydown", (e) => this.arrows(e));
      this.side = el("div", "um-tune-side");
      main.append(this.plot, this.side);
      this.legend = attrs(el("div", "um-tune-legend"), { role: "group", "aria-label": say("legend") });
      const caption = el("div", "um-tune-row um-tune-head");
      this.left = el("span", "um-faint");
      this.letGo = this.button(say("unbrush"), () => { this.brushes.clear(); this.draw(); });
      caption.append(el("span", "um-caption", say("parallel")), this.left, this.letGo);
      this.par = el("div", "um-tune-par");
      this.parHint = el("div", "um-faint", say("drag"));
      this.detail = attrs(el("section", "um-tune-detail"), { "aria-label": say("chosen") });
      this.own = el("details", "um-tune-own");
      this.tip = el("div", "um-tune-tip");
      this.tip.hidden = true;
      this.drawn = el("div");
      this.drawn.append(main, this.legend, this.detail, caption, this.parHint, this.par);
      top.append(this.note, this.bar, this.filters, this.drawn, this.own, this.tip);
      this.drawn.hidden = true;
      this.box.append(top);
    }

    /** The language has changed: everything is said again, and stays as the reader set it. */
    translated() {
      const open = this.own.open, shown = this.own.querySelector(".um-tune-spec")?.open, spec = this.specText && this.specText.value, said = this.progress && this.progress.textContent;
      this.box.replaceChildren();
      this.build();
      if (!this.menu) return;
      this.drawBar();
      this.drawOwn();
      this.own.open = open;
      this.own.querySelector(".um-tune-spec").open = !!shown;
      this.specText.value = spec;
      put(this.progress, said);
      this.bRun.disabled = this.busy;
      this.bStop.hidden = !this.busy;
      put(this.note, "");
      if (this.state) this.drawFilters();
    }

    button(text, act, cls) {
      const b = attrs(el("button", "um-btn " + (cls || ""), text), { type: "button" });
      b.addEventListener("click", act);
      return b;
    }

    choice(label, options, value, act) {
      const wrap = el("label", "um-field"), s = el("select", "um-select");
      for (const [v, text] of options) { const o = el("option", "", text); o.value = v; s.append(o); }
      s.value = value;
      s.addEventListener("change", () => act(s.value));
      wrap.append(el("span", "um-fieldname", label), s);
      wrap.input = s;
      return wrap;
    }

    // ---------------------------------------------------------------------------------------------- what is shown
    async show() {
      if (!this.stage.host.tune) { put(this.note, say("no_server")); return; }
      if (!this.menu) {
        // A reader who steps meanwhile has it shown again and again.
        if (this.fetching) return;
        this.fetching = true;
        try {
          this.menu = await this.ask({ what: "menu", seen: this.mine });
        } catch (error) { put(this.note, say("failed", { error: error.message })); return; } finally { this.fetching = false; }
        if (!this.menu.sweeps.length) this.view.sweep = null;
        else if (!this.menu.sweeps.some((s) => s.id === this.view.sweep)) this.view.sweep = this.menu.sweeps[0].id;
        this.drawBar();
        this.drawOwn();
      }
      if (this.state) {
        // Nothing here hangs on the step: only another width, theme or language is drawn anew.
        const look = [this.box.clientWidth, this.stage.dark(), Unmasked.language()].join("|");
        if (look !== this.drawnAs || this.drawn.hidden) this.draw();
        this.drawnAs = look;
      } else if (this.loading) return;
      else if (this.view.sweep) await this.load();
      else { put(this.note, say("empty")); this.own.open = true; }
    }

    /** Asks for the points as the controls stand; what comes late is thrown away. */
    async load() {
      const mine = ++this.asked, v = this.view;
      this.loading = true;
      try {
        const state = await this.ask({ what: "front", sweep: v.sweep, speed: v.speed, card: v.card, batch: v.batch, context: v.context, quality: v.quality, models: v.models, methods: v.methods, lose: v.quality === "accuracy" ? v.lose : null, least: v.quality === "accuracy" ? null : v.least === null ? null : SHARES.has(v.quality) ? v.least / 100 : v.least });
        if (mine !== this.asked) return;
        this.state = state;
        if (this.picked && !state.points.some((p) => p.id === this.picked)) this.picked = null;
        put(this.note, "");
        if (state.own && !this.busy) { this.going = state.sweep; this.bGo.hidden = state.done >= state.of; }
        this.drawFilters();
        this.draw();
      } catch (error) { if (mine === this.asked) put(this.note, say("failed", { error: error.message })); } finally { if (mine === this.asked) this.loading = false; }
    }

    set(change) {
      Object.assign(this.view, change);
      this.load();
    }

    drawBar() {
      const m = this.menu, v = this.view;
      const name = (s) => (s.id === "bundled" ? say("bundled") : this.mine.includes(s.id) ? say("mine") : s.title);
      const titled = (s) => say(s.runs === s.of ? "sweep_done" : "sweep_part", { title: name(s), n: s.runs, of: s.of });
      this.sweepField = this.choice(say("sweep"), m.sweeps.map((s) => [s.id, titled(s)]), v.sweep, (sweep) => { this.brushes.clear(); this.set({ sweep, models: [], methods: [] }); });
      const speed = this.choice(say("speed"), m.speeds.map((n) => [n, say(n)]), v.speed, (x) => { this.set({ speed: x }); this.drawBar(); });
      const quality = this.choice(say("quality"), m.qualities.map((n) => [n, say(n)]), v.quality, (x) => { this.set({ quality: x, least: null }); this.drawBar(); });
      const ask = el("label", "um-field um-tune-limit"), input = attrs(el("input", "um-select"), { type: "number", step: "0.5", min: "0" });
      const loses = v.quality === "accuracy";
      input.value = String(loses ? v.lose : v.least ?? "");
      ask.append(el("span", "um-fieldname", say(loses ? "lose" : m.better[v.quality] ? "least" : "most")), input, el("span", "um-fieldname", loses ? say("lose_unit") : say("s_" + v.quality)));
      input.addEventListener("change", () => { const x = input.value === "" ? null : Number(input.value); this.set(loses ? { lose: Number.isFinite(x) ? x : null } : { least: Number.isFinite(x) ? x : null }); });
      const parts = [this.sweepField, speed, quality, ask];
      if (v.speed === "modelled") {
        const whole = (key, least) => {
          const wrap = el("label", "um-field"), field = attrs(el("input", "um-select"), { type: "number", step: "1", min: String(least) });
          field.value = String(v[key]);
          field.addEventListener("change", () => this.set({ [key]: Math.max(least, Math.round(Number(field.value)) || least) }));
          wrap.append(el("span", "um-fieldname", say(key)), field);
          return wrap;
        };
        const card = m.cards.find((c) => c.id === v.card);
        parts.splice(2, 0, this.choice(say("card"), m.cards.map((c) => [c.id, c.title]), v.card, (x) => { this.set({ card: x }); this.drawBar(); }), whole("batch", 1), whole("context", 0), el("span", "um-tune-modelled", say("modelled_t", { card: card.title, source: card.source })));
      }
      this.bar.replaceChildren(...(m.sweeps.length ? parts : []));
    }

    drawFilters() {
      const v = this.view, group = el("div", "um-tune-chips");
      attrs(group, { role: "group", "aria-label": say("models") });
      group.append(el("span", "um-fieldname", say("models")));
      const chip = (text, on, act) => {
        const b = this.button(text, act, "um-tune-chip");
        attrs(b, { "aria-pressed": String(on) });
        group.append(b);
      };
      chip(say("all"), !v.models.length, () => this.set({ models: [] }));
      for (const model of this.state.models) chip(model, v.models.includes(model), () => this.set({ models: v.models.length === 1 && v.models[0] === model ? [] : [model] }));
      const save = el("span", "um-tune-save");
      save.append(el("span", "um-fieldname", say("save")));
      for (const [kind, key] of [["csv", "csv"], ["parquet", "parquet"], ["yaml", "specFile"]]) save.append(this.button(say(key), () => this.save(kind), "um-tune-small"));
      const held = document.activeElement && this.filters.contains(document.activeElement) ? document.activeElement.textContent : null;
      this.filters.replaceChildren(group, save);
      if (held) { const again = [...this.filters.querySelectorAll("button")].find((b) => b.textContent === held); if (again) again.focus(); }
    }

    /** The points that all brushes keep. */
    kept(point) {
      for (const [name, [from, to]] of this.brushes) {
        const axis = this.axes && this.axes.find((a) => a.name === name);
        if (!axis) continue;
        const y = axis.place(point);
        if (y < from - 1e-6 || y > to + 1e-6) return false;
      }
      return true;
    }

    draw() {
      const s = this.state;
      if (!s) return;
      this.drawn.hidden = false;
      const style = getComputedStyle(this.box);
      this.ink = (name) => style.getPropertyValue("--um-" + name).trim();
      this.axes = this.axesOf(s.points);
      for (const name of [...this.brushes.keys()]) if (!this.axes.some((a) => a.name === name)) this.brushes.delete(name);
      this.drawScatter();
      this.drawSide();
      this.drawLegend();
      this.drawParallel();
      this.drawDetail();
      this.mark();
    }

    look(method) { return (this.menu.looks && this.menu.looks[method]) || ["#5F6873", "#8A94A1", "●"]; }

    colour(method) { return this.look(method)[this.stage.dark() ? 1 : 0]; }

    // ---------------------------------------------------------------------------------------------- the scatter
    drawScatter() {
      const s = this.state, v = this.view, x = v.speed, y = v.quality, better = this.menu.better, dark = this.stage.dark();
      const held = this.plot === document.activeElement;
      const points = s.points.map((p, i) => ({ p, i })).filter(({ p }) => p[x] !== null && p[x] !== undefined && p[y] !== null && p[y] !== undefined);
      if (!points.length) { this.plot.replaceChildren(el("div", "um-note", s.points.length ? say("none") : say("empty"))); this.spots = new Map(); return; }
      const width = Math.max(300, Math.floor(this.plot.clientWidth || 640)), height = SVG_H;
      const xs = points.map(({ p }) => scaled(x, p[x])), ys = points.map(({ p }) => scaled(y, p[y]));
      const span = (values, low) => {
        const lo = Math.min(...values), hi = Math.max(...values), gap = (hi - lo || Math.abs(hi) || 1) * 0.06;
        return [low === null ? lo - gap : Math.max(low, lo - gap), hi + gap];
      };
      const [x0, x1] = span(xs, 0), [y0, y1] = span(ys, null);
      const px = (value) => PAD.left + ((value - x0) / (x1 - x0)) * (width - PAD.left - PAD.right), py = (value) => height - PAD.bottom - ((value - y0) / (y1 - y0)) * (height - PAD.top - PAD.bottom);
      const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.sentence() });
      const text = (at, words, map) => root.append(svg("text", Object.assign({ x: at[0], y: at[1], fill: this.ink("soft"), "font-size": 11, "font-family": "IBM Plex Sans, sans-serif" }, map), words));
      for (const t of ticks(x0, x1, Math.max(3, width / 110))) {
        root.append(svg("line", { x1: px(t), x2: px(t), y1: PAD.top, y2: height - PAD.bottom, stroke: this.ink("line") }));
        text([px(t), height - PAD.bottom + 15], num(t), { "text-anchor": "middle" });
      }
      for (const t of ticks(y0, y1, 6)) {
        root.append(svg("line", { x1: PAD.left, x2: width - PAD.right, y1: py(t), y2: py(t), stroke: this.ink("line") }));
        text([PAD.left - 8, py(t) + 4], num(t), { "text-anchor": "end" });
      }
      const arrow = (name) => say(name) + (better[name] ? "  " + say("is_better") : "  " + say("less_better"));
      text([(PAD.left + width - PAD.right) / 2, height - 8], arrow(x), { "text-anchor": "middle", fill: this.ink("text"), "font-size": 12 });
      text([0, 0], arrow(y), { "text-anchor": "middle", fill: this.ink("text"), "font-size": 12, transform: `translate(14 ${(PAD.top + height - PAD.bottom) / 2}) rotate(-90)` });
      const front = s.front.filter((i) => points.some((q) => q.i === i));
      root.append(svg("path", { d: front.map((i, n) => (n ? "L" : "M") + px(scaled(x, s.points[i][x])) + " " + py(scaled(y, s.points[i][y]))).join(""), fill: "none", stroke: this.ink("text"), "stroke-width": 1.5, "stroke-dasharray": "5 3" }));
      this.spots = new Map();
      const place = new Map(front.map((i, n) => [i, n + 1]));
      const order = points.slice().sort((a, b) => (place.has(a.i) ? 1 : 0) - (place.has(b.i) ? 1 : 0));
      for (const { p, i } of order) {
        const cx = px(scaled(x, p[x])), cy = py(scaled(y, p[y])), colour = this.colour(p.method), g = svg("g", { class: "um-tune-spot", "data-point": p.id });
        const bar = (from, to, level, flat) => {
          if (from === null || from === undefined || to - from < 1e-9) return;
          const clampX = (value) => Math.max(PAD.left, Math.min(width - PAD.right, value)), clampY = (value) => Math.max(PAD.top, Math.min(height - PAD.bottom, value));
          g.append(flat ? svg("line", { x1: clampX(px(from)), x2: clampX(px(to)), y1: level, y2: level, stroke: colour, "stroke-width": 1, class: "um-tune-bar-x" }) : svg("line", { x1: level, x2: level, y1: clampY(py(from)), y2: clampY(py(to)), stroke: colour, "stroke-width": 1, class: "um-tune-bar-y" }));
        };
        bar(scaled(x, p[x + "_low"]), scaled(x, p[x + "_high"]), cy, true);
        bar(scaled(y, p[y + "_low"]), scaled(y, p[y + "_high"]), cx, false);
        const mark = svg("path", { d: PATHS[this.look(p.method)[2]] || PATHS["●"], transform: `translate(${cx} ${cy})`, fill: colour, stroke: dark ? "#0F1318" : "#FFFFFF", "stroke-width": 1.2, class: "um-tune-mark" });
        g.append(svg("circle", { cx, cy, r: 12, fill: "transparent" }), mark);
        const ring = svg("circle", { cx, cy, r: 11, fill: "none", stroke: this.ink("ring"), "stroke-width": 2.5, class: "um-tune-ring" });
        g.append(ring);
        if (place.has(i)) {
          const edge = cx > width - PAD.right - 16;
          g.append(svg("text", { x: cx + (edge ? -9 : 9), y: cy - 8, "text-anchor": edge ? "end" : "start", "font-size": 11, "font-weight": 700, fill: this.ink("text"), "font-family": "IBM Plex Sans, sans-serif" }, String(place.get(i))));
        }
        g.addEventListener("pointerenter", (e) => this.hover(p.id, e));
        g.addEventListener("pointerleave", () => this.hover(null));
        g.addEventListener("click", () => this.pick(p.id, true));
        this.spots.set(p.id, g);
        root.append(g);
      }
      this.figureNow = root;
      this.plot.replaceChildren(root);
      if (held) this.plot.focus();
    }

    sentence() {
      const s = this.state, first = s.points[s.front[0]], last = s.points[s.front[s.front.length - 1]];
      return say("pictured", { name: say(this.view.speed) + " / " + say(this.view.quality) }) + (first ? ": " + nameOf(first) + " … " + nameOf(last) : "");
    }

    describe(point) {
      const v = this.view, i = this.state.points.indexOf(point), n = this.state.front.indexOf(i);
      const between = (name) => short(name) + ": " + say("interval", { value: told(name, point[name]), low: told(name, point[name + "_low"]), high: told(name, point[name + "_high"]) });
      return [nameOf(point), settingsOf(point), n < 0 ? say("dominated") : say("onFront", { n: n + 1 }), between(v.speed), between(v.quality),
        say("more", { calls: shown("calls", point.calls), rows: shown("rows_tokens", point.rows_tokens), wall: duration(point.wall), n: point.runs, hardware: point.hardware })];
    }

    hover(id, event) {
      this.hovered = id;
      this.mark();
      const point = id && this.state.points.find((p) => p.id === id);
      this.tip.hidden = !point || !event;
      if (this.tip.hidden) return;
      const [name, ...lines] = this.describe(point);
      this.tip.replaceChildren(el("b", "", name), ...lines.map((line) => el("div", "", line)));
      const box = this.box.getBoundingClientRect(), wide = Math.min(320, box.width - 8);
      this.tip.style.maxWidth = wide + "px";
      this.tip.style.left = Math.max(0, Math.min(event.clientX - box.left + 14, box.width - wide - 4)) + "px";
      const high = this.tip.offsetHeight, below = event.clientY + 24 + high < window.innerHeight;
      this.tip.style.top = event.clientY - box.top + (below ? 16 : -high - 12) + "px";
    }

    /** What is chosen, hovered or brushed away, in every picture. */
    mark() {
      const kept = new Set(this.state.points.filter((p) => this.kept(p)).map((p) => p.id)), front = new Set(this.state.front.map((i) => this.state.points[i].id));
      for (const part of [this.spots, this.lines]) for (const [id, node] of part || []) {
        node.classList.toggle("um-tune-out", !kept.has(id));
        node.classList.toggle("um-tune-dominated", !front.has(id));
        node.classList.toggle("um-tune-on", id === this.picked);
        node.classList.toggle("um-tune-hover", id === this.hovered);
        if (part === this.lines && (id === this.picked || id === this.hovered)) node.parentNode.append(node);
      }
      put(this.left, this.brushes.size ? say("left", { n: kept.size, of: this.state.points.length }) : "");
      this.letGo.hidden = !this.brushes.size;
    }

    arrows(e) {
      const s = this.state, d = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      if (!s || e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "Enter" && this.picked) { e.preventDefault(); this.again({ point: this.picked }); return; }
      if (!d) return;
      e.preventDefault();
      e.stopPropagation();
      const kept = s.front.filter((i) => this.kept(s.points[i])), now = kept.findIndex((i) => s.points[i].id === this.picked);
      if (kept.length) this.pick(s.points[kept[(now + d + kept.length) % kept.length]].id, false);
    }

    // ---------------------------------------------------------------------------------------------- what to take
    drawSide() {
      const s = this.state, v = this.view, cards = el("div", "um-tune-cards");
      for (const key of ["best", "exact", "knee"]) {
        const i = s.picks[key], point = i === null || i === undefined ? null : s.points[i];
        // A front of two points has no knee of its own.
        if (key === "knee" && s.front.length < 3) continue;
        if (key === "best" && (v.quality === "accuracy" ? v.lose : v.least) === null) continue;
        const why = key === "best" ? say(v.quality === "accuracy" ? "best_lose_t" : "best_least_t", { x: v.lose }) : say(key + "_t");
        const card = attrs(el("button", "um-tune-card"), { type: "button", "data-pick": key, title: why });
        card.append(el("span", "um-caption", say(key)));
        if (point) {
          card.append(el("b", "", nameOf(point)), el("span", "um-tune-set", settingsOf(point)));
          card.append(el("span", "", short(v.speed) + " " + told(v.speed, point[v.speed]) + " · " + short(v.quality) + " " + told(v.quality, point[v.quality])));
          const lost = this.lost(point);
          if (lost) card.append(lost);
          card.addEventListener("click", () => this.pick(point.id, true));
        } else {
          const lacking = key === "best" && v.quality === "accuracy" && s.points.length && s.points.every((p) => p.points === null || p.points === undefined);
          card.append(el("span", "um-faint", say(lacking ? "noBase" : "nothing")));
          card.disabled = true;
        }
        card.append(el("span", "um-faint", why));
        cards.append(card);
      }
      this.side.replaceChildren(el("div", "um-caption", say("take")), cards);
    }

    /** The paired difference to the model's reference decoder; null for the reference itself. */
    lost(point) {
      if (point.points === null || point.points === undefined || point.against === point.id) return null;
      const base = this.state.points.find((p) => p.id === point.against), line = el("span", "", say("apart", { points: signed(point.points), low: signed(point.points_low), high: signed(point.points_high) }));
      line.title = say("apart_t", { against: base ? base.method : "reference" });
      if (this.view.lose !== null && point.points_low < -this.view.lose) line.append(el("span", "um-tune-wide", " ⚠\ufe0e " + say("wide_t")));
      return line;
    }

    drawLegend() {
      const s = this.state, v = this.view, there = s.methods;
      this.legend.replaceChildren(...there.map((method) => {
        const b = attrs(el("button", "um-tune-key"), { type: "button", "aria-pressed": String(v.methods.includes(method)) });
        const mark = attrs(el("span", "um-tune-glyph", this.look(method)[2]), { "aria-hidden": "true" });
        mark.style.color = this.colour(method);
        b.append(mark, el("span", "", method));
        b.classList.toggle("um-tune-out", v.methods.length > 0 && !v.methods.includes(method));
        b.addEventListener("click", () => this.set({ methods: v.methods.length === 1 && v.methods[0] === method ? [] : [method] }));
        return b;
      }), el("span", "um-faint", "- - " + say("frontLine")));
    }

    // ---------------------------------------------------------------------------------------------- parallel coordinates
    /** {name, title, place(point) -> 0..1, ticks: [[share, text]]}: method, model, every setting that differs, every number. */
    axesOf(points) {
      const out = [], named = (name, title, value) => {
        const seen = [...new Set(points.map(value))].sort((a, b) => (a === say("unset") ? -1 : b === say("unset") ? 1 : a < b ? -1 : a > b ? 1 : 0));
        if (seen.length < 2) return;
        const at = new Map(seen.map((x, i) => [x, (i + 0.5) / seen.length]));
        out.push({ name, title, place: (p) => at.get(value(p)), ticks: seen.map((x) => [at.get(x), String(x)]) });
      };
      const numbered = (name, title, value) => {
        const known = points.map(value).filter((x) => typeof x === "number" && Number.isFinite(x)), lo = Math.min(...known), hi = Math.max(...known);
        if (known.length < 2 || hi - lo < 1e-12) return;
        // Points without this number stand below its axis.
        const lacking = known.length < points.length, bottom = lacking ? 0.12 : 0, place = (p) => { const x = value(p); return typeof x === "number" && Number.isFinite(x) ? bottom + ((x - lo) / (hi - lo)) * (1 - bottom) : 0; };
        const marks = ticks(lo, hi, 4).map((t) => [bottom + ((t - lo) / (hi - lo)) * (1 - bottom), num(t)]);
        out.push({ name, title, place, ticks: lacking ? [[0, say("unset")], ...marks] : marks });
      };
      named("method", say("method"), (p) => p.method);
      named("model", say("model"), (p) => [p.model, ...Object.values(p.models).slice(1)].join(" + "));
      const knobs = new Map();
      for (const p of points) for (const [k, v] of Object.entries(p.settings)) knobs.set(k, (knobs.get(k) || new Set()).add(v));
      const often = [...knobs].filter(([k, values]) => values.size > 1 || points.some((p) => !(k in p.settings))).sort((a, b) => b[1].size - a[1].size).slice(0, 5);
      for (const [k, values] of often) {
        if ([...values].every((x) => typeof x === "number")) numbered("set:" + k, k, (p) => p.settings[k]);
        else named("set:" + k, k, (p) => (k in p.settings ? quoted(p.settings[k]) : say("unset")));
      }
      for (const name of NUMBERS) numbered(name, say("s_" + name), (p) => (p[name] === null || p[name] === undefined ? null : scaled(name, p[name])));
      return out;
    }

    drawParallel() {
      const points = this.state.points, axes = this.axes, step = 84, width = Math.max(this.par.clientWidth || 640, axes.length * step), height = PAR_H;
      const left = 88, right = 42, top = 30, bottom = 14, x = (i) => left + (axes.length < 2 ? 0 : (i / (axes.length - 1)) * (width - left - right)), y = (share) => height - bottom - share * (height - top - bottom);
      const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": say("parallel") }), lines = svg("g");
      this.lines = new Map();
      for (const p of points) {
        const line = svg("path", { d: axes.map((a, i) => (i ? "L" : "M") + x(i).toFixed(1) + " " + y(a.place(p)).toFixed(1)).join(""), fill: "none", stroke: this.colour(p.method), class: "um-tune-line", "data-point": p.id });
        line.addEventListener("pointerenter", (e) => this.hover(p.id, e));
        line.addEventListener("pointerleave", () => this.hover(null));
        line.addEventListener("click", () => this.pick(p.id, true));
        this.lines.set(p.id, line);
        lines.append(line);
      }
      root.append(lines);
      axes.forEach((axis, i) => {
        const g = svg("g", { transform: `translate(${x(i)} 0)` });
        g.append(svg("line", { x1: 0, x2: 0, y1: y(0), y2: y(1), stroke: this.ink("rule") }));
        g.append(svg("text", { x: 0, y: 14, "text-anchor": "middle", "font-size": 11, "font-weight": 600, fill: this.ink("text") }, axis.title));
        for (const [share, text] of axis.ticks) {
          const short = text.length > 15 ? text.slice(0, 14) + "…" : text, label = svg("text", { x: -6, y: y(share) + 4, "text-anchor": "end", "font-size": 10, fill: this.ink("soft"), stroke: this.ink("page"), "stroke-width": 3, "paint-order": "stroke", class: "um-tune-tick" }, short);
          if (short !== text) label.append(svg("title", {}, text));
          g.append(label);
        }
        const [from, to] = this.brushes.get(axis.name) || [0, 1], on = this.brushes.has(axis.name);
        g.append(svg("rect", { x: -6, width: 12, y: y(to), height: Math.max(1, y(from) - y(to)), rx: 3, fill: this.ink("accent"), opacity: on ? 0.35 : 0, class: "um-tune-brush" }));
        const field = svg("rect", { x: -14, width: 28, y: top - 8, height: height - top - bottom + 16, fill: "transparent", class: "um-tune-field" });
        field.addEventListener("pointerdown", (e) => this.drag(e, axis, root, y, null));
        field.addEventListener("dblclick", () => { this.brushes.delete(axis.name); this.draw(); });
        g.append(field);
        [["low", from], ["high", to]].forEach(([end, share], k) => {
          const handle = svg("rect", { x: -9, width: 18, y: y(share) - 3.5 + (k ? -3 : 3), height: 7, rx: 3, fill: on ? this.ink("accent") : this.ink("page"), stroke: on ? this.ink("accent") : this.ink("rule"), "stroke-width": 1.5, class: "um-tune-handle", tabindex: 0, role: "slider", "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * share), "aria-label": say(end, { name: axis.title }), "data-axis": axis.name, "data-end": end });
          handle.addEventListener("pointerdown", (e) => this.drag(e, axis, root, y, k));
          handle.addEventListener("keydown", (e) => this.slide(e, axis, k));
          g.append(handle);
        });
        root.append(g);
      });
      const held = document.activeElement && this.par.contains(document.activeElement) ? [document.activeElement.dataset.axis, document.activeElement.dataset.end] : null, scroll = this.par.scrollLeft;
      this.par.replaceChildren(root);
      this.par.scrollLeft = scroll;
      if (held) for (const h of this.par.querySelectorAll(".um-tune-handle")) if (h.dataset.axis === held[0] && h.dataset.end === held[1]) h.focus();
    }

    brush(axis, from, to) {
      const lo = Math.max(0, Math.min(from, to)), hi = Math.min(1, Math.max(from, to));
      if (lo <= 0 && hi >= 1) this.brushes.delete(axis.name); else this.brushes.set(axis.name, [lo, hi]);
    }

    drag(e, axis, root, y, k) {
      if (e.button) return;
      e.preventDefault();
      e.stopPropagation();
      const box = root.getBoundingClientRect(), share = (event) => { const top = y(1), bottom = y(0); return Math.max(0, Math.min(1, (bottom - (event.clientY - box.top)) / (bottom - top))); };
      const start = share(e), was = this.brushes.get(axis.name) || [0, 1];
      let moved = false;
      const move = (event) => {
        const here = share(event);
        if (!moved && Math.abs(here - start) < 0.015) return;
        moved = true;
        if (k === null) this.brush(axis, start, here); else this.brush(axis, k ? was[0] : here, k ? here : was[1]);
        this.drawParallel();
        this.mark();
      };
      const end = () => { window.removeEventListener("pointermove", move); window.removeEventListener("pointerup", end); };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
    }

    slide(e, axis, k) {
      const d = { ArrowUp: 0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowLeft: -0.05, PageUp: 0.2, PageDown: -0.2, Home: -1, End: 1 }[e.key];
      if (d === undefined && e.key !== "Escape") return;
      e.preventDefault();
      e.stopPropagation();
      const [from, to] = this.brushes.get(axis.name) || [0, 1];
      if (e.key === "Escape") this.brushes.delete(axis.name);
      else if (k) this.brush(axis, from, Math.max(from, to + d)); else this.brush(axis, Math.min(to, from + d), to);
      this.drawParallel();
      this.mark();
    }

    // ---------------------------------------------------------------------------------------------- one point
    pick(id, load) {
      this.picked = id;
      this.mark();
      this.drawDetail();
      if (load) this.again({ point: id });
    }

    /** Has the run made and shown; its settings go into the controls. */
    again(which) {
      const host = this.stage.host;
      if (!host.send) return;
      put(this.loadNote, say("loading"));
      host.send("again", Object.assign({ sweep: this.view.sweep }, which));
    }

    async drawDetail() {
      const point = this.picked && this.state.points.find((p) => p.id === this.picked);
      this.detail.hidden = !point;
      if (!point) return;
      const head = el("div", "um-tune-row"), mark = attrs(el("span", "um-tune-glyph", this.look(point.method)[2]), { "aria-hidden": "true" });
      mark.style.color = this.colour(point.method);
      this.loadNote = attrs(el("span", "um-faint"), { role: "status" });
      const load = this.button(say("load"), () => this.again({ point: point.id }), "um-tune-load");
      load.title = say("load_t");
      head.append(mark, el("b", "", nameOf(point)), el("span", "um-tune-set", settingsOf(point)), load, this.loadNote);
      const facts = el("dl", "um-tune-facts"), fact = (name, value, sub) => { const pair = el("div"); pair.append(el("dt", "", name), el("dd", "", value)); if (sub) pair.lastChild.append(el("span", "um-faint", " " + sub)); facts.append(pair); };
      for (const name of [...NUMBERS, "speedup"]) if (point[name] !== null && point[name] !== undefined) fact(short(name), told(name, point[name]), told(name, point[name + "_low"]) + " – " + told(name, point[name + "_high"]));
      if (point.acceptance_length !== null && point.acceptance_length !== undefined) fact(say("n_length"), num(point.acceptance_length));
      const lost = this.lost(point);
      if (lost) fact(say("n_points"), lost.firstChild.textContent);
      if (point.compared) fact(say("n_identical"), say("of", { n: point.identical, of: point.compared }));
      const copies = el("div", "um-tune-row");
      copies.append(el("span", "um-fieldname", say("copy")));
      this.copyNote = attrs(el("span", "um-faint"), { role: "status" });
      for (const kind of ["python", "command", "url", "yaml"]) copies.append(this.button(say(kind), () => this.copy(kind, point.id), "um-tune-small"));
      copies.append(this.copyNote);
      const runs = el("details", "um-tune-runs"), summary = el("summary", "", say("runs")), list = el("div");
      runs.append(summary, list);
      runs.open = !!this.runsOpen;
      runs.addEventListener("toggle", () => { this.runsOpen = runs.open; if (runs.open) this.drawRuns(list, point); });
      const held = document.activeElement && this.detail.contains(document.activeElement) ? document.activeElement.textContent : null;
      this.detail.replaceChildren(head, facts, copies, runs);
      if (point.errors) this.detail.append(el("div", "um-tune-error", say("errors", { n: point.errors, error: point.error })));
      if (runs.open) this.drawRuns(list, point);
      if (held) { const again = [...this.detail.querySelectorAll("button, summary")].find((b) => b.textContent === held); if (again) again.focus(); }
    }

    async drawRuns(list, point) {
      let reply;
      try { reply = await this.ask({ what: "runs", sweep: this.view.sweep, point: point.id }); } catch (error) { list.replaceChildren(el("div", "um-tune-error", error.message)); return; }
      const table = el("table", "um-tune-table"), head = el("tr");
      for (const key of ["r_prompt", "r_right", "r_calls", "r_wall", "r_agree", "r_text"]) head.append(attrs(el("th", "", say(key)), { scope: "col" }));
      head.append(el("td"));
      table.append(head);
      for (const run of reply.runs) {
        const row = el("tr"), right = run.accuracy === null ? say("notGraded") : run.accuracy >= 1 ? say("yes") : run.accuracy <= 0 ? say("no") : num(run.accuracy);
        const same = run.same === null ? "–" : run.same ? say("same") : say("differs", { pos: run.first_divergence });
        const cells = [run.prompt, right, shown("calls", run.calls), duration(run.wall_median), same, run.error || run.text];
        cells.forEach((text, i) => row.append(attrs(el("td", i === 0 || i === 5 ? "um-tune-long" : "", text), { title: i === 0 || i === 5 ? text : "" })));
        const go = el("td"), b = this.button("▸", () => this.again({ key: run.key }), "um-tune-small");
        attrs(b, { "aria-label": say("load") + ": " + run.prompt, title: say("load") });
        go.append(b);
        row.append(go);
        table.append(row);
      }
      const wrap = attrs(el("div", "um-tune-scroll"), { tabindex: "0", role: "group", "aria-label": say("runs") });
      wrap.append(table);
      list.replaceChildren(wrap);
    }

    async copy(kind, point) {
      put(this.copyNote, "");
      try {
        const reply = await this.ask({ what: "copy", sweep: this.view.sweep, point });
        const text = kind === "url" ? location.origin + location.pathname + reply.url : reply[kind];
        try { await navigator.clipboard.writeText(text); put(this.copyNote, say("copied")); } catch (error) {
          const box = attrs(el("textarea", "um-tune-text"), { rows: "4", readonly: "", "aria-label": say(kind) });
          box.value = text;
          put(this.copyNote, say("noCopy"));
          this.copyNote.append(box);
        }
      } catch (error) { put(this.copyNote, say("failed", { error: error.message })); }
    }

    async save(kind) {
      try {
        const reply = await this.ask({ what: "file", sweep: this.view.sweep, as: kind });
        const bytes = Uint8Array.from(atob(reply.base64), (c) => c.charCodeAt(0)), link = el("a");
        link.href = URL.createObjectURL(new Blob([bytes]));
        link.download = reply.name;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      } catch (error) { put(this.note, say("failed", { error: error.message })); }
    }

    // ---------------------------------------------------------------------------------------------- a sweep of one's own
    drawOwn() {
      const m = this.menu, f = (this.form = this.form || { methods: new Map([["stepwise", {}], ["ssd", { n: "2, 4, 8" }], ["threshold", { threshold: "0.6, 0.75, 0.9" }]]), models: new Set(["tiny-sdar"]), family: "graded", n: 2, repeats: 1, lines: "" });
      const box = el("div", "um-tune-form");
      box.append(el("p", "um-faint", say("own_t", { points: m.most.points, runs: m.most.runs, minutes: Math.round(m.most.seconds / 60) })));
      const check = (set, name, text, redraw) => {
        const label = el("label", "um-tune-check"), input = attrs(el("input"), { type: "checkbox" });
        input.checked = set.has(name);
        input.addEventListener("change", () => { if (input.checked) set.add(name); else set.delete(name); if (redraw) redraw(); this.compose(); });
        label.append(input, el("span", "", text));
        return label;
      };
      const models = attrs(el("fieldset", "um-tune-fields"), {});
      models.append(el("legend", "um-fieldname", say("models")), ...m.models.map((e) => check(f.models, e.id, e.id)));
      const methods = el("fieldset", "um-tune-fields um-tune-methods"), knobs = el("div", "um-tune-knobs");
      methods.append(el("legend", "um-fieldname", say("methods")));
      const drawKnobs = () => knobs.replaceChildren(...[...f.methods].map(([id, values]) => {
        const method = m.methods.find((x) => x.id === id), row = attrs(el("div", "um-tune-method"), { role: "group", "aria-label": id });
        row.append(el("b", "", id));
        for (const k of method.knobs.filter((k) => !k.rare || values[k.name])) {
          const label = el("label", "um-field"), input = attrs(el("input", "um-select"), { type: "text", placeholder: k.name === "block" ? say("unset") : quoted(k.default), size: "10", spellcheck: "false", autocomplete: "off" });
          input.value = values[k.name] || "";
          label.title = k.help + (k.choices.length ? " (" + k.choices.join(", ") + ")" : k.lo === null ? "" : ` (${k.lo} – ${k.hi})`);
          label.append(el("span", "um-fieldname", k.name), input);
          input.addEventListener("input", () => { if (input.value.trim()) values[k.name] = input.value; else delete values[k.name]; this.compose(); });
          row.append(label);
        }
        return row;
      }));
      for (const method of m.methods) {
        const names = { has: (id) => f.methods.has(id), add: (id) => f.methods.set(id, {}), delete: (id) => f.methods.delete(id) };
        methods.append(check(names, method.id, method.id, drawKnobs));
      }
      drawKnobs();
      const prompts = el("div", "um-tune-row");
      const families = [["graded", say("graded")], ["all", say("all")], ...m.families.map((x) => [x, x])];
      const count = attrs(el("input", "um-select"), { type: "number", min: "1", max: "100", "aria-label": say("each") });
      count.value = String(f.n);
      count.addEventListener("input", () => { f.n = Math.max(1, Math.round(Number(count.value)) || 1); this.compose(); });
      const file = attrs(el("input"), { type: "file", accept: ".jsonl,.json,.txt", "aria-label": say("ownPrompts") });
      file.addEventListener("change", async () => { f.lines = file.files[0] ? await file.files[0].text() : ""; this.announce(); });
      const own = el("label", "um-field um-tune-file");
      own.title = say("ownPrompts_t");
      own.append(el("span", "um-fieldname", say("ownPrompts")), file);
      prompts.append(this.choice(say("prompts"), families, f.family, (x) => { f.family = x; this.compose(); }), count, el("span", "um-fieldname", say("each")), this.choice(say("repeats"), [1, 3, 5].map((n) => [n, say("times", { n })]), String(f.repeats), (x) => { f.repeats = Number(x); this.compose(); }), own);
      const specBox = el("details", "um-tune-spec"), text = attrs(el("textarea", "um-tune-text"), { rows: "9", spellcheck: "false", "aria-label": say("spec") });
      specBox.append(el("summary", "", say("spec")), text);
      text.addEventListener("input", () => this.announce());
      this.specText = text;
      this.said = attrs(el("div", "um-tune-said"), { role: "status" });
      const buttons = el("div", "um-tune-row");
      this.bRun = this.button(say("run"), () => this.start({ spec: text.value, lines: f.lines }), "um-tune-run");
      this.bStop = this.button(say("stop"), () => this.halt());
      this.bGo = this.button(say("goOn"), () => this.start({ sweep: this.going }));
      this.progress = attrs(el("span", "um-tune-progress"), { role: "status" });
      this.bStop.hidden = this.bGo.hidden = true;
      buttons.append(this.bRun, this.bStop, this.bGo, this.progress);
      box.append(models, methods, knobs, prompts, specBox, this.said, buttons);
      this.own.replaceChildren(el("summary", "um-tune-title", say("own")), box);
      this.compose();
    }

    /** The form as a spec, YAML. JSON is YAML, so that no text needs quoting of our own. */
    compose() {
      const f = this.form, value = (text) => text.split(",").map((x) => x.trim()).filter(Boolean).map((x) => (/^[-+]?[0-9.]+(e[-+]?\d+)?$/i.test(x) ? Number(x) : x === "true" ? true : x === "false" ? false : x));
      const lines = ["models: " + JSON.stringify([...f.models]), "methods:"];
      for (const [id, values] of f.methods) lines.push("  " + id + ": {" + Object.entries(values).map(([k, v]) => k + ": " + JSON.stringify(value(v))).join(", ") + "}");
      lines.push("prompts: " + JSON.stringify({ family: f.family, n: f.n }).replace(/"(family|n)":/g, "$1: "));
      if (f.repeats > 1) lines.push("repeats: " + f.repeats);
      this.specText.value = lines.join("\n") + "\n";
      this.announce();
    }

    announce() {
      clearTimeout(this.announcing);
      this.announcing = setTimeout(async () => {
        const mine = (this.announced = (this.announced || 0) + 1);
        let lines;
        try {
          const a = await this.ask({ what: "plan", spec: this.specText.value, lines: this.form.lines });
          const time = a.seconds < 90 ? Math.max(1, Math.round(a.seconds)) + " s" : Math.round(a.seconds / 60) + " min";
          lines = [say("announce", { points: a.points, prompts: a.prompts, runs: a.runs, time, guess: a.known < 1 ? say("guess") : "" }), ...a.left_out.map((sentence) => say("leftOut", { sentence })), ...a.faults.map((error) => say("fault", { error }))];
          this.bRun.disabled = this.busy || a.runs === 0;
        } catch (error) { lines = [say("fault", { error: error.message })]; this.bRun.disabled = true; }
        if (mine === this.announced) this.said.replaceChildren(...lines.map((line) => el("div", "", line)));
      }, 250);
    }

    start(what) {
      this.job = this.id + "-" + ++serial;
      this.busy = true;
      this.halted = false;
      this.bRun.disabled = true;
      this.bStop.hidden = false;
      this.bGo.hidden = true;
      put(this.progress, say("queued"));
      this.stage.host.send("sweep", Object.assign({ id: this.job }, what));
    }

    halt() {
      this.halted = true;
      if (this.going) this.stage.host.send("halt", { sweep: this.going });
    }

    /** How a turn goes. When it ends and there is more, the next one is asked for, behind whoever waits for the model. */
    async news(m) {
      if (m.id !== this.job) return;
      if (m.error) { put(this.progress, say("failed", { error: m.error })); return this.rest(!!this.going); }
      const fresh = this.going !== m.sweep;
      this.going = m.sweep;
      if (fresh) {
        this.mine.push(m.sweep);
        remember(this.mine);
        this.menu.sweeps.push({ id: m.sweep, title: "", runs: m.done, of: m.of });
        Object.assign(this.view, { sweep: m.sweep, models: [], methods: [] });
        this.brushes.clear();
        this.drawBar();
      }
      if (m.done !== undefined) {
        put(this.progress, say("running", { n: m.done, of: m.of }));
        const listed = this.menu.sweeps.find((s) => s.id === m.sweep);
        if (listed) listed.runs = m.done;
        if (this.view.sweep === m.sweep && m.done) this.load();
      }
      if (m.more === undefined) return;
      if (m.more && !this.halted) this.stage.host.send("sweep", { id: this.job, sweep: m.sweep });
      else {
        put(this.progress, say(m.done < m.of ? "stopped" : "finished", { n: m.done, of: m.of }));
        this.drawBar();
        this.rest(m.done < m.of);
      }
    }

    rest(more) {
      this.busy = false;
      this.bStop.hidden = true;
      this.bGo.hidden = !more;
      this.announce();
    }

    // ---------------------------------------------------------------------------------------------- taken along
    csv() {
      if (!this.state) return null;
      const names = [...NUMBERS, "speedup", "points", "acceptance_length"], ends = ["", "_low", "_high"];
      return [["front", "method", "models", "settings", "runs", "errors", "guarantee", "identical", "compared", ...names.flatMap((n) => ends.map((e) => n + e)), "hardware"]].concat(this.state.points.map((p, i) => {
        const n = this.state.front.indexOf(i);
        return [n < 0 ? "" : n + 1, p.method, JSON.stringify(p.models), JSON.stringify(p.settings), p.runs, p.errors, p.guarantee ?? "", p.identical ?? "", p.compared ?? "", ...names.flatMap((x) => ends.map((e) => p[x + e] ?? "")), p.hardware ?? ""];
      }));
    }

    figure() { return this.figureNow || null; }

    about() { return { note: this.sentence() }; }

    destroy() { for (const off of this.offs) off(); clearTimeout(this.announcing); }
  }

  Unmasked.lens("tune", (stage) => {
    const t = new Tune(stage);
    return { show: () => t.show(), csv: () => t.csv(), figure: () => t.figure(), about: () => t.about(), translated: () => t.translated(), destroy: () => t.destroy() };
  }, { title: "Tune", question: "Which settings are fast and good, and what does the run behind each of them look like?", order: 70, needs: [], wide: true });
})();
