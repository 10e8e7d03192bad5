/* The race: two to four runs of one prompt, made one after another, played together under one visible clock.
 *
 * The first half is arithmetic on plain values, without a page: tests/e2e/test_race_lens.py calls it as Unmasked.race.
 * A run is a row of forward calls; a lane's state is how many of them are finished, and `stops[k]` is the number of
 * events seen once call k's effects are on the canvas. Every clock is one number per finished call, 0 first.
 */
(function () {
  "use strict";
  const { el, attrs, svg, put, num, duration, ratio, STATES, GLYPH } = Unmasked.kit;

  const WORDS = {
    how: "Each run was made alone, one after the other; here they are played together. Times are time inside the model's forward calls.",
    prompt: "Prompt", rule: "Play by", lanes: "Lanes",
    wall: "wall clock", passes: "forward passes", tokens: "tokens", progress: "progress",
    wall_s: "Each lane plays at its measured speed on this machine; drawing is not in it.",
    wall_s2: "Each lane plays at its measured speed on {hardware}; drawing is not in it.",
    wall_s3: "Each lane plays at its own measured speed, but not on one machine: compare texts, not times.",
    passes_s: "One tick = one call of the main model; a draft model's call is a thin tick.",
    tokens_s: "The same number of committed tokens in each lane.",
    progress_s: "The same share of each lane's own forward calls.",
    play: "Play the race (Space)", pause: "Pause the race (Space)", slider: "Race position", keys: "Space plays; ← → step from call to call; Home and End.",
    group: "Race: Space plays, arrows step from call to call",
    at_wall: "{t} of {T}", at_passes: "call {t} of {T}", at_tokens: "{t} of {T} tokens", at_progress: "{t}%", at_jump: "position {pos} in both lanes",
    slower: "played {n}× slower than measured", faster: "played {n}× faster than measured", real: "played in real time",
    reference: "reference", remove: "Remove {title} from the race", laneOf: "Lane {n}: {title}",
    measured: "MEASURED", replay: "REPLAY", simulated: "SIMULATED",
    n_tokens: "tokens", n_time: "model time", n_rate: "tokens / s", n_calls: "forward calls", n_tpf: "filled / call", of: "of {total}",
    progressOf: "{title}: {n} of {m} tokens", lastCall: "call {call}: {kind}, {time}, {rows} × {length}", lastCall1: "call {call}: {kind}, {time}, {length}", noCall: "not started",
    b_ref: "reference", b_same: "= identical ({n}/{m})", b_differs: "≠ differs from position {pos}", b_approx: "~ approximate by design",
    b_agree: "{differ} differ from position {pos}", b_agreeSame: "same text here ({n}/{m})", b_words: "? not comparable: another tokenizer",
    b_ref_t: "The other lanes are compared with this one.", b_same_t: "{title} promises this lane's text, and the texts are equal, token by token, up to the end of sequence.",
    b_differs_t: "{title} promises this lane's text, but {differ} differ. Click: both lanes go there.",
    b_approx_t: "{title} does not promise the text of the reference lane.", b_jump_t: " Click: both lanes go to the first difference.",
    b_other_t: "{title} does not promise this lane's text: another model, or another reference decoder.", b_words_t: "The prompt has other tokens in this lane, so positions do not line up.",
    token: "{n} token|{n} tokens",
    apartModel: "not the same model: compare texts, not times", apartHardware: "not the same hardware: compare texts, not times", apartSeed: "not the same seed",
    fewer: "{x}× fewer calls", more: "{x}× as many calls", equal: "as many calls", quick: "{x}× faster", slow: "{x}× the time", par: "the same time",
    costly: "{x}× the rows × tokens", cheap: "{x}× fewer rows × tokens", same: "identical text", differ: "{differ} differ from position {pos}", noText: "texts not comparable",
    podium: "{title}: {parts}.", refPodium: "{title}: the reference, {calls}, {time} in the model.", refPodium0: "{title}: the reference, {calls}.", calls: "{n} call|{n} calls", noTimes: "no times recorded",
    finish: "At the finish", finishNote: "Against {title}; times on {hardware}.", finishNote0: "Against {title}.",
    draft: "draft", verify: "verify", denoise: "denoise / decode", cache: "cache fill", measure: "measurement", overhead: "outside the model", commit: "commit",
    axis_time: "model time, ms", axis_time_s: "model time, s", axis_passes: "calls of the main model",
    gantt: "Forward calls of {title}", segment: "call {call}: {role} by {model}, {time}, {rows} × {length}", overhead_t: "outside the model's calls (sampling, bookkeeping, recording), in total: {time}",
    legendNote: "A tick under the strip: the text changed. Time between calls is not recorded, so calls touch.",
    legendOver: "Time outside the calls was measured as one sum; it stands at the end.",
    add: "Add a run of this prompt", addFirst: "choose a run …", addRef: "+ {title} (reference decoder)", full: "Four lanes at most: remove one first.", alone: "Only this run of the prompt is here. A race needs two: run some methods on it.",
    noServer: "A race needs a second run of this prompt, and this page holds only one run. Open it in the explorer.", live: "The race starts when this run has ended.", loading: "Fetching the runs …", failed: "The race could not be set up: {error}",
    runThese: "Run these methods", pick: "Choose two to four methods for this prompt", settings: "settings", s_default: "defaults", s_page: "as set on this page", s_title: "The page's block size counts for lanes on the page's model; another model decodes with its own.",
    run: "Run", stop: "Stop", runNote: "They run one after the other on the server, never at once: first a warm-up of each (its first calls, thrown away), then each alone. Somebody else's run at the same moment would slow a lane down.",
    missing: "not trained yet", choose: "Choose two, three or four methods.", queued: "Waiting for the model …", warm: "Warm-up {i} of {of}: {title} …", going: "{i} of {of}: {title}, {calls} …", done: "All {of} runs are done.", halted: "Stopped.",
    split: "First difference: position {pos}", splitLine: "{title} wrote {token} in call {call} ({kind}).", splitNone: "{title} wrote nothing there.",
    position: "position {pos} · {state}",
  };
  const RULES = ["wall", "passes", "tokens", "progress"];
  const THIN = 0.125; // width of a draft model's call on the axis of main calls
  const MOST = 4; // lanes
  const KINDS = ["draft", "verify", "denoise", "cache", "measure", "overhead"];
  const INK = { draft: "drafted", verify: "accepted", denoise: "unmasked", cache: "masked", measure: "corrected", overhead: "page" };
  const WITHIN = 0.05; // times closer than this are called the same

  const say = Unmasked.words("race", WORDS);

  // ------------------------------------------------------------------------------------------------ arithmetic
  /** What a call is for, from its role in the trace. */
  function kindOf(role) {
    return { draft: "draft", verify: "verify", prefill: "cache", extend: "cache", refresh: "cache", measure: "measure" }[role] || "denoise";
  }

  /** The forward calls of a folded run: {call, role, kind, model, drafter, seconds, rows, length, cost, stop, tokens, filled,
   *  commits}. `drafter`: another model than the one the text comes from. `stop`: events seen once its effects are on the
   *  canvas. `tokens`: positions before the final end of sequence that are filled then; `commits`: changes of the text. */
  function callsOf(model) {
    const out = [], end = Math.min(model.firstEos(model.tokens), model.tokens.length), two = Object.keys(model.head.models || {}).length > 1;
    const canvas = Array.from(model.initial), open = (t) => t === undefined || t < 0 || t === model.mask;
    let tokens = 0, filled = 0;
    for (let i = 0; i < model.events.length; i++) {
      const e = model.events[i];
      if (e.kind === "forward") {
        if (out.length) out[out.length - 1].stop = i;
        out.push({ call: out.length + 1, role: e.role, kind: kindOf(e.role), model: e.model || model.head.model, drafter: two && !!e.model && e.model !== model.head.model,
          seconds: e.seconds || 0, rows: e.batch || 1, length: e.length, cost: (e.batch || 1) * e.length, stop: 0, tokens, filled, commits: 0 });
      } else if (e.kind === "commit") {
        for (const edit of e.edits) {
          const change = (open(edit.after) ? 0 : 1) - (open(canvas[edit.pos]) ? 0 : 1);
          canvas[edit.pos] = edit.after;
          if (edit.pos < model.promptLen) continue;
          filled += change;
          if (edit.pos < end) tokens += change;
        }
        if (out.length) out[out.length - 1].commits++;
      }
      if (out.length) Object.assign(out[out.length - 1], { tokens, filled });
    }
    if (out.length) out[out.length - 1].stop = model.events.length;
    return out;
  }

  /** Where a rule puts the end of each call: one number per finished call, 0 first, never falling. */
  function clock(calls, rule) {
    const out = [0];
    if (rule === "wall") for (const c of calls) out.push(out[out.length - 1] + c.seconds);
    else if (rule === "tokens") for (const c of calls) out.push(Math.max(out[out.length - 1], c.tokens));
    else if (rule === "progress") for (const c of calls) out.push(c.call / calls.length);
    else {
      // Draft models' calls share the first half, at most, of the main call that they lead to.
      let main = 0;
      for (let i = 0; i < calls.length; i++) {
        let n = 0;
        while (i + n < calls.length && calls[i + n].drafter) n++;
        for (let j = 1; j <= n; j++) out.push(main + j * Math.min(THIN, 0.5 / n));
        i += n;
        if (i < calls.length) out.push(++main);
      }
    }
    return out;
  }

  /** How many calls are finished at `t`. By tokens a lane stands right behind the call that brought it there. */
  function callAt(ends, t, rule) {
    const last = ends.length - 1;
    if (t >= ends[last] * (1 - 1e-9)) return last; // a slider's value comes back through text
    let k = 0;
    while (k < last && ends[k + 1] <= t + 1e-12) k++;
    if (rule === "tokens") while (k > 0 && ends[k - 1] === ends[k]) k--;
    return k;
  }

  const span = (clocks) => clocks.reduce((most, ends) => Math.max(most, ends[ends.length - 1]), 0);

  /** The moments at which any lane moves, in order: where the arrow keys stop. */
  function moments(clocks) { return [...new Set([].concat(...clocks))].sort((a, b) => a - b); }

  /** Bars of one lane: {from, to, call, kind, commits, ...} on the axis "time" (seconds) or "passes" (main calls). `outside`:
   *  seconds of the run that were not spent in calls, one bar at the end. */
  function gantt(calls, axis, outside) {
    const ends = clock(calls, axis === "passes" ? "passes" : "wall");
    let begin = 0;
    const bars = calls.map((c, i) => {
      // A main call fills what its draft calls leave of its tick.
      const from = begin;
      begin = ends[i + 1];
      return { from, to: ends[i + 1], call: c.call, kind: c.kind, role: c.role, model: c.model, seconds: c.seconds, rows: c.rows, length: c.length, commits: c.commits };
    });
    if (outside > 0 && axis !== "passes") bars.push({ from: begin, to: begin + outside, call: 0, kind: "overhead", seconds: outside, commits: 0 });
    return bars;
  }

  /** Two texts (generated ids before the end of sequence), token by token: {first, same, total, differ}; `first` is a canvas
   *  position, -1 where they are equal. Null if the prompts have different tokens, for then positions do not line up. */
  function divergence(a, b) {
    if (a.prompt.length !== b.prompt.length || a.prompt.some((id, i) => id !== b.prompt[i])) return null;
    const total = Math.max(a.ids.length, b.ids.length);
    let first = -1, same = 0;
    for (let i = 0; i < total; i++) {
      if (i < a.ids.length && i < b.ids.length && a.ids[i] === b.ids[i]) same++;
      else if (first < 0) first = a.prompt.length + i;
    }
    return { first, same, total, differ: total - same };
  }

  /** Why the times of two lanes must not be compared: "apartModel", "apartHardware" or "". */
  function apart(a, b) { return a.model !== b.model ? "apartModel" : (a.hardware || "") !== (b.hardware || "") ? "apartHardware" : ""; }

  /** {kind, text, title, jump}: what a lane is, measured against the reference lane. Only a lane that promises the reference
   *  lane's text, on the same model, can break a promise. */
  function badge(lane, ref) {
    const title = lane.title;
    if (lane === ref) return { kind: "ref", text: say("b_ref"), title: say("b_ref_t"), jump: -1 };
    const d = divergence(lane, ref);
    if (!d) return { kind: "none", text: say("b_words"), title: say("b_words_t"), jump: -1 };
    const differ = say("token", { n: d.differ }), values = { n: d.same, m: d.total, pos: d.first, differ, title };
    const jump = d.first, hint = jump < 0 ? "" : say("b_jump_t");
    if (lane.guarantee === "approximate") return { kind: "approx", text: say("b_approx") + " · " + say(jump < 0 ? "b_agreeSame" : "b_agree", values), title: say("b_approx_t", values) + hint, jump };
    const promised = lane.guarantee === "greedy-exact" && lane.model === ref.model && (!lane.reference || lane.reference === ref.method);
    if (promised) return jump < 0 ? { kind: "same", text: say("b_same", values), title: say("b_same_t", values), jump } : { kind: "differs", text: say("b_differs", values), title: say("b_differs_t", values), jump };
    return { kind: "other", text: say(jump < 0 ? "b_same" : "b_differs", values), title: say("b_other_t", values) + hint, jump };
  }

  const times = (x) => (x < 1.1 ? x.toFixed(2) : x.toFixed(1));

  /** The lane's line at the finish, from measured numbers alone: {title, calls, seconds, cost, model, hardware, prompt, ids}. */
  function podium(lane, ref) {
    if (lane === ref) return say(ref.seconds > 0 ? "refPodium" : "refPodium0", { title: ref.title, calls: say("calls", { n: ref.calls }), time: duration(ref.seconds) });
    const parts = [], why = apart(lane, ref);
    parts.push(lane.calls === ref.calls ? say("equal") : lane.calls < ref.calls ? say("fewer", { x: times(ref.calls / lane.calls) }) : say("more", { x: times(lane.calls / ref.calls) }));
    if (!why) {
      if (lane.seconds > 0 && ref.seconds > 0) {
        const x = lane.seconds / ref.seconds;
        parts.push(Math.abs(x - 1) < WITHIN ? say("par") : x < 1 ? say("quick", { x: times(1 / x) }) : say("slow", { x: times(x) }));
      } else parts.push(say("noTimes"));
      if (lane.cost > 0 && ref.cost > 0 && lane.cost !== ref.cost) parts.push(lane.cost > ref.cost ? say("costly", { x: times(lane.cost / ref.cost) }) : say("cheap", { x: times(ref.cost / lane.cost) }));
    }
    const d = divergence(lane, ref);
    parts.push(!d ? say("noText") : d.first < 0 ? say("same") : say("differ", { differ: say("token", { n: d.differ }), pos: d.first }));
    return say("podium", { title: lane.title, parts: parts.join(", ") });
  }

  /** Seconds of playing per unit of a clock that ends at `end`. By wall clock a round factor, so that it can be said. */
  function pace(end, rule) {
    if (!(end > 0)) return 1;
    if (rule !== "wall") return Math.min(rule === "progress" ? 8 : 0.25, 10 / end);
    let best = 1e-6;
    for (let power = -6; power < 7; power++) for (const m of [1, 2, 5]) { const f = m * Math.pow(10, power); if (end * f <= 10) best = Math.max(best, f); }
    return best;
  }

  /** Round marks of an axis from 0 to `end`, about `n` of them. */
  function marks(end, n) {
    if (!(end > 0)) return [0];
    const raw = end / n, power = Math.pow(10, Math.floor(Math.log10(raw))), step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw - 1e-12), out = [];
    for (let i = 0; i * step <= end * (1 + 1e-9); i++) out.push(Number((i * step).toPrecision(12)));
    return out;
  }

  /** The call that wrote what stands at `pos` in the end; null if none did. */
  function writer(model, calls, pos) {
    for (let i = model.events.length - 1; i >= 0; i--) {
      const e = model.events[i];
      if (e.kind === "commit" && e.edits.some((edit) => edit.pos === pos)) return calls.find((c) => c.stop > i) || null;
    }
    return null;
  }

  Unmasked.race = { kindOf, callsOf, clock, callAt, span, moments, gantt, divergence, apart, badge, podium, pace, marks, writer };

  // ------------------------------------------------------------------------------------------------ drawing
  // Hatching beside colour: how a kind's tile of 8 x 8 is filled, as the path drawn over its ground.
  const HATCH = { draft: "M-2 2L2 -2M0 8L8 0M6 10L10 6", verify: "", denoise: "M4 4h.01", cache: "M2 0V8M6 0V8", measure: "M0 2H8M0 6H8", overhead: "M0 0L8 8M8 0L0 8" };

  function pattern(id, kind, colours) {
    const p = svg("pattern", { id, width: 8, height: 8, patternUnits: "userSpaceOnUse" });
    p.append(svg("rect", { width: 8, height: 8, fill: colours[INK[kind]] }));
    if (HATCH[kind]) p.append(svg("path", { d: HATCH[kind], fill: "none", stroke: kind === "overhead" ? colours.rule : colours[INK[kind] + "-ink"], "stroke-width": kind === "denoise" ? 2.2 : 1.1, "stroke-linecap": kind === "denoise" ? "round" : "butt", opacity: 0.55 }));
    return p;
  }

  /** Bars of a lane into `into`, on an axis from `left`, `scale` pixels a unit. */
  function strip(into, bars, { id, left, top, high, scale, colours, title }) {
    const defs = svg("defs");
    for (const kind of new Set(bars.map((b) => b.kind))) defs.append(pattern(id + kind, kind, colours));
    into.append(defs);
    for (const b of bars) {
      const x = left + b.from * scale, w = Math.max(0.6, (b.to - b.from) * scale), gap = w > 4 ? 0.5 : 0;
      const bar = svg("rect", { x, y: top, width: w - gap, height: high, fill: "url(#" + id + b.kind + ")" });
      if (w > 2.5) attrs(bar, { stroke: colours[b.kind === "overhead" ? "rule" : INK[b.kind] + "-ink"], "stroke-opacity": 0.35, "stroke-width": 0.6 });
      bar.dataset.call = String(b.call);
      if (title) bar.append(svg("title", {}, title(b)));
      into.append(bar);
      if (b.commits) into.append(svg("rect", { x: left + b.to * scale - 1.1 - gap, y: top + high + 2, width: 1.4, height: 4, fill: colours.text }));
    }
  }

  function axis(into, { left, top, end, scale, colours, label, width }) {
    for (const m of marks(end, Math.max(2, Math.min(10, (end * scale) / 70)))) {
      const x = left + m * scale;
      into.append(svg("line", { x1: x, x2: x, y1: top, y2: top + 5, stroke: colours.rule }));
      into.append(svg("text", { x, y: top + 17, fill: colours.soft, "font-size": 11, "text-anchor": m === 0 ? "start" : x > width - 16 ? "end" : "middle" }, label(m)));
    }
    into.append(svg("line", { x1: left, x2: left + end * scale, y1: top, y2: top, stroke: colours.rule }));
  }

  // ------------------------------------------------------------------------------------------------ the lens
  class Race {
    constructor(stage) {
      this.stage = stage;
      this.lanes = [];
      this.known = { runs: [], methods: [], looks: {} };
      this.traces = new Map(); // run -> lane
      this.outside = new Map(); // run -> seconds that were not spent in calls, for runs made in this lens
      this.rule = "wall";
      this.t = 0;
      this.jump = null;
      this.ticket = 0; // of the newest change of the lanes
      this.serial = ++Race.count;
      this.build();
      stage.player.on(stage.player.root, "race", (e) => this.heard(e.detail));
    }

    button(text, label, act, cls) {
      const b = attrs(el("button", "um-btn " + cls, text), Object.assign({ type: "button" }, label ? { "aria-label": label, title: label } : {}));
      b.addEventListener("click", act);
      return b;
    }

    /** Everything is said again in the page's language; lanes, clock and what runs stay. */
    translated() {
      const focused = this.box.contains(document.activeElement), open = this.picker.open, chosen = this.boxes && this.boxes.map((b) => b.checked), how = this.settings && this.settings.value;
      this.build();
      this.pickerOf = null;
      if (this.lanes.length) this.redraw();
      this.only(this.reason, this.above);
      if (this.jump) this.tellSplit();
      this.picker.open = open || this.picker.open;
      if (chosen && this.pickerOf) {
        this.boxes.forEach((b, i) => { b.checked = chosen[i]; });
        this.settings.value = how;
        this.count();
        if (this.going || this.rested) this.telling(this.news);
      }
      if (focused) this.box.focus({ preventScroll: true });
    }

    build() {
      const box = attrs(el("div", "um-race"), { tabindex: "0", role: "group", "aria-label": say("group") });
      this.box = box;
      this.how = el("div", "um-race-how", say("how"));
      this.prompt = el("div", "um-race-prompt");
      this.prompt.dir = "auto";
      this.message = attrs(el("div", "um-race-message"), { role: "status" });

      // the rule, always in sight with its sentence
      const rules = el("fieldset", "um-race-rules");
      rules.append(el("legend", "um-race-caption", say("rule")));
      this.radios = RULES.map((rule) => {
        const label = el("label", "um-race-rule"), input = attrs(el("input"), { type: "radio", name: "um-race-rule-" + this.serial, value: rule });
        input.checked = rule === this.rule;
        input.addEventListener("change", () => this.setRule(rule));
        label.append(input, el("span", "", say(rule)));
        rules.append(label);
        return input;
      });
      this.sentence = attrs(el("div", "um-race-sentence"), { "aria-live": "polite" });

      const spine = el("div", "um-race-spine");
      this.bPlay = this.button("▶\ufe0e", say("play"), () => this.toggle(), "um-icon um-play");
      this.slider = attrs(el("input", "um-slider"), { type: "range", min: "0", max: "1", step: "any", value: "0", "aria-label": say("slider") });
      this.slider.addEventListener("input", () => { this.pause(); this.go(Number(this.slider.value)); });
      this.label = el("span", "um-race-time");
      this.paceLabel = el("span", "um-faint");
      spine.append(this.bPlay, this.slider, this.label, this.paceLabel);

      this.list = attrs(el("div"), { role: "list", "aria-label": say("lanes") });
      this.axisBox = el("div", "um-race-axis");
      this.key = el("div", "um-race-key");
      this.finish = el("div", "um-race-finish");
      this.adder = el("div", "um-race-adder");
      this.picker = el("details", "um-race-picker");
      this.stageBox = el("div");
      this.stageBox.append(rules, this.sentence, spine, this.list, this.axisBox, this.key, this.finish);
      box.append(this.how, this.prompt, this.message, this.stageBox, this.adder, this.picker);
      this.tip = attrs(el("div", "um-tip um-race-tip"), { "aria-hidden": "true" });
      this.tip.hidden = true;
      box.append(this.tip);
      box.addEventListener("keydown", (e) => this.press(e));
      box.race = this;
      this.stage.box.replaceChildren(box);
    }

    press(e) {
      if (e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || !this.lanes.length || this.stageBox.hidden) return;
      const t = e.target;
      if (t.closest("select, textarea, summary") || (t.tagName === "INPUT" && t !== this.slider)) return;
      if (e.key === " " && t.closest("button")) return;
      const act = { " ": () => this.toggle(), ArrowRight: () => this.hop(1), ArrowLeft: () => this.hop(-1), Home: () => this.go(0), End: () => this.go(this.end()) }[e.key];
      if (!act) return;
      e.preventDefault();
      if (e.key !== " ") this.pause();
      act();
    }

    hop(d) {
      const all = moments(this.clocks()), t = this.t, near = (this.end() || 1) * 1e-9;
      this.go(d > 0 ? all.find((m) => m > t + near) ?? this.end() : all.reverse().find((m) => m < t - near) ?? 0);
    }

    // ---------------------------------------------------------------------------------------------- which runs
    /** Called by the player whenever its cursor or its run changes. */
    show() {
      const cursor = this.stage.cursor(), model = this.stage.model();
      const dark = this.stage.dark(), wide = this.list.clientWidth;
      if (cursor.run !== this.run || (model && model.finish) !== this.finished) {
        this.run = cursor.run;
        this.finished = model && model.finish;
        return void this.gather();
      }
      if (dark !== this.wasDark || wide !== this.wasWide) return this.redraw();
      this.follow(cursor);
    }

    cursor(cursor) { this.follow(cursor); }

    /** Runs `work(ticket)`, which gives up when a newer one has begun; what goes wrong is said above the lanes that are here. */
    async attempt(work) {
      const ticket = ++this.ticket;
      try {
        await work(ticket);
      } catch (error) {
        if (ticket !== this.ticket) return;
        this.only(() => say("failed", { error: error && error.message ? error.message : String(error) }), true);
      }
    }

    gather() {
      const { host } = this.stage;
      ++this.ticket;
      this.pause();
      if (!this.stage.model().finish) return this.only(() => say("live"));
      if (!host.runs || !host.trace) return this.only(() => say("noServer"));
      if (!this.lanes.length) this.only(() => say("loading"));
      return this.attempt(async (ticket) => {
        const known = await this.ask();
        if (ticket !== this.ticket) return;
        if (known.error) return this.only(() => String(known.error));
        this.known = known;
        const here = new Set(known.runs.map((r) => r.run));
        const kept = this.lanes.map((l) => l.run).filter((run) => here.has(run));
        await this.line(kept.includes(this.run) ? kept : kept.length ? [...kept.slice(0, MOST - 1), this.run] : this.first(known), ticket);
      });
    }

    /** The runs and methods that can be had for this prompt. */
    ask() { return this.stage.host.runs({ run: this.run, seen: Array.from(this.stage.host.seen || []) }); }

    /** The lanes to begin with: the run's reference decoder on the same model and the run; for a reference, a run against it; else a run at
     *  default settings. */
    first(known) {
      const me = known.runs.find((r) => r.run === this.run);
      if (!me) return [];
      const others = known.runs.filter((r) => r !== me && r.model === me.model);
      const ref = me.reference && others.find((r) => r.method === me.reference);
      if (ref) return [ref.run, me.run];
      const against = others.find((r) => r.reference === me.method) || others.find((r) => !r.settings) || others[0] || known.runs.find((r) => r !== me);
      return against ? [me.run, against.run] : [me.run];
    }

    async line(runs, ticket) {
      const lanes = await Promise.all(runs.slice(0, MOST).map((run) => this.fetch(run)));
      if (ticket !== this.ticket) return;
      this.lanes = lanes;
      if (!lanes.some((l) => l.run === this.ref)) this.ref = (this.referenceLane() || lanes[0] || {}).run;
      this.jump = null;
      this.only();
      const here = lanes.find((l) => l.run === this.run);
      this.redraw(true);
      if (here) this.follow(this.stage.cursor(), true); else this.go(this.end());
    }

    referenceLane() { return this.lanes.find((l) => l.guarantee === "reference" && this.lanes.some((o) => o !== l && o.reference === l.method)) || this.lanes.find((l) => l.guarantee === "reference"); }

    async fetch(run) {
      if (this.traces.has(run) && run !== this.run) return this.traces.get(run);
      const current = this.stage.model();
      let model = current;
      if (run !== this.run) {
        const trace = await this.stage.host.trace(run);
        model = new current.constructor(trace);
        model.add(trace.events);
      }
      const lane = this.laneOf(run, model);
      this.traces.set(run, lane);
      return lane;
    }

    laneOf(run, model) {
      const h = model.head, calls = callsOf(model), listed = this.known.runs.find((r) => r.run === run) || {};
      const eos = model.firstEos(model.tokens), stop = Math.min(model.tokens.length, eos === Infinity ? model.tokens.length : eos + 1);
      const twin = this.known.runs.some((r) => r.run !== run && r.title === (h.title || h.method));
      const lane = {
        run, head: h, method: h.method, title: (h.title || h.method) + (twin && listed.settings ? " (" + listed.settings + ")" : ""), model: h.model, hardware: h.hardware || "", guarantee: h.guarantee, reference: listed.reference || (h.reference && h.reference.method) || "",
        provenance: h.provenance, seconds: calls.reduce((s, c) => s + c.seconds, 0), cost: calls.reduce((s, c) => s + c.cost, 0), prompt: Array.from(model.initial.slice(0, model.promptLen)), ids: model.ids(model.tokens.filter((t) => t !== -2)),
        fold: model, rows: calls, calls: calls.length, from: model.promptLen, stop, ends: {}, k: -1, chips: [],
        look: this.known.looks[h.method] || ["#5F6873", "#8A94A1", "●"],
      };
      for (const rule of RULES) lane.ends[rule] = clock(calls, rule);
      return lane;
    }

    /** Shows the sentence that `reason` says in place of the lanes, or `above` them; none given: the lanes. */
    only(reason, above) {
      Object.assign(this, { reason, above });
      if (reason) put(this.message, reason());
      this.message.hidden = !reason && !(this.lanes.length === 1);
      this.stageBox.hidden = (!!reason && !above) || !this.lanes.length;
    }

    add(run) { return this.attempt((ticket) => this.line([...this.lanes.map((l) => l.run), run], ticket)); }
    drop(run) { return this.attempt((ticket) => this.line(this.lanes.map((l) => l.run).filter((r) => r !== run), ticket)); }

    // ---------------------------------------------------------------------------------------------- the clock
    clocks() { return this.lanes.map((l) => l.ends[this.rule]); }
    end() { return span(this.clocks()); }
    onTime() { return this.rule !== "passes"; }

    setRule(rule) {
      // The lane that is the current run (else the first) stays where it is.
      const lane = this.lanes.find((l) => l.run === this.run) || this.lanes[0];
      this.pause();
      const done = this.t >= this.end();
      this.rule = rule;
      this.redraw();
      this.go(done ? this.end() : lane ? lane.ends[rule][Math.max(0, lane.k)] : 0);
    }

    go(t, quiet) {
      this.t = Math.max(0, Math.min(t, this.end()));
      this.jump = null;
      this.draw(quiet);
    }

    toggle() { if (this.playing) this.pause(); else this.play(); }

    play() {
      const end = this.end();
      if (!(end > 0)) return;
      if (this.t >= end) this.go(0);
      this.playing = true;
      let last = performance.now();
      const perSecond = 1 / pace(end, this.rule);
      const tick = (now) => {
        if (!this.playing) return;
        const gone = !this.box.isConnected || !this.box.getClientRects().length;
        if (gone) return this.pause();
        const t = this.t + (Math.min(500, now - last) / 1000) * perSecond;
        last = now;
        this.go(t);
        if (t >= end) return this.pause();
        this.timer = requestAnimationFrame(tick);
      };
      this.timer = requestAnimationFrame(tick);
      this.playButton();
    }

    pause() {
      if (!this.playing) return;
      this.playing = false;
      cancelAnimationFrame(this.timer);
      this.playButton();
    }

    playButton() {
      put(this.bPlay, this.playing ? "❚❚" : "▶\ufe0e");
      const label = say(this.playing ? "pause" : "play");
      attrs(this.bPlay, { "aria-label": label, title: label });
    }

    /** The reader moved the player's cursor: the lane of that run goes there, and the others with it. */
    follow(cursor, always) {
      const lane = this.lanes.find((l) => l.run === cursor.run);
      if (!lane || (cursor.at === this.sent && !always)) return;
      this.sent = cursor.at;
      this.pause();
      let k = lane.rows.findIndex((c) => c.stop >= cursor.at) + 1;
      if (cursor.at === 0) k = 0;
      else if (!k) k = lane.calls;
      const ends = lane.ends[this.rule];
      // At its own end a lane need not be the last: the others keep going only when the reader plays on.
      this.go(ends[k], true);
    }

    /** The player's cursor follows the lane that is the current run. */
    lead() {
      const lane = this.lanes.find((l) => l.run === this.run);
      if (!lane) return;
      const at = this.eventsOf(lane);
      if (at === this.sent) return;
      this.sent = at;
      this.stage.seek(at, this.jump ? { pos: this.jump.pos } : {});
    }

    eventsOf(lane) { return lane.k > 0 ? lane.rows[lane.k - 1].stop : 0; }

    // ---------------------------------------------------------------------------------------------- drawing
    colours() {
      const style = getComputedStyle(this.box), names = ["page", "text", "soft", "line", "rule", "panel", "accent", "under"];
      for (const s of STATES) names.push(s, s + "-ink");
      const out = Object.fromEntries(names.map((n) => [n, style.getPropertyValue("--um-" + n).trim()]));
      Object.assign(out, { remasked: out.masked, absent: out.page, "absent-ink": out.page });
      return out;
    }

    /** Everything that depends on the lanes, the rule, the theme or the width. */
    redraw() {
      this.wasDark = this.stage.dark();
      this.palette = this.colours();
      for (const r of this.radios) r.checked = r.value === this.rule;
      this.ruleSentence();
      const end = this.end();
      attrs(this.slider, { max: String(end || 1) });
      const lanes = this.lanes, ref = lanes.find((l) => l.run === this.ref) || lanes[0];
      this.refLane = ref;
      put(this.prompt, "");
      if (ref) this.prompt.append(el("span", "um-race-caption", say("prompt")), document.createTextNode(" " + (ref.head.prompt || ref.fold.decode(ref.prompt))));
      this.list.replaceChildren(...lanes.map((lane, i) => this.row(lane, i)));
      this.drawAdder();
      this.drawPicker();
      this.wasWide = this.list.clientWidth;
      this.strips();
      this.drawKey();
      this.draw(true);
      if (lanes.length < 2) { put(this.message, say("alone")); this.message.hidden = false; this.picker.open = true; }
      else { this.message.hidden = true; }
    }

    ruleSentence() {
      const hardware = [...new Set(this.lanes.map((l) => l.hardware))];
      const here = this.lanes.every((l) => l.provenance === "measured");
      put(this.sentence, this.rule !== "wall" ? say(this.rule + "_s") : hardware.length > 1 ? say("wall_s3") : here || !hardware[0] ? say("wall_s") : say("wall_s2", { hardware: hardware[0] }));
    }

    row(lane, i) {
      const ref = this.refLane, row = attrs(el("div", "um-race-lane"), { role: "listitem", "aria-label": say("laneOf", { n: i + 1, title: lane.title }) });
      lane.row = row;
      const head = el("div", "um-race-head"), mark = attrs(el("span", "um-race-mark", lane.look[2]), { "aria-hidden": "true" });
      mark.style.color = lane.look[this.stage.dark() ? 1 : 0];
      const who = el("span", "um-race-who");
      who.append(mark, el("span", "um-race-title", lane.title));
      const models = Object.values(lane.head.models || {}), names = el("span", "um-faint", models.length > 1 ? models.join(" + ") : lane.model);
      const prov = el("span", "um-prov um-" + lane.provenance, say(["measured", "replay", "simulated"].includes(lane.provenance) ? lane.provenance : "measured"));
      prov.title = [lane.hardware, String(lane.head.recorded || "").slice(0, 10)].filter(Boolean).join(" · ");
      const tag = badge(lane, ref), flag = attrs(el("button", "um-badge um-b-" + (tag.kind === "other" ? "approx" : tag.kind), tag.text), { type: "button", title: tag.title });
      flag.dataset.kind = tag.kind;
      flag.disabled = tag.jump < 0;
      lane.badge = tag;
      flag.addEventListener("click", () => this.split(lane, tag.jump));
      const chosen = el("label", "um-race-ref"), radio = attrs(el("input"), { type: "radio", name: "um-race-ref-" + this.serial });
      radio.checked = lane === ref;
      radio.addEventListener("change", () => { this.ref = lane.run; this.redraw(); this.list.querySelectorAll(".um-race-ref input")[i].focus(); });
      chosen.append(radio, el("span", "", say("reference")));
      const off = this.button("✕", say("remove", { title: lane.title }), () => this.drop(lane.run), "um-icon um-mini um-race-off");
      off.disabled = this.lanes.length < 2;
      head.append(who, names, prov);
      const why = lane === ref ? "" : apart(lane, ref);
      if (why) head.append(el("span", "um-race-apart", "⚠\ufe0e " + say(why)));
      else if (lane !== ref && lane.head.seed !== ref.head.seed) head.append(el("span", "um-race-apart", "⚠\ufe0e " + say("apartSeed")));
      const right = el("span", "um-race-right");
      if (lane !== ref) right.append(flag);
      right.append(chosen, off);
      head.append(right);

      const text = el("div", "um-race-text");
      text.dir = "ltr";
      lane.text = text;
      lane.chips = [];
      for (let pos = lane.from; pos < lane.stop; pos++) {
        const chip = el("span", "um-race-chip");
        chip.dir = "auto";
        chip.dataset.pos = String(pos);
        // As wide as what stands there in the end, so that equal texts are aligned from lane to lane; a longer draft is cut.
        chip.style.setProperty("--w", String(Math.max(1, lane.fold.face(lane.fold.tokens[pos]).width)));
        chip.append(document.createTextNode(""));
        text.append(chip);
        if (lane.fold.face(lane.fold.tokens[pos]).breaks) text.append(el("br"));
        lane.chips.push(chip);
      }
      text.addEventListener("click", (e) => { const chip = e.target.closest(".um-race-chip"); if (chip) this.pin(lane, Number(chip.dataset.pos)); });
      lane.bar = attrs(el("div", "um-race-bar"), { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
      lane.filled = el("span");
      lane.filled.style.background = lane.look[this.stage.dark() ? 1 : 0];
      lane.bar.append(lane.filled);
      lane.strip = el("div", "um-race-strip");
      const nums = el("dl", "um-race-nums");
      lane.nums = {};
      for (const key of ["tokens", "time", "rate", "calls", "tpf"]) {
        const pair = el("div"), cell = el("dd"), value = el("span", "um-race-value", "–"), sub = el("span", "um-faint");
        cell.append(value, document.createTextNode(" "), sub);
        pair.append(el("dt", "", say("n_" + key)), cell);
        nums.append(pair);
        lane.nums[key] = { value, sub };
      }
      lane.now = el("div", "um-race-now um-faint");
      row.append(head, text, lane.bar, lane.strip, nums, lane.now);
      lane.k = -1;
      return row;
    }

    /** {all, end}: the bars of every lane and where the longest lane ends. */
    bars() {
      const all = this.lanes.map((l) => gantt(l.rows, this.onTime() ? "time" : "passes", this.outside.get(l.run) || 0));
      return { all, end: Math.max(0, ...all.map((bars) => (bars.length ? bars[bars.length - 1].to : 0))) };
    }

    strips() {
      const width = Math.max(120, this.list.clientWidth - 2), onTime = this.onTime(), colours = this.palette, { all, end } = this.bars();
      this.scale = end > 0 ? (width - 2) / end : 1;
      this.lanes.forEach((lane, i) => {
        const s = attrs(svg("svg", { width, height: 32, viewBox: "0 0 " + width + " 32" }), { role: "img", "aria-label": say("gantt", { title: lane.title }) });
        strip(s, all[i], { id: "race" + this.serial + "-" + i, left: 0, top: 2, high: 20, scale: this.scale, colours });
        lane.veil = svg("rect", { y: 0, height: 30, width: 0, fill: colours.page, opacity: 0.62, "pointer-events": "none" });
        lane.playhead = svg("line", { y1: 0, y2: 30, stroke: colours.text, "stroke-width": 2, "pointer-events": "none" });
        s.append(lane.veil, lane.playhead);
        const of = (e) => { const n = e.target.dataset && e.target.dataset.call; return n === undefined ? null : all[i].find((b) => String(b.call) === n); };
        s.addEventListener("pointermove", (e) => this.hint(of(e), e));
        s.addEventListener("pointerleave", () => this.hint(null));
        s.addEventListener("click", (e) => { const b = of(e); if (b && b.call) { this.pause(); this.go(lane.ends[this.rule][b.call]); } });
        lane.strip.replaceChildren(s);
      });
      const small = end < 2, a = svg("svg", { width, height: 38, viewBox: "0 0 " + width + " 38", "aria-hidden": "true" });
      axis(a, { left: 0, top: 2, end, scale: this.scale, colours, width, label: (m) => (onTime && small ? num(m * 1000) : num(m)) });
      a.append(svg("text", { x: width - 1, y: 35, "text-anchor": "end", "font-size": 11, fill: colours.soft }, say(onTime ? (small ? "axis_time" : "axis_time_s") : "axis_passes")));
      this.axisBox.replaceChildren(a);
    }

    hint(b, e) {
      this.tip.hidden = !b;
      if (!b) return;
      put(this.tip, this.segment(b));
      const box = this.box.getBoundingClientRect(), w = this.tip.offsetWidth;
      this.tip.style.transform = "translate(" + Math.max(0, Math.min(e.clientX - box.left + 12, box.width - w - 4)) + "px," + (e.clientY - box.top + 18) + "px)";
    }

    segment(b) {
      return b.kind === "overhead" ? say("overhead_t", { time: duration(b.seconds) }) : say("segment", { call: b.call, role: this.role(b), model: b.model, time: duration(b.seconds), rows: b.rows, length: say("token", { n: b.length }) });
    }

    role({ role }) { const name = this.stage.words("role_" + role); return name === "role_" + role ? role : name; }

    drawKey() {
      const kinds = new Set([].concat(...this.lanes.map((l) => l.rows.map((c) => c.kind)))), over = this.onTime() && this.lanes.some((l) => this.outside.get(l.run) > 0);
      if (over) kinds.add("overhead");
      const parts = KINDS.filter((k) => kinds.has(k)).map((kind) => {
        const item = el("span", "um-race-keyitem"), s = svg("svg", { width: 26, height: 14, "aria-hidden": "true" });
        const id = "race" + this.serial + "-key-" + kind, defs = svg("defs");
        defs.append(pattern(id, kind, this.palette));
        s.append(defs, svg("rect", { x: 0.5, y: 0.5, width: 25, height: 13, fill: "url(#" + id + ")", stroke: this.palette.rule, "stroke-opacity": 0.6 }));
        item.append(s, el("span", "", say(kind)));
        return item;
      });
      this.key.replaceChildren(...parts, el("span", "um-faint", say("legendNote") + (over ? " " + say("legendOver") : "")));
    }

    place(lane) { return this.jump && this.jump.at.has(lane) ? this.jump.at.get(lane) : callAt(lane.ends[this.rule], this.t, this.rule); }

    /** One moment of the race. */
    draw(quiet) {
      if (!this.lanes.length || !this.palette) return;
      const end = this.end(), done = this.t >= end * (1 - 1e-9) && !this.jump;
      this.slider.value = String(this.t);
      this.slider.style.setProperty("--um-fill", end ? (100 * this.t) / end + "%" : "0%");
      put(this.label, this.clockText(end));
      attrs(this.slider, { "aria-valuetext": this.label.textContent });
      const f = this.rule === "wall" && end > 0 ? pace(end, this.rule) : 0;
      put(this.paceLabel, !f ? "" : f > 1 ? say("slower", { n: num(f) }) : f < 1 ? say("faster", { n: num(1 / f) }) : say("real"));
      for (const lane of this.lanes) {
        const k = this.place(lane);
        if (k !== lane.k) { lane.k = k; this.drawLane(lane); }
        const time = this.onTime() ? lane.ends.wall : lane.ends.passes, own = this.jump || (this.rule !== "wall" && this.rule !== "passes");
        const x = Math.max(0, (own ? time[k] : Math.min(this.t, time[time.length - 1])) * this.scale), width = Number(lane.strip.firstChild.getAttribute("width"));
        attrs(lane.veil, { x, width: Math.max(0, width - x) });
        attrs(lane.playhead, { x1: Math.max(1, x), x2: Math.max(1, x) });
        for (const chip of lane.marked || []) chip.classList.remove("um-race-split");
        const pos = this.jump ? this.jump.pos : -1;
        lane.marked = pos >= 0 && lane.chips[pos - lane.from] ? [lane.chips[pos - lane.from]] : [];
        for (const chip of lane.marked) chip.classList.add("um-race-split");
      }
      if (done || this.wasDone) this.podiums(done);
      this.wasDone = done;
      if (!quiet) this.lead();
    }

    clockText(end) {
      if (this.jump) return say("at_jump", { pos: this.jump.pos });
      const t = this.t;
      if (this.rule === "wall") return say("at_wall", { t: t > 0 ? duration(t) : "0\u202fms", T: duration(end) });
      if (this.rule === "progress") return say("at_progress", { t: Math.round(100 * t) });
      return say("at_" + this.rule, { t: Math.floor(t + 1e-9), T: num(end) });
    }

    drawLane(lane) {
      const at = this.eventsOf(lane), m = lane.fold, frame = m.frame(at), now = m.numbers(at), total = lane.ids.length;
      for (let i = 0; i < lane.chips.length; i++) {
        const pos = lane.from + i, chip = lane.chips[i], name = STATES[pos < frame.states.length ? frame.states[pos] : 0], t = frame.touch && frame.touch.get(pos);
        const hidden = name === "masked" || name === "remasked" || name === "absent";
        const token = hidden ? -1 : t && STATES[t.state] === name ? t.token : frame.tokens[pos], face = hidden ? null : m.face(token);
        const text = face ? face.text.replace(/\n/g, "⏎") : "";
        if (chip.dataset.s !== name) { chip.dataset.s = name; chip.dataset.g = GLYPH[name] && name !== "masked" ? GLYPH[name] : ""; }
        if (chip.firstChild.data !== text) chip.firstChild.data = text;
        chip.classList.toggle("um-race-special", !!face && face.special);
        chip.title = say("position", { pos, state: this.stage.words(name) });
      }
      const set = (key, value, sub) => { put(lane.nums[key].value, value); put(lane.nums[key].sub, sub || ""); };
      set("tokens", num(now.tokens), say("of", { total: num(total) }));
      set("time", lane.seconds ? (now.seconds ? duration(now.seconds) : "0\u202fms") : "–", lane.seconds ? say("of", { total: duration(lane.seconds) }) : "");
      set("rate", ratio(now.tokens, now.seconds, 1));
      set("calls", num(now.calls), say("of", { total: num(lane.calls) }));
      set("tpf", ratio(now.filled, now.calls, 2));
      const part = lane.k >= lane.calls ? 1 : lane.k > 0 && total ? Math.min(1, lane.rows[lane.k - 1].tokens / total) : 0;
      lane.filled.style.width = (100 * part).toFixed(1) + "%";
      attrs(lane.bar, { "aria-valuenow": String(Math.round(100 * part)), "aria-label": say("progressOf", { title: lane.title, n: now.tokens, m: total }) });
      if (lane.k < lane.calls || !lane.podiumText) this.nowText(lane);
    }

    nowText(lane) {
      const c = lane.k > 0 ? lane.rows[lane.k - 1] : null;
      lane.now.classList.remove("um-race-podium");
      put(lane.now, !c ? say("noCall") : say(c.rows > 1 ? "lastCall" : "lastCall1", { call: c.call, kind: this.role(c), time: duration(c.seconds), rows: c.rows, length: say("token", { n: c.length }) }));
    }

    podiums(done) {
      const ref = this.refLane;
      for (const lane of this.lanes) {
        if (!done) { lane.podiumText = ""; this.nowText(lane); continue; }
        lane.podiumText = podium(lane, ref);
        lane.now.classList.add("um-race-podium");
        put(lane.now, lane.podiumText);
      }
      const hardware = [...new Set(this.lanes.filter((l) => !apart(l, ref)).map((l) => l.hardware).filter(Boolean))];
      put(this.finish, done && this.lanes.length > 1 ? say(hardware.length ? "finishNote" : "finishNote0", { title: ref.title, hardware: hardware.join(", ") }) : "");
    }

    // ---------------------------------------------------------------------------------------------- the first difference
    split(lane, pos) {
      const ref = this.refLane, at = new Map();
      this.pause();
      for (const l of [ref, lane]) {
        const c = writer(l.fold, l.rows, pos);
        at.set(l, c ? c.call : l.calls);
      }
      this.jump = { pos, at, between: [ref, lane] };
      this.draw();
      this.tellSplit();
    }

    tellSplit() {
      const { pos, between } = this.jump, lines = between.map((l) => {
        const c = writer(l.fold, l.rows, pos), id = l.fold.tokens[pos];
        return c && id >= 0 && id !== l.fold.mask ? say("splitLine", { title: l.title, token: l.fold.quote(id), call: c.call, kind: this.role(c) }) : say("splitNone", { title: l.title });
      });
      this.stage.note(say("split", { pos }), lines);
      put(this.finish, say("split", { pos }) + ". " + lines.join(" "));
    }

    pin(lane, pos) {
      if (lane.run === this.run) { const at = this.eventsOf(lane); this.sent = at; this.stage.seek(at, { pos }); }
    }

    // ---------------------------------------------------------------------------------------------- more lanes
    drawAdder() {
      const here = new Set(this.lanes.map((l) => l.run)), rest = this.known.runs.filter((r) => !here.has(r.run)), full = this.lanes.length >= MOST, parts = [];
      if (full) parts.push(el("span", "um-faint", say("full")));
      else {
        if (rest.length) {
          const label = el("label", "um-field"), pick = el("select", "um-select");
          const option = (value, text) => { const o = el("option", "", text); o.value = value; pick.append(o); };
          option("", say("addFirst"));
          for (const r of rest) option(r.run, [r.title, r.model, r.settings, say("calls", { n: r.calls }), say(r.provenance)].filter(Boolean).join(" · "));
          pick.addEventListener("change", () => { if (pick.value) this.add(pick.value); });
          label.append(el("span", "um-fieldname", say("add")), pick);
          parts.push(label);
        }
        for (const lane of this.lanes) {
          const method = this.known.methods.find((m) => m.id === lane.reference);
          if (!method || this.lanes.some((l) => l.method === method.id && l.model === lane.model) || parts.some((p) => p.dataset.method === method.id)) continue;
          const found = rest.find((r) => r.method === method.id && r.model === lane.model);
          if (!found && !this.stage.host.send) continue;
          const b = this.button(say("addRef", { title: method.title }), "", () => (found ? this.add(found.run) : this.start([method.id], lane.run)), "um-race-addref");
          b.dataset.method = method.id;
          parts.push(b);
        }
      }
      this.adder.replaceChildren(...parts);
    }

    drawPicker() {
      const { host } = this.stage, methods = this.known.methods;
      this.picker.hidden = !host.send || !methods.length;
      if (this.pickerOf === methods || this.picker.hidden) return;
      this.pickerOf = methods;
      const set = el("fieldset", "um-race-methods");
      set.append(el("legend", "um-faint", say("pick")));
      this.boxes = methods.map((m) => {
        const label = el("label", "um-race-method"), input = attrs(el("input"), { type: "checkbox", value: m.id }), mark = attrs(el("span", "um-race-mark", (this.known.looks[m.id] || [])[2] || "●"), { "aria-hidden": "true" });
        mark.style.color = (this.known.looks[m.id] || [])[this.stage.dark() ? 1 : 0] || "";
        input.checked = this.lanes.some((l) => l.method === m.id);
        input.disabled = !!m.missing;
        input.addEventListener("change", () => this.count());
        label.title = m.summary || "";
        label.append(input, mark, el("span", "", m.title), el("span", "um-faint", m.missing ? say("missing") : m.model));
        set.append(label);
        return input;
      });
      const go = el("div", "um-race-go"), label = el("label", "um-field"), how = el("select", "um-select");
      for (const key of ["page", "default"]) { const o = el("option", "", say("s_" + key)); o.value = key; how.append(o); }
      label.append(el("span", "um-fieldname", say("settings")), how);
      label.title = say("s_title");
      this.bRun = this.button(say("run"), "", () => this.start(this.boxes.filter((b) => b.checked).map((b) => b.value)), "um-race-run");
      this.bStop = this.button(say("stop"), "", () => this.halt(), "um-race-halt");
      this.state = attrs(el("span", "um-race-state"), { role: "status" });
      this.settings = how;
      go.append(label, this.bRun, this.bStop, this.state);
      this.picker.replaceChildren(el("summary", "", say("runThese")), el("p", "um-faint", say("runNote")), set, go);
      this.count();
    }

    count() {
      const n = this.boxes.filter((b) => b.checked).length;
      this.bRun.disabled = !!this.going || n < 2 || n > MOST;
      this.bStop.disabled = !this.going;
      if (!this.going) { this.rested = false; put(this.state, n < 2 || n > MOST ? say("choose") : ""); }
    }

    /** Asks the server for runs of the current prompt; with `like`, for the reference decoder of that run. */
    start(methods, like) {
      this.going = { id: (this.races = (this.races || 0) + 1), kept: like ? this.lanes.map((l) => l.run) : [], made: [] };
      this.picker.open = true;
      this.count();
      this.telling(() => say("queued"));
      this.stage.host.send("race", { id: this.going.id, run: like || this.run, methods, settings: like ? "like" : this.settings.value });
    }

    halt() {
      if (this.going && this.going.now) this.stage.host.send("halt", { run: this.going.now });
      this.rest(() => say("halted"));
    }

    rest(says) {
      this.going = null;
      this.count();
      this.rested = true;
      this.telling(says);
    }

    /** How the race goes, as `says` says it. */
    telling(says) {
      this.news = says;
      put(this.state, says());
    }

    /** What the server says while the methods run: {i, of, title, run, warm | calls | done + outside, end, error}. */
    heard(news) {
      const g = this.going;
      // A race that was stopped while it waited begins all the same: end it.
      if (!g || news.id !== g.id) { if (news.run && news.warm) this.stage.host.send("halt", { run: news.run }); return; }
      g.now = news.run || g.now;
      if (news.error) return this.rest(() => String(news.error));
      if (news.done) { g.made.push(news.run); this.outside.set(news.run, news.outside || 0); if (this.stage.host.seen) this.stage.host.seen.add(news.run); }
      if (news.end) {
        this.rest(() => say("done", { of: g.made.length }));
        return void this.made([...g.kept, ...g.made].slice(0, MOST));
      }
      if (!news.done) this.telling(() => (news.warm ? say("warm", news) : say("going", Object.assign({}, news, { calls: say("calls", { n: news.calls || 0 }) }))));
    }

    made(runs) {
      if (!runs.length) return;
      this.attempt(async (ticket) => {
        const known = await this.ask();
        if (ticket !== this.ticket) return;
        if (known.error) return this.only(() => String(known.error));
        this.known = known;
        this.ref = null;
        await this.line(runs, ticket);
      });
    }

    // ---------------------------------------------------------------------------------------------- taking it along
    csv() {
      const rows = [["lane", "method", "model", "provenance", "hardware", "seed", "against", "badge", "call", "role", "call_model", "start_ms", "ms", "rows", "length", "tokens", "positions_filled"]];
      const ms = (s) => Number((s * 1000).toFixed(4));
      this.lanes.forEach((l, i) => l.rows.forEach((c, k) => rows.push([i + 1, l.method, l.model, l.provenance, l.hardware, l.head.seed, this.refLane.method, l.badge.text, c.call, c.role, c.model, ms(l.ends.wall[k]), ms(c.seconds), c.rows, c.length, c.tokens, c.filled])));
      return rows;
    }

    /** Lanes and bars as one standalone SVG, with the text as text. */
    figure() {
      if (!this.lanes.length) return null;
      const colours = this.palette, width = 920, pad = 16, inner = width - 2 * pad, onTime = this.onTime(), mono = '"IBM Plex Mono", ui-monospace, Menlo, Consolas, monospace', dark = this.stage.dark();
      const s = svg("svg", { "font-family": '"IBM Plex Sans", system-ui, sans-serif' });
      const { all, end } = this.bars(), scale = end > 0 ? inner / end : 1;
      let y = pad + 12;
      const write = (x, text, map) => s.append(svg("text", Object.assign({ x, y, fill: colours.text, "font-size": 13 }, map), text));
      write(pad, say("prompt") + ": " + (this.refLane.head.prompt || ""), { "font-weight": 600 });
      this.lanes.forEach((lane, i) => {
        y += 30;
        write(pad, lane.look[2], { fill: lane.look[dark ? 1 : 0], "font-size": 14 });
        write(pad + 20, lane.title, { "font-weight": 600 });
        write(pad + inner, [Object.values(lane.head.models || { m: lane.model }).join(" + "), say(lane.provenance), lane.badge.text].join(" · "), { "text-anchor": "end", fill: colours.soft, "font-size": 12 });
        y += 10;
        let x = pad;
        lane.chips.forEach((chip) => {
          const state = chip.dataset.s, shown = chip.firstChild.data, w = Number(chip.style.getPropertyValue("--w")) * 7.3 + 16;
          if (x + w > pad + inner) { x = pad; y += 24; }
          if (state !== "absent") {
            s.append(svg("rect", { x, y, width: w - 3, height: 21, rx: 3, fill: state === "committed" ? colours.page : colours[state], stroke: state === "committed" ? "none" : colours.rule, "stroke-opacity": 0.5, "stroke-dasharray": state === "drafted" ? "3 2" : "none" }));
            if (state === "committed") s.append(svg("line", { x1: x, x2: x + w - 3, y1: y + 20.5, y2: y + 20.5, stroke: colours.under, "stroke-width": 1.5 }));
            s.append(svg("text", { x: x + 3, y: y + 15, "font-family": mono, "font-size": 12, fill: colours[state + "-ink"] || colours.text, "xml:space": "preserve" }, shown));
            if (state === "masked") s.append(svg("text", { x: x + w / 2 - 1.5, y: y + 15, "text-anchor": "middle", "font-size": 11, fill: colours["masked-ink"], opacity: 0.5 }, GLYPH.masked));
            if (chip.dataset.g) s.append(svg("text", { x: x + w - 5, y: y + 14, "text-anchor": "end", "font-size": 9, "font-weight": 600, fill: colours[state + "-ink"] || colours.text }, chip.dataset.g));
          }
          x += w;
        });
        y += 28;
        strip(s, all[i], { id: "um-race-figure-" + this.serial + "-" + i, left: pad, top: y, high: 20, scale, colours, title: (b) => this.segment(b) });
        // Where the lane stands, unless it is at its end.
        const stands = Number(lane.playhead.getAttribute("x1")) / this.scale;
        if (lane.k < lane.calls) s.append(svg("line", { x1: pad + stands * scale, x2: pad + stands * scale, y1: y - 3, y2: y + 27, stroke: colours.text, "stroke-width": 2 }));
        y += 42;
        const n = lane.nums;
        write(pad, ["tokens", "time", "rate", "calls", "tpf"].map((k) => say("n_" + k) + " " + n[k].value.textContent).join("   ·   "), { "font-size": 12 });
        y += 18;
        write(pad, lane.now.textContent, { "font-size": 12, "font-weight": lane.now.classList.contains("um-race-podium") ? 600 : 400 });
      });
      y += 16;
      const small = end < 2;
      axis(s, { left: pad, top: y, end, scale, colours, width: pad + inner, label: (m) => (onTime && small ? num(m * 1000) : num(m)) });
      y += 34;
      write(pad + inner, say(onTime ? (small ? "axis_time" : "axis_time_s") : "axis_passes"), { "text-anchor": "end", "font-size": 11, fill: colours.soft });
      let x = pad;
      for (const kind of KINDS.filter((k) => all.some((bars) => bars.some((b) => b.kind === k)))) {
        const id = "um-race-figure-" + this.serial + "-key-" + kind, defs = svg("defs"), text = say(kind);
        defs.append(pattern(id, kind, colours));
        s.append(defs, svg("rect", { x, y: y - 11, width: 24, height: 13, fill: "url(#" + id + ")", stroke: colours.rule }));
        write(x + 30, text, { "font-size": 11, fill: colours.soft });
        x += 46 + text.length * 6;
      }
      y += 20;
      write(pad, say(this.rule) + ": " + this.sentence.textContent + " " + (this.finish.textContent || ""), { "font-size": 11, fill: colours.soft });
      y += 14;
      attrs(s, { width, height: y, viewBox: "0 0 " + width + " " + y });
      s.prepend(svg("rect", { width, height: y, fill: colours.page }));
      return s;
    }

    destroy() {
      this.pause();
      this.ticket = -1;
      this.box.remove();
    }
  }
  Race.count = 0;

  Unmasked.lens("race", (stage) => new Race(stage), { title: "Race", question: "Which method is faster on this prompt, by which clock, and does it write the same text?", order: 60, needs: [] });
})();
