/* The race: two to four runs of one prompt, made one after another, played together under one visible clock.
 *
 * The first half is arithmetic on plain values, without a page: tests/e2e/test_race_lens.py calls it as Unmasked.race.
 * A run is a row of forward calls; a lane's state is how many of them are finished, and `stops[k]` is the number of
 * events seen once call k's effects are on the canvas. Every clock is one number per finished call, 0 first.
 */
(function () {
  "use strict";
  const { el, attrs, put, num, duration, STATES, GLYPH } = Unmasked.kit;

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
    at_wall: "{t} of {T}", at_passes: "call {t} of {T}", at_tokens: "{t} of {T} tokens", at_progress: "{t} %", at_jump: "position {pos} in both lanes",
    slower: "played {n}× slower than measured", faster: "played {n}× faster than measured", real: "played in real time", ended: "all finished",
    reference: "reference", remove: "Remove {title} from the race", laneOf: "Lane {n}: {title}",
    measured: "MEASURED", replay: "REPLAY", simulated: "SIMULATED",
    n_tokens: "tokens", n_time: "model time", n_rate: "tokens / s", n_calls: "forward calls", n_tpf: "tokens / call", of: "of {total}",
    progressOf: "{title}: {n} of {m} tokens", lastCall: "call {call}: {kind}, {time}, {rows} × {length} tokens", lastCall1: "call {call}: {kind}, {time}, {length} tokens", noCall: "not started",
    b_ref: "reference", b_same: "= identical ({n}/{m})", b_differs: "≠ differs from position {pos}", b_approx: "~ approximate by design",
    b_agree: "{differ} differ from position {pos}", b_agreeSame: "same text here ({n}/{m})", b_other: "≠ other text from position {pos}", b_otherSame: "= same text ({n}/{m})", b_words: "? not comparable: another tokenizer",
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
    gantt: "Forward calls of {title}", segment: "call {call}: {role} by {model}, {time}, {rows} × {length} tokens", overhead_t: "outside the model's calls (sampling, bookkeeping, recording), in total: {time}",
    legendNote: "A tick under the strip: the text changed. Time between calls is not recorded, so calls touch.",
    legendOver: "Time outside the calls was measured as one sum; it stands at the end.",
    add: "Add a run of this prompt", addFirst: "choose a run …", addRef: "+ {title} (reference decoder)", full: "Four lanes at most: remove one first.", alone: "Only this run of the prompt is here. A race needs two: run some methods on it.",
    noServer: "A race needs a second run of this prompt, and this page holds only one run. Open it in the explorer.", live: "The race starts when this run has ended.", loading: "Fetching the runs …", failed: "The race could not be set up: {error}",
    runThese: "Run these methods", pick: "Choose two to four methods for this prompt", settings: "settings", s_default: "defaults", s_page: "as set on this page",
    run: "Run", stop: "Stop", runNote: "They run one after the other on the server, never at once: first a warm-up of each (its first calls, thrown away), then each alone. Somebody else's run at the same moment would slow a lane down.",
    missing: "not trained yet", choose: "Choose two, three or four methods.", queued: "Waiting for the model …", warm: "Warm-up {i} of {of}: {title} …", going: "{i} of {of}: {title}, {calls} …", done: "All {of} runs are done.", halted: "Stopped.",
    split: "First difference: position {pos}", splitLine: "{title} wrote {token} in call {call} ({kind}).", splitNone: "{title} wrote nothing there.",
    tail: "⟨eos⟩", position: "position {pos} · {state}",
  };
  const RULES = ["wall", "passes", "tokens", "progress"];
  const THIN = 0.125; // width of a draft model's call on the axis of main calls
  const MOST = 4; // lanes
  const KINDS = ["draft", "verify", "denoise", "cache", "measure", "overhead"];
  const INK = { draft: "drafted", verify: "accepted", denoise: "unmasked", cache: "masked", measure: "corrected", overhead: "page" };
  const WITHIN = 0.05; // times closer than this are called the same

  function say(key, values) {
    let sentence = WORDS[key];
    if (values && "n" in values && sentence.includes("|")) sentence = sentence.split("|")[values.n === 1 ? 0 : 1];
    return sentence.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? String(values[name]) : whole));
  }

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
    if (t >= ends[last]) return last;
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
    return { kind: "other", text: say(jump < 0 ? "b_otherSame" : "b_other", values), title: say("b_other_t", values) + hint, jump };
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
    return say("podium", { title: lane.title, parts: parts.join(", ") }) + (why === "apartModel" ? "" : "");
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
