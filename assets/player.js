/* Unmasked player: steps through one decoding trace in the browser. Plain ES2020, no dependencies, no network.
 *
 * window.Unmasked.mount(root, host) draws into `root` and returns {load, begin, push, finish, seek, state, destroy}.
 * The same file serves the Gradio page, the standalone HTML report and notebooks. The trace is read as written by
 * decoders/trace.py: only a `commit` changes the sequence. Token text never reaches innerHTML.
 *
 * Unmasked.lens(id, make, spec) and Unmasked.tool(make), called before `mount`, bring the files of assets/lenses in:
 * what they are given and what they return is written at `lens` and `stage` below and in docs/adding-a-view.md.
 */
(function () {
  "use strict";

  /* Every English sentence; other languages: assets/words. `{name}` is filled in; "one|many" picks by the number in {n}. host.words overrides any. */
  const WORDS = {
    // states
    prompt: "prompt", masked: "masked", drafted: "drafted", accepted: "accepted", rejected: "rejected", unreached: "not reached",
    corrected: "corrected", bonus: "bonus", unmasked: "unmasked", committed: "committed", remasked: "remasked", revised: "revised",
    tail: "after end", absent: "not there yet",
    prompt_def: "Given; the decoder never changes it.",
    masked_def: "Still to be filled.",
    drafted_def: "Put forward in this round, not yet judged.",
    accepted_def: "Drafted, judged and committed in this round.",
    rejected_def: "Drafted in this round and turned down; the position stays masked.",
    unreached_def: "Drafted in this round, but an earlier draft it builds on was turned down.",
    corrected_def: "The verifier's own token, committed in place of a rejected draft.",
    bonus_def: "The verifier's next token after the accepted drafts, at no extra forward call.",
    unmasked_def: "Committed in this round straight from the model's prediction, without a draft.",
    committed_def: "Committed in an earlier round.",
    remasked_def: "Turned back into a mask in this round.",
    revised_def: "An earlier token replaced by another in this round.",
    tail_def: "Filled, but behind the end-of-sequence token: computed and thrown away.",
    // spine
    player: "Decoding player", first: "Go to the start (Home)", prev: "Step back (←)", play: "Play (Space)", pause: "Pause (Space)",
    next: "Step forward (→)", last: "Go to the end (End)", slider: "Step", stepOf: "step {step} / {steps}",
    speed: "Speed", unit: "Step by", round: "round", beat: "beat", token: "commit",
    unit_def: "round: one denoising step or draft-verify round · beat: draft, the call that checks it, verdict, commit one after another · commit: each change of the text",
    live: "live", liveAhead: "live, {n} step ahead|live, {n} steps ahead", liveHere: "live", backToLive: "Return to the newest step",
    help: "Help and keys (?)", theme: "Light or dark (T)", close: "Close",
    // this language's own name, for those who look for it
    language: "English", switchTo: "{name} (L)",
    // numbers
    numbers: "Costs and speed at the cursor", of: "of {total}", run: "run {total}", what: "What is “{name}”?", refValue: " Reference decoder: {value}.",
    n_tokens: "tokens",
    n_tokens_def: "Generated tokens on the canvas before the end-of-sequence token; prompt, masks and the tail behind it are not counted.",
    n_time: "model time",
    n_time_def: "Time inside the model's forward calls, measured in the model adapter. Drawing, recording and warm-up are not in it.",
    n_rate: "tokens / s",
    n_rate_def: "Tokens (as defined left) divided by model time.",
    n_calls: "forward calls",
    n_calls_def: "NFE: how often any model was called, whatever the batch. Prefill and cache extension are included.",
    n_tpf: "filled / call", perCall: "{x} tokens",
    n_tpf_def: "TPF as the papers count it: positions filled per forward call, those behind the end of the text included. Below it: tokens up to the end, per call.",
    tpfNow: " Here: {filled} filled / {calls}; {tail}.", tpfTail: "{n} of them lies behind the end|{n} of them lie behind the end",
    n_cost: "rows × tokens",
    n_cost_def: "Token positions processed: the batch rows times the fed length, summed over all calls. A verification with 5 rows costs five times its length.",
    n_acc: "accepted",
    n_acc_def: "Draft acceptance rate: accepted tokens of all drafted tokens that were judged. A token drafted at a position counts once in a round, in however many branches or orders it stands; one that was not reached was paid for, so it counts too. Length: the acceptance length, tokens committed per verified round, the verifier's own and those kept without a draft included.",
    meanLength: "{a}/{j}, length {m}",
    role_draft: "draft", role_verify: "verify", role_denoise: "denoise", role_other: "other",
    // badge
    b_same: "= identical ({n}/{m} positions) to {label}", b_differs: "≠ differs from position {pos}", b_approx: "~ approximate by design",
    b_agree: "~ lossy: {n}/{m} positions agree with {name}", b_first: ", first differs at {pos}: {theirs} there, {ours} here", b_shorter: "no token",
    b_approx_d: " Compared with {label}, position by position, the ones behind the end included: {n} of {m} agree.", b_first_t: " At position {pos} {name} has {theirs}, this run {ours}. Click to go there.",
    refHas: "Differs from the reference: {name} has {theirs} here.",
    differing: "differs from reference", differing_t: "{n} position of this run holds another token than {label}. Click to go to the first.|{n} positions of this run hold another token than {label}. Click to go to the first.",
    b_none: "? reference not run", b_compare: " · Compare it{about}", b_run: "? reference not run · Run it{about}", b_about: ", about {time}", b_asked: "? running the reference …", b_ref: "reference decoder", b_running: "? still running",
    b_same_t: "Compared token by token in this browser with the reference run.",
    b_differs_t: "{n} of {m} positions agree with {label}.",
    b_approx_t: "This method does not promise the reference decoder's text.",
    b_run_t: "Decodes the same prompt with the reference decoder on the server and compares token by token.",
    b_none_t: "Nothing to compare with: this run was made without its reference.",
    b_ref_t: "The other methods are compared with this one.",
    b_drawn: "≈ drawn, with the target's own distribution", b_drawn_t: "At a temperature the text is drawn: this method keeps the distribution of the target model, and two draws differ.",
    b_running_t: "The comparison needs the finished canvas.",
    // provenance
    measured: "MEASURED", replay: "REPLAY", simulated: "SIMULATED",
    measured_t: "Run by this program on {hardware}{when}{with}.", replay_t: "A model run, recorded on {hardware}{when}{with}, played back.", simulated_t: "Not a model run: made up to show or test something.",
    p_when: ", {date}", p_with: ", torch {torch}",
    recordedOn: "recorded on {hardware}", seed: "seed {seed}", noHardware: "unnamed hardware",
    // lenses
    lenses: "Views", grid: "Grid", gridQuestion: "What is on the canvas at this step, and how did each position get there?",
    lensEmpty: "Nothing to draw here: {method} records no {kinds}.", lensEmptyLive: "Nothing to draw yet: no {kinds} so far.",
    k_round: "rounds", k_forward: "forward calls", k_propose: "drafts", k_judge: "verdicts", k_decide: "decisions", k_commit: "commits", k_finish: "end",
    or: " or ", lensAlone: "This view is drawn by the server; this page was opened without one.",
    tools: "Tools for this view", unpinCell: "Unpin the cell (Esc)",
    lensFailed: "The view could not be drawn: {error}", retry: "Try again", lensWaiting: "Drawing…", lensNoPlotly: "the drawing library did not load",
    // grid
    sequence: "Sequence: J and K move between positions", promptLabel: "prompt", blockLabel: "block {n}", canvasLabel: "canvas",
    tailNote: "{n} position after ⟨eos⟩: {calls} spent there|{n} positions after ⟨eos⟩: {calls} spent there", calls: "{n} forward call|{n} forward calls",
    map: "Positions × rounds", mapLabel: "Map of positions (columns) and rounds (rows), coloured by {metric}", colour: "Colour",
    m_state: "state", m_confidence: "confidence", m_entropy: "entropy", m_age: "commit age",
    m_state_def: "one colour per state, as in the legend",
    m_confidence_def: "top probability in that round; a filled position keeps the one it was committed with",
    m_entropy_def: "entropy of the prediction in that round, nats; filled positions are blank",
    m_age_def: "rounds since the position was filled",
    noMetric: "This trace holds no such numbers: it was recorded without the model's beliefs.",
    axes: "columns: positions {a} to {b} · rows: rounds, time runs down", axesEmpty: "columns: positions · rows: rounds, time runs down",
    legend: "States at this step; click to show one alone", legendStep: "At this step:",
    corrected_legend: "corrected (its draft was rejected)",
    markedOne: "underlined in the grid: {label} ({n} position)|underlined in the grid: {label} ({n} positions)", unmark: "Take the underlines away (Esc)",
    // status
    start: "Start: {prompt} and {masked}.", startGrow: "Start: {prompt}; the text grows to the right.",
    promptTokens: "{n} prompt token|{n} prompt tokens", maskedPositions: "{n} masked position|{n} masked positions",
    step: "Step {step} of {steps}", where: " (block {block})", whereRound: " (round {round}, block {block})",
    one: ": position {pos} became {token} (p {p})", mostConfident: ", the most confident of {n} masked", inBlock: " in the block",
    c_drafted: "{n} drafted", c_accepted: "{n} accepted", c_rejected: "{n} rejected", c_unreached: "{n} not reached", c_corrected: "{n} corrected",
    c_bonus: "{n} bonus", c_unmasked: "{n} unmasked", c_remasked: "{n} remasked", c_revised: "{n} revised", c_masked: "{n} masked left", c_none: "nothing changed yet",
    decided: "{what}: {choice}{because}", nextLength: "{what}: {choice}, from {drafted} drafted and {accepted} accepted before the end of the text", passed: "{n} of {masked} reached the threshold {bar}", nonePassed: "none of {masked} reached the threshold {bar}, so the best was taken",
    end_eos: " Finished: end of sequence.", end_length: " Finished: the canvas is full.", end_stopped: " Stopped by the visitor.", end_error: " Ended by an error.",
    noTrace: "No run loaded yet.",
    stale: "The controls have changed since: press Run.",
    // inspector
    inspector: "Inspector", position: "Position {pos}", unpin: "Unpin (Esc)", before: "Previous position (J)", after: "Next position (K)",
    hoverHint: "preview; click to pin", nothing: "Click a token, a draft or a cell: here you read what the model believed there and which rule decided.",
    now: "now", why: "Why", history: "History", beliefs: "What the model believed", row: "batch row", entropy: "entropy {h} nats", omitted: "all others",
    noBeliefs: "No belief about this position was recorded up to this step.", beliefFrom: "round {round}, {role} call {call}",
    blockOf: "block {block}", inPrompt: "prompt",
    h_round: "round {n}", h_start: "start", h_masked: "masked",
    h_draft: "drafted {token} (q {q})", h_accepted: "accepted", h_rejected: "rejected", h_unreached: "not reached", h_pending: "not judged yet",
    r_prompt: "Given by the prompt.", r_masked: "Not filled yet.", r_absent: "The text has not grown this far yet.",
    r_accepted: "Draft accepted: score {score} ≥ bar {bar}; the verifier gives it p {p}.",
    r_accepted_same: "Draft accepted: the verifier makes the same choice (p {p}).",
    r_rejected_pos: "Draft {token} rejected: the verifier would fill position {pos} with {other} first{score}.",
    r_rejected_tok: "Draft {token} rejected: the verifier chose {other}{score}.",
    r_rejected: "Draft {token} rejected: score {score} < bar {bar}; the verifier gives it p {p}.",
    r_score: " (score {score} < bar {bar})",
    r_unreached: "Draft {token} not reached: a draft it builds on was turned down.",
    r_pending: "Draft {token} (q {q}) waits for its verdict.",
    r_bonus: "Bonus: after the accepted drafts the verifier already held {token} (p {p}), so it came without another forward call.",
    r_corrected: "Corrected: the draft was turned down and the verifier's own {token} (p {p}) took its place.",
    r_unmasked: "Unmasked: {token} was committed straight from the model's prediction (p {p}).",
    r_revised: "Revised: {before} was replaced by {token} (p {p}).",
    r_remasked: "Remasked: {before} was turned back into a mask.",
    r_committed: "Committed in round {round} as {why}.", r_tail: "Filled in round {round}, behind the end-of-sequence token: thrown away.",
    r_decide: "Decision “{what}”: {choice}{because}.",
    node: "Hypothesis {id}", nodeFacts: "fills {fills} · q {q} · {row}", nodeRow: "batch row {row}", nodeNoRow: "no batch row of its own", nodeParents: "builds on {parents}", nodeRoot: "builds on the committed text",
    v_accepted: "Accepted: score {score} ≥ bar {bar}, p {p}.", v_pending: "Not judged yet.",
    // tooltip
    tip: "position {pos} · {state}", tipRound: "round {n}",
    // help
    helpName: "Help", keys: "Keys",
    tryFirst: "Try first",
    tries: ["Where SSD rejected a token, and why", "A closed cell of a mask", "Which token a causal-consistency path chose instead, and was right", "Where a faster method differs", "Take a figure along"],
    glossary: "Words",
    terms: [["R1 … R4", "What a run is compared with. R1: stepwise, the most confident position, one token per call. R2: all positions above a threshold in one call. R3: block diffusion, R1 or R2 inside a block, earlier blocks frozen. R4: autoregressive, left to right, one token per call."],
      ["block", "A group of neighbouring positions that is filled before the next one begins."],
      ["draft", "A token put forward cheaply, before it is checked."], ["verify", "A forward call that checks many drafts at once."],
      ["bonus", "The verifier's next token after the accepted drafts; it costs no further call."],
      ["rejected", "The verifier was asked about this draft and said no."], ["not reached", "An earlier draft was turned down, so this one was never decided about. It was computed all the same."],
      ["p and q", "p: probability from the model that verifies. q: probability from the drafter."], ["p̂", "How often a draft that was reached was accepted, over the run."],
      ["CPS", "Causal-consistency path search (DiffuSpec): picks one token for each drafted position so that they fit together from left to right."], ["ADL", "Adaptive draft length (DiffuSpec): decides how many tokens to draft next."],
      ["TPF", "Tokens per forward: positions filled per forward call, those behind the end included."], ["rows × tokens", "Work of a call: rows of its batch times the tokens fed. Five rows cost five times as much as one."]],
    keyList: [["Space", "play or pause"], ["← →", "one step back or forward"], ["Shift ← →", "previous or next block (five rounds where there is one block)"],
      ["Home End", "first and last step"], ["N", "next commit (of the pinned position)"], [", .", "slower, faster"], ["1 … {lenses}", "choose a view"],
      ["J K", "previous, next position"], ["T", "light or dark"], ["L", "another language"], ["Esc", "close, unpin, take underlines away"], ["?", "this list"]],
  };

  // Where the links of `tries` lead.
  const TRIES = [{ run: "bundled:ssd-apples", lens: "heatmap" }, { lens: "mask" }, { run: "bundled:code-vowels", lens: "lattice", step: 2 }, { run: "bundled:story-fox-fast", lens: "race" }, { tool: ".um-exportbtn" }];
  const STATES = ["absent", "prompt", "masked", "drafted", "accepted", "rejected", "unreached", "corrected", "bonus", "unmasked", "committed", "remasked", "revised", "tail"];
  const S = Object.fromEntries(STATES.map((name, i) => [name, i]));
  const GLYPH = { masked: "▢", drafted: "?", accepted: "✓", rejected: "✕", unreached: "·", corrected: "↻", bonus: "★", unmasked: "●", remasked: "↺", revised: "⇄" };
  const WHY = { unmasked: S.unmasked, accepted: S.accepted, bonus: S.bonus, corrected: S.corrected, revised: S.revised, remasked: S.remasked };
  const CIVIDIS = ["#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838"];
  const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
  const STEPS_PER_SECOND = 4; // at speed 1x
  const CHUNK = 6; // figures asked for at once, once the one at the cursor is here
  const MOST_BYTES = 48e6; // of figures kept, as text
  const ABSENT = -2; // no such position yet; -1 can be a causal model's "no mask"
  const WIDEST = 22; // characters a chip may be wide
  const BYTES = /^(?:<0x[0-9A-F]{2}>)+$/;
  const players = []; // for the keyboard: the last used one answers
  const LENSES = new Map(); // id -> {make, spec}; spec only where the browser draws alone
  const TOOLS = [];
  const NONE = new Set();
  const TABLES = new Map(); // id -> {language: {key: sentence}}; "en" is the whole table
  const MEMORY = "unmasked-language"; // in the browser's storage: the language chosen last
  let serial = 0;

  // ------------------------------------------------------------------------------------------------ small helpers
  function el(tag, cls, text) {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    if (text !== undefined) node.textContent = text;
    return node;
  }
  function attrs(node, map) {
    for (const key in map) node.setAttribute(key, map[key]);
    return node;
  }
  function svg(tag, map, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const key in map) if (map[key] !== undefined) node.setAttribute(key, map[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  }
  function put(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }
  function fill(sentence, values) {
    if (values && "n" in values && sentence.includes("|")) sentence = sentence.split("|")[values.n === 1 ? 0 : 1];
    // One pass, so that text coming from a token is never looked at again.
    return sentence.replace(/\{(\w+)\}/g, (whole, key) => (values && key in values ? String(values[key]) : whole));
  }
  /** The language of the page. */
  function language() { return chosen || document.documentElement.lang || "en"; }
  /** The languages that the page can speak, English first. */
  function languages() {
    const codes = new Set([...TABLES.values()].flatMap((table) => Object.keys(table)));
    codes.delete("en");
    return ["en", ...[...codes].sort()];
  }
  let chosen = ""; // kept here, because others (Gradio) write their own into the document
  /** Before the first sentence: the language that the address asks for (`?lang=de`), the one chosen here before, the document's own, English.
   *  Not the browser's: what Python says of a run is English, and a page in two languages has to be asked for. */
  function settle() {
    if (chosen) return;
    let kept = null;
    try { kept = localStorage.getItem(MEMORY); } catch (error) { /* a page without storage */ }
    const asked = new URLSearchParams(location.search).get("lang"), codes = languages();
    document.documentElement.lang = chosen = [asked, kept, language()].find((code) => codes.includes(code)) || "en";
  }
  /** Switches the whole page to another language, where the reader is, and remembers it; an address that asks for one asks for this one then. */
  function speak(code) {
    if (!languages().includes(code) || code === language()) return;
    document.documentElement.lang = chosen = code;
    try { localStorage.setItem(MEMORY, code); } catch (error) { /* it lasts as long as the page */ }
    const url = new URL(location.href);
    if (url.searchParams.has("lang")) {
      url.searchParams.set("lang", code);
      history.replaceState(history.state, "", url);
    }
    for (const player of [...players]) player.speak();
    document.dispatchEvent(new CustomEvent("unmasked-language"));
  }
  const tables = (id) => TABLES.get(id) || TABLES.set(id, {}).get(id);
  /** The English sentences of a script, and a function (key, values) that says one in the page's language. */
  function words(id, english) {
    tables(id).en = english;
    return (key, values) => fill(((tables(id)[language()] || {})[key] ?? english[key]) ?? key, values);
  }
  /** Sentences of another language, by the id of the script that says them; what is missing stays English. */
  function translate(code, table) {
    for (const id in table) tables(id)[code] = Object.assign({}, tables(id)[code], table[id]);
  }
  const clamp = (x, lo, hi) => Math.max(lo, Math.min(hi, x));
  const thousands = (n) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u2009");
  /** A probability in two digits, more close to 1: 0.97, 0.996. */
  function prob(p) {
    if (!(p > 0)) return "0";
    if (p >= 0.9995) return "1.00";
    if (p < 0.001) return "<0.001";
    return p >= 0.99 ? p.toFixed(3) : p.toPrecision(2);
  }
  /** What stands behind the name of a probability: "= 0.97", "< 0.001". */
  const equals = (p) => prob(p).replace(/^(<?)/, (sign) => (sign || "=") + " ");
  function num(x) {
    if (!Number.isFinite(x)) return "–";
    if (Number.isInteger(x)) return Math.abs(x) < 1e15 ? thousands(x) : String(x);
    return Math.abs(x) >= 100 ? thousands(x) : String(Number(x.toPrecision(3)));
  }
  const duration = (s) => (!s ? "–" : s < 1 ? (s < 0.01 ? (s * 1000).toFixed(1) : thousands(s * 1000)) + "\u202fms" : s.toFixed(s < 10 ? 2 : 1) + "\u202fs");
  const ratio = (a, b, digits) => (b > 0 ? (a / b).toFixed(digits) : "–");
  function wide(code) {
    return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) || (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
  }
  function width(text) {
    let w = 0;
    for (const ch of text) {
      const code = ch.codePointAt(0);
      w += wide(code) ? 2 : /\p{M}|\p{Cf}/u.test(ch) ? 0 : 1;
    }
    return w;
  }
  function hexColour(value, fallback) {
    const m = /^#?([0-9a-f]{6})$/i.exec((value || "").trim());
    const n = parseInt(m ? m[1] : fallback, 16);
    return [n >> 16, (n >> 8) & 255, n & 255];
  }
  /** What became of drafted tokens, as RoundView.fates of decoders/trace.py: `fates` maps "pos:token" to the best of the token's outcomes. */
  function judge(fates, nodes, verdicts) {
    const order = ["accepted", "rejected", "unreached"];
    for (const v of verdicts) for (const fill of nodes.has(v.node) ? nodes.get(v.node).fills : []) {
      const key = fill.join(":"), was = fates.get(key);
      if (was === undefined || order.indexOf(v.outcome) < order.indexOf(was)) fates.set(key, v.outcome);
    }
    return fates;
  }
  /** How many events have been seen where a finished run is opened: the end of its first round that both accepted and rejected
   *  a draft, else of the first that judged, else of the middle one. `rounds`: {stop, fates}, with fates as `judge` makes them. */
  function opening(rounds) {
    const outcomes = (round) => [...(round.fates || new Map()).values()];
    const found = rounds.find((r) => outcomes(r).includes("accepted") && outcomes(r).includes("rejected")) || rounds.find((r) => outcomes(r).length) || rounds[(rounds.length - 1) >> 1];
    return found ? found.stop : 0;
  }
  const CIVIDIS_RGB = CIVIDIS.map((c) => hexColour(c));
  function cividis(x) {
    const t = clamp(x, 0, 1) * 9, i = Math.min(8, Math.floor(t)), f = t - i, a = CIVIDIS_RGB[i], b = CIVIDIS_RGB[i + 1];
    return [a[0] + (b[0] - a[0]) * f, a[1] + (b[1] - a[1]) * f, a[2] + (b[2] - a[2]) * f];
  }

  // ------------------------------------------------------------------------------------------------ the trace model
  /** Folds events into rounds and per-round display states. Nothing here touches the page. */
  class Model {
    constructor(header) {
      this.head = header;
      this.vocab = Object.assign(Object.create(null), header.vocab);
      this.specials = new Set(header.specials || []);
      this.eos = new Set(header.eos || []);
      this.mask = header.mask;
      this.promptLen = header.prompt_len;
      this.events = [];
      this.rounds = [];
      this.kinds = new Set();
      this.seen = new Uint8Array(STATES.length); // states that ever occur
      this.initial = Int32Array.from(header.canvas || []);
      this.tokens = Array.from(this.initial); // the canvas after the last event
      this.widths = this.tokens.map((t) => (t === this.mask ? 0 : this.face(t).width));
      this.totals = { calls: 0, seconds: 0, cost: 0, roles: {}, accepted: 0, judged: 0, judgedRounds: 0, judgedTokens: 0 };
      this.fold = { at: 0, tokens: Array.from(this.initial) };
      this.hasBytes = Object.values(this.vocab).some((t) => BYTES.test(t));
      this.metrics = {};
      this.stopLists = {};
      this.maxEntropy = 0;
      this.beliefs = false;
      this.finish = "";
    }

    get length() { return this.tokens.length; }

    /** How a token id looks: `text` is what stands in the page, `over` the visible marks laid on it, `width` in characters. */
    face(id) {
      this.faces = this.faces || new Map();
      let face = this.faces.get(id);
      if (face) return face;
      const raw = this.vocab[id];
      const text = raw === undefined ? "" : String(raw);
      face = { text, over: "", width: 0, special: false, bytes: "", title: text, breaks: false };
      if (id < 0) face.text = face.title = "";
      else if (this.eos.has(id)) Object.assign(face, { text: "⟨eos⟩", special: true });
      else if (this.specials.has(id) || id === this.mask) {
        face.text = "⟨" + (text.replace(/^[<[|⟨\s]+|[>\]|⟩\s]+$/g, "") || text || "?") + "⟩";
        face.special = true;
      } else if (BYTES.test(text)) Object.assign(face, { text: "⋯", bytes: text });
      else {
        let leading = true;
        for (const ch of text) {
          if (ch === "\n") { face.over += "⏎"; face.breaks = true; }
          else if (ch === "\t") face.over += "⇥";
          else if (ch === " " && leading) face.over += "·";
          else { face.over += wide(ch.codePointAt(0)) ? "  " : " "; if (ch !== " ") leading = false; }
        }
        if (!face.over.trim()) face.over = "";
        if (/^ {4,}$/.test(text)) face.over = "·×" + text.length;
        if (width(text) === 0 || raw === undefined) face.over = "∅";
      }
      face.width = Math.min(WIDEST, /^ {4,}$/.test(text) ? face.over.length : Math.max(1, width(face.text), face.breaks ? face.over.length : 0));
      this.faces.set(id, face);
      return face;
    }

    /** A token inside a sentence. */
    quote(id) {
      const face = this.face(id);
      return face.special ? face.text : "‘" + (face.bytes || face.text || "∅").replace(/\n/g, "⏎").replace(/\t/g, "⇥") + "’";
    }

    addVocab(patch) {
      for (const id in patch || {}) {
        if (this.vocab[id] === patch[id]) continue;
        this.vocab[id] = patch[id];
        if (BYTES.test(patch[id])) this.hasBytes = true;
        if (this.faces) this.faces.delete(Number(id));
      }
    }

    blockOf(pos) {
      const size = this.head.block || 1;
      if (this.head.attention === "block") return Math.floor(pos / size);
      return Math.floor((pos - this.promptLen) / size);
    }

    settled(pos, token, firstEos) {
      if (token === ABSENT || token === undefined) return S.absent;
      if (pos < this.promptLen) return S.prompt;
      if (token === this.mask) return S.masked;
      return pos > firstEos ? S.tail : S.committed;
    }

    firstEos(tokens) {
      for (let pos = this.promptLen; pos < tokens.length; pos++) if (this.eos.has(tokens[pos])) return pos;
      return Infinity;
    }

    reserve(pos, token) {
      if (token === this.mask) return;
      const w = this.face(token).width;
      if (!(this.widths[pos] >= w)) this.widths[pos] = w;
    }

    add(raw) {
      let from = Math.max(0, this.rounds.length - 1);
      for (const item of raw) {
        const i = this.events.length, event = Object.assign({}, item);
        this.kinds.add(event.kind);
        let round = this.rounds[this.rounds.length - 1];
        if (event.kind === "round" || !round) {
          // What precedes the first Round (a prefill call, say) is shown as part of it.
          const early = round && round.early ? round : null;
          if (early && event.kind === "round") Object.assign(early, { n: event.n, block: event.block, early: false });
          else {
            if (round) this.close(round);
            round = { index: this.rounds.length, n: event.kind === "round" ? event.n : 0, block: event.kind === "round" ? event.block : 0, start: i, stop: i, early: event.kind !== "round",
              nodes: new Map(), minEdit: Infinity, calls: 0, judged: false, base: this.snapshot() };
            this.rounds.push(round);
          }
        }
        if (event.kind === "propose") {
          event.nodes = event.nodes.map((n) => ({ id: n[0], fills: n[1], q: n[2], parents: n[3], row: n[4] }));
          for (const node of event.nodes) {
            round.nodes.set(node.id, node);
            for (const [pos, token] of node.fills) {
              // A draft may reach further than the text ever will: its positions are shown all the same.
              while (this.tokens.length <= pos) this.tokens.push(ABSENT);
              this.reserve(pos, token);
            }
          }
        } else if (event.kind === "judge") {
          event.verdicts = event.verdicts.map((v) => ({ node: v[0], outcome: v[1], p: v[2], score: v[3], bar: v[4], choice: v[5] || [-1, -1] }));
        } else if (event.kind === "commit") {
          event.edits = event.edits.map((e) => {
            const edit = { pos: e[0], before: e[1], after: e[2], why: e[3], p: e[4], grow: e[0] >= this.tokens.length || this.tokens[e[0]] === ABSENT };
            this.tokens[edit.pos] = edit.after;
            if (edit.pos < round.minEdit) round.minEdit = edit.pos;
            this.reserve(edit.pos, edit.after);
            return edit;
          });
        } else if (event.kind === "forward") {
          round.calls++;
          event.call = this.totals.calls + 1;
          event.beliefs = event.beliefs || [];
          if (event.beliefs.length) this.beliefs = true;
          for (const b of event.beliefs) if (b[1] > this.maxEntropy) this.maxEntropy = b[1];
        } else if (event.kind === "finish") this.finish = event.reason;
        this.count(this.totals, event, round);
        if (event.kind === "judge") round.judged = true;
        this.events.push(event);
        round.stop = this.events.length;
      }
      if (this.rounds.length) this.close(this.rounds[this.rounds.length - 1]);
      this.stopLists = {};
      for (const key in this.metrics) this.metrics[key].rows.length = Math.min(this.metrics[key].rows.length, from);
      return from;
    }

    snapshot() { return Object.assign({}, this.totals, { roles: Object.assign({}, this.totals.roles) }); }

    count(totals, event, round) {
      if (event.kind === "forward") {
        totals.calls++;
        totals.seconds += event.seconds || 0;
        totals.cost += (event.batch || 1) * event.length;
        totals.roles[event.role] = (totals.roles[event.role] || 0) + 1;
      } else if (event.kind === "judge") {
        const fates = round.fates || (round.fates = new Map()), kept = () => [...fates.values()].filter((f) => f === "accepted").length, before = [kept(), fates.size];
        judge(fates, round.nodes, event.verdicts);
        totals.accepted += kept() - before[0];
        totals.judged += fates.size - before[1];
        if (!round.counting) { totals.judgedRounds++; totals.judgedTokens += round.filled || 0; round.counting = true; }
      } else if (event.kind === "commit") {
        const filled = event.edits.filter((e) => e.why !== "remasked" && e.why !== "revised").length;
        round.filled = (round.filled || 0) + filled;
        if (round.counting) totals.judgedTokens += filled;
      }
    }

    /** Costs of the first `at` events. */
    totalsAt(at) {
      const index = this.roundAt(at);
      if (index < 0) return { calls: 0, seconds: 0, cost: 0, roles: {}, accepted: 0, judged: 0, judgedRounds: 0, judgedTokens: 0 };
      const round = this.rounds[index], totals = Object.assign({}, round.base, { roles: Object.assign({}, round.base.roles) }), own = { nodes: round.nodes };
      for (let i = round.start; i < at && i < round.stop; i++) this.count(totals, this.events[i], own);
      return totals;
    }

    /** Index of the round that the last of the first `at` events belongs to; -1 before the first. */
    roundAt(at) {
      let lo = 0, hi = this.rounds.length - 1, found = -1;
      while (lo <= hi) {
        const mid = (lo + hi) >> 1;
        if (this.rounds[mid].start < at) { found = mid; lo = mid + 1; } else hi = mid - 1;
      }
      return found;
    }

    /** Event counts where the cursor stops, 0 first. */
    stops(unit) {
      if (this.stopLists[unit]) return this.stopLists[unit];
      const out = [0];
      for (const round of this.rounds) {
        const kinds = unit === "beat" ? ["propose", "judge", "commit"] : unit === "token" ? ["commit"] : [], inside = [];
        const checks = (event) => unit === "beat" && event.kind === "forward" && event.role === "verify";
        for (let i = round.start; i < round.stop; i++) if (kinds.includes(this.events[i].kind) || checks(this.events[i])) inside.push(i + 1);
        // The last beat takes along what follows it, so that a round always ends on a stop.
        if (inside.length) inside[inside.length - 1] = round.stop;
        else if (unit !== "token") inside.push(round.stop);
        out.push(...inside);
      }
      if (out[out.length - 1] < this.events.length) out.push(this.events.length);
      return (this.stopLists[unit] = out);
    }

    /** What one round did to each position up to event `upto`. */
    touched(round, upto) {
      const touch = new Map();
      const get = (pos) => { let t = touch.get(pos); if (!t) touch.set(pos, (t = { state: 0, token: ABSENT, drafts: [], edits: [] })); return t; };
      const judged = new Map();
      for (let i = round.start; i < upto; i++) {
        const event = this.events[i];
        if (event.kind === "propose") {
          for (const node of event.nodes) for (const [pos, token] of node.fills) {
            const t = get(pos);
            t.drafts.push({ node, token, verdict: null });
            if (!t.edits.length) {
              if (!t.state || node.q > t.q) { t.token = token; t.q = node.q; }
              t.state = S.drafted;
            }
          }
        } else if (event.kind === "judge") {
          for (const verdict of event.verdicts) judged.set(verdict.node, verdict);
          for (const t of touch.values()) {
            for (const d of t.drafts) d.verdict = judged.get(d.node.id) || d.verdict;
            if (t.edits.length) continue;
            const best = t.drafts.find((d) => d.verdict && d.verdict.outcome === "accepted") || t.drafts.find((d) => d.verdict && d.verdict.outcome === "rejected") || t.drafts.find((d) => d.verdict);
            if (best) { t.state = S[best.verdict.outcome]; t.token = best.token; }
          }
        } else if (event.kind === "commit") {
          for (const edit of event.edits) {
            const t = get(edit.pos);
            t.edits.push(edit);
            t.state = WHY[edit.why] || S.unmasked;
            t.token = edit.after;
          }
        }
      }
      return touch;
    }

    /** Computes a round's row of states; the canvas must be folded to the round's end. */
    close(round) {
      round.touch = this.touched(round, round.stop);
      round.states = this.row(this.tokens, round.touch);
      for (const s of round.states) this.seen[s] = 1;
      if (round.index === 0) for (let pos = 0; pos < this.initial.length; pos++) this.seen[this.settled(pos, this.initial[pos], Infinity)] = 1;
      if (round.states.includes(S.drafted)) this.waiting = true;
      for (const t of round.touch.values()) if (t.drafts.length) this.seen[S.drafted] = 1;
    }

    row(tokens, touch) {
      const eos = this.firstEos(tokens), states = new Uint8Array(tokens.length);
      for (let pos = 0; pos < tokens.length; pos++) states[pos] = this.settled(pos, tokens[pos], eos);
      if (touch) for (const [pos, t] of touch) if (pos < tokens.length) states[pos] = t.state;
      return states;
    }

    /** The canvas after `at` events: ids, ABSENT where the text has not grown yet. Moves a fold forward or back. */
    tokensAt(at) {
      const fold = this.fold, tokens = fold.tokens;
      while (tokens.length < this.tokens.length) tokens.push(ABSENT);
      for (; fold.at < at; fold.at++) {
        const event = this.events[fold.at];
        if (event.kind === "commit") for (const e of event.edits) tokens[e.pos] = e.after;
      }
      for (; fold.at > at; fold.at--) {
        const event = this.events[fold.at - 1];
        if (event.kind === "commit") for (let i = event.edits.length - 1; i >= 0; i--) { const e = event.edits[i]; tokens[e.pos] = e.grow ? ABSENT : e.before; }
      }
      return tokens;
    }

    /** Everything the page shows about the moment after `at` events. */
    frame(at) {
      const index = this.roundAt(at), round = index < 0 ? null : this.rounds[index];
      const tokens = this.tokensAt(at);
      const touch = !round ? null : at >= round.stop ? round.touch : this.touched(round, at);
      const states = round && at >= round.stop && round.states.length === tokens.length ? round.states : this.row(tokens, touch);
      return { at, index, round, tokens, touch, states, eos: this.firstEos(tokens) };
    }

    /** Plain array of the ids after `at` events, as Trace.canvas_at gives it. */
    canvasAt(at) { return this.tokensAt(at).filter((t) => t !== ABSENT); }

    bytesOf(text) {
      if (BYTES.test(text)) return Uint8Array.from(text.match(/0x[0-9A-F]{2}/g), Number);
      return new TextEncoder().encode(text);
    }

    decode(ids) {
      const parts = ids.map((id) => this.bytesOf(this.vocab[id] === undefined ? "" : this.vocab[id]));
      const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
      let at = 0;
      for (const p of parts) { all.set(p, at); at += p.length; }
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(all);
    }

    /** Generated ids up to the first end-of-sequence or mask, as Trace.ids. */
    ids(tokens) {
      const out = [];
      for (const t of tokens.slice(this.promptLen)) {
        if (t === ABSENT || t === this.mask || this.eos.has(t)) break;
        out.push(t);
      }
      return out;
    }

    numbers(at) {
      const totals = this.totalsAt(at), tokens = this.tokensAt(at), eos = this.firstEos(tokens);
      let filled = 0, useful = 0;
      for (let pos = this.promptLen; pos < tokens.length; pos++) {
        if (tokens[pos] === ABSENT || tokens[pos] === this.mask) continue;
        filled++;
        if (pos < eos) useful++;
      }
      return Object.assign(totals, { filled, tokens: useful });
    }

    /** Compares the final canvas with the reference, position by position. A place that only a draft reached is no text. */
    compare() {
      const ref = this.head.reference;
      if (!ref) return null;
      const ours = this.tokens.filter((t) => t !== ABSENT), theirs = ref.tokens, n = Math.max(ours.length, theirs.length);
      let first = -1, same = 0;
      for (let pos = 0; pos < n; pos++) {
        if (pos < ours.length && pos < theirs.length && ours[pos] === theirs[pos]) { if (pos >= this.promptLen) same++; }
        else if (first < 0) first = pos;
      }
      return { first, same, total: Math.max(0, n - this.promptLen), label: ref.label, name: ref.method || ref.label, ours: ours[first], theirs: theirs[first] };
    }

    /** Positions of this run that hold another token than the reference; none while no reference is known. */
    differing() {
      const ref = this.head.reference;
      if (!ref || this.head.guarantee === "reference") return NONE;
      if (this.differs && this.differs.ref === ref && this.differs.events === this.events.length) return this.differs.set;
      const set = new Set();
      this.tokens.forEach((t, pos) => { if (t !== ABSENT && t !== ref.tokens[pos]) set.add(pos); });
      this.differs = { ref, events: this.events.length, set };
      return set;
    }

    /** The batch row whose predictions decide about `pos` in this round. */
    deciding(round, touch, pos) {
      const t = touch && touch.get(pos);
      if (t && t.drafts.length && !t.edits.some((e) => e.why === "bonus" || e.why === "corrected")) {
        const draft = t.drafts.find((d) => d.verdict && d.verdict.outcome === "accepted") || t.drafts[0];
        const parent = draft.node.parents.length ? round.nodes.get(draft.node.parents[draft.node.parents.length - 1]) : null;
        return parent ? parent.row : 0;
      }
      return this.lastRow(round, touch);
    }

    lastRow(round, touch) {
      let row = 0, id = -1;
      if (touch) for (const t of touch.values()) for (const d of t.drafts) if (d.verdict && d.verdict.outcome === "accepted" && d.node.id > id && d.node.row >= 0) { id = d.node.id; row = d.node.row; }
      return row;
    }

    /** Most recent forward call before `at` that said something about `pos`, with one belief per row. */
    beliefAt(pos, at) {
      for (let i = at - 1; i >= 0; i--) {
        const event = this.events[i];
        if (event.kind !== "forward") continue;
        const rows = event.beliefs.filter((b) => b[0] === pos);
        if (rows.length) return { event, at: i, rows, round: this.rounds[this.roundAt(i + 1)] };
      }
      return null;
    }

    /** Rows of numbers for the map: confidence, entropy or commit age, NaN where nothing is known. */
    metric(name) {
      const m = this.metrics[name] || (this.metrics[name] = { rows: [] }), n = this.length;
      for (let r = m.rows.length; r < this.rounds.length; r++) {
        const round = this.rounds[r], row = new Float32Array(n).fill(NaN), before = r ? m.rows[r - 1] : null;
        for (let pos = 0; pos < n; pos++) {
          if (before && pos < before.length && round.states[pos] !== S.masked) row[pos] = name === "age" ? before[pos] + 1 : name === "confidence" ? before[pos] : NaN;
        }
        if (name !== "age") {
          // A later call wins; within a call the row that decided, then row 0.
          const wanted = this.lastRow(round, round.touch), rank = new Float64Array(n).fill(-1);
          for (let i = round.start; i < round.stop; i++) {
            if (this.events[i].kind !== "forward") continue;
            for (const [pos, entropy, which, top] of this.events[i].beliefs) {
              const mine = i * 4 + (which === wanted ? 2 : which === 0 ? 1 : 0);
              if (pos >= n || !top.length || mine <= rank[pos] || (round.states[pos] === S.committed || round.states[pos] === S.tail)) continue;
              rank[pos] = mine;
              row[pos] = name === "entropy" ? entropy : top[0][1];
            }
          }
        }
        for (const [pos, t] of round.touch) for (const e of t.edits) {
          if (name === "age") row[pos] = e.after === this.mask ? NaN : 0;
          else if (name === "confidence" && e.after !== this.mask && e.p > 0) row[pos] = e.p;
        }
        m.rows.push(row);
      }
      return m.rows;
    }
  }

  // ------------------------------------------------------------------------------------------------ the player
  class Player {
    constructor(root, host) {
      this.root = root;
      this.host = host || {};
      settle();
      this.spoken = []; // says again what stands on the page for good
      this.id = ++serial;
      const known = (this.host.views || []).map((view) => Object.assign({}, view)), alone = [...LENSES].filter(([id, lens]) => lens.spec && !known.some((v) => v.id === id));
      const others = known.concat(alone.map(([id, lens]) => Object.assign({ id, needs: [] }, lens.spec, { medium: "page" })));
      // A stable sort: views without an order stay as the host gave them, in front of those the browser adds.
      others.sort((a, b) => (a.order === undefined ? 100 : a.order) - (b.order === undefined ? 100 : b.order));
      this.views = [{ id: "grid", title: WORDS.grid, question: WORDS.gridQuestion, needs: [], built: true }].concat(others);
      for (const view of this.views) view.english = { title: view.title, question: view.question };
      this.learn();
      this.made = new Map(); // id -> {box, lens} of the lenses opened so far
      this.cell = this.remark = this.hint = this.marks = null;
      this.lens = 0;
      this.unit = "round";
      this.speed = 1;
      this.metricName = "state";
      this.filter = -1;
      this.at = 0;
      this.pin = -1;
      this.node = -1;
      this.hover = -1;
      this.userRow = -1;
      this.playing = false;
      this.liveRun = false;
      this.follow = false;
      this.figures = new Map(); // key -> {figure, bytes}, the oldest first
      this.figureBytes = 0;
      this.offs = [];
      this.watchers = new Set();
      root.replaceChildren();
      root.classList.add("unmasked");
      root.classList.toggle("um-auto", !document.querySelector("gradio-app, .gradio-container"));
      this.build();
      this.listen();
      players.push(this);
      this.theme();
      this.empty();
    }

    say(key, values) { return fill(this.w[key], values); }

    /** Takes up the sentences and the names of the views in the page's language. */
    learn() {
      const code = language(), own = tables("player")[code] || {};
      this.w = Object.assign({}, WORDS, own, this.host.words);
      for (const view of this.views) {
        const said = view.built ? { title: this.w.grid, question: this.w.gridQuestion } : tables(view.id)[code] || {};
        view.title = said.title ?? view.english.title;
        view.question = said.question ?? view.english.question;
      }
    }

    /** Does `say` now and whenever the language changes. */
    always(say) {
      this.spoken.push(say);
      say();
    }

    /** A sentence of the table as the text of `node` ("text") or as attributes of it, in whatever language. */
    name(node, key, ...places) {
      this.always(() => { for (const place of places) if (place === "text") put(node, this.w[key]); else node.setAttribute(place, this.w[key]); });
      return node;
    }

    /** The language has changed: everything is said again. Run, cursor, view, pin, marks and what plays stay, and nothing is asked of the host. */
    speak() {
      this.learn();
      for (const say of this.spoken) say();
      const noted = this.remark ? this.views[this.lens].id : null; // what a lens said of a cell, which it says again
      this.remark = this.hint = null;
      for (const tool of this.toolkit) if (tool.translated) tool.translated();
      for (const [id, made] of this.made) {
        if (!made.lens) continue;
        if (made.lens.translated) { made.lens.translated(id === noted); continue; }
        if (made.lens.destroy) made.lens.destroy();
        made.box.remove();
        this.made.delete(id);
      }
      if (this.defined) this.drawDefinition();
      if (!this.model) return void put(this.status, this.w.noTrace);
      for (const node of this.text.querySelectorAll("[data-says]")) put(node, this.say(node.dataset.says, node.dataset));
      this.shownState.fill(-1); // chips say their state
      this.header();
      this.buildLegend();
      this.drawn = "";
      this.render();
      this.layoutMap();
      put(this.question, this.views[this.lens].question || "");
    }

    on(target, type, handler, options) {
      target.addEventListener(type, handler, options);
      this.offs.push(() => target.removeEventListener(type, handler, options));
    }

    button(cls, key, text, act) {
      const b = this.name(attrs(el("button", "um-btn " + cls, text), { type: "button" }), key, "aria-label", "title");
      this.on(b, "click", act);
      return b;
    }

    /** `options`: [value, key of its name]; a number is its own name. */
    select(label, title, options, value, act) {
      const wrap = el("label", "um-field"), s = el("select", "um-select");
      wrap.append(this.name(el("span", "um-fieldname"), label, "text"), s);
      if (title) this.name(wrap, title, "title");
      for (const [v, key] of options) { const o = el("option", "", key); o.value = v; if (typeof v !== "number") this.name(o, key, "text"); s.append(o); }
      s.value = value;
      this.on(s, "change", () => act(s.value));
      wrap.input = s;
      return wrap;
    }

    // ---------------------------------------------------------------------------------------------- skeleton
    build() {
      const root = this.root;
      this.name(attrs(root, { role: "region", tabindex: "-1" }), "player", "aria-label");
      // head: who ran what
      const head = el("div", "um-head"), who = el("div", "um-who");
      this.title = el("div", "um-title");
      this.sub = el("div", "um-sub");
      this.staleNote = attrs(el("div", "um-stale"), { role: "status" });
      this.always(() => this.stale(this.isStale));
      who.append(this.title, this.sub, this.staleNote);
      const chips = el("div", "um-chips");
      this.provenance = el("span", "um-prov");
      this.badge = attrs(el("button", "um-badge"), { type: "button" });
      this.on(this.badge, "click", () => (this.canCompare() ? this.askReference() : this.toDifference()));
      chips.append(this.badge, this.provenance);
      head.append(who, chips);

      // the costs
      this.nums = this.name(attrs(el("div", "um-nums"), { role: "group" }), "numbers", "aria-label");
      this.tiles = {};
      this.definition = attrs(el("div", "um-def"), { id: "um" + this.id + "-def", role: "status" });
      this.definition.hidden = true;
      for (const key of ["tokens", "time", "rate", "calls", "tpf", "cost", "acc"]) {
        const tile = this.name(attrs(el("button", "um-num"), { type: "button", "aria-expanded": "false", "aria-controls": this.definition.id }), "n_" + key + "_def", "title");
        const value = el("span", "um-value", "–"), label = el("span", "um-label"), sub = el("span", "um-of", "\u00a0");
        const q = attrs(el("span", "um-q", "?"), { "aria-hidden": "true" });
        this.always(() => label.replaceChildren(this.w["n_" + key], q));
        tile.append(label, value, sub);
        this.on(tile, "click", () => this.define(key));
        this.tiles[key] = { tile, value, sub };
        this.nums.append(tile);
      }

      // spine
      const spine = el("div", "um-spine"), keys = el("div", "um-transport");
      this.bFirst = this.button("um-icon", "first", "⏮\ufe0e", () => this.go(0));
      this.bPrev = this.button("um-icon", "prev", "◀\ufe0e", () => this.move(-1));
      this.bPlay = this.button("um-icon um-play", "play", "▶\ufe0e", () => this.toggle());
      this.bNext = this.button("um-icon", "next", "▶\ufe0e", () => this.move(1));
      this.bLast = this.button("um-icon", "last", "⏭\ufe0e", () => this.go(Infinity));
      this.bPrev.textContent = "‹"; this.bNext.textContent = "›"; this.bFirst.textContent = "«"; this.bLast.textContent = "»";
      keys.append(this.bFirst, this.bPrev, this.bPlay, this.bNext, this.bLast);
      this.slider = this.name(attrs(el("input", "um-slider"), { type: "range", min: "0", max: "0", step: "1", value: "0" }), "slider", "aria-label");
      this.on(this.slider, "input", () => { this.stop(); this.go(Number(this.slider.value)); });
      this.stepLabel = el("span", "um-steplabel", this.say("stepOf", { step: 0, steps: 0 }));
      this.pill = this.name(attrs(el("button", "um-live"), { type: "button" }), "backToLive", "title");
      this.pill.append(attrs(el("span", "um-dot", "●"), { "aria-hidden": "true" }), (this.pillText = el("span", "", "")));
      this.pill.hidden = true;
      this.on(this.pill, "click", () => { this.stop(); this.go(Infinity); this.follow = this.liveRun; this.render(); });
      const settings = el("div", "um-settings");
      this.speedField = this.select("speed", "", SPEEDS.map((x) => [x, x + "×"]), "1", (v) => { this.speed = Number(v); });
      this.unitField = this.select("unit", "unit_def", ["round", "beat", "token"].map((u) => [u, u]), "round", (v) => { this.unit = v; this.render(); });
      this.bHelp = this.button("um-icon um-helpbtn", "help", "?", () => this.help());
      this.bTheme = this.button("um-icon um-helpbtn", "theme", "◐", () => this.turn());
      this.bLanguage = attrs(el("button", "um-btn um-icon um-helpbtn um-language"), { type: "button" });
      this.on(this.bLanguage, "click", () => this.turnLanguage());
      this.always(() => {
        const code = this.otherLanguage(), label = this.say("switchTo", { name: (tables("player")[code] || {}).language || code });
        put(this.bLanguage, code.toUpperCase());
        attrs(this.bLanguage, { "aria-label": label, title: label, lang: code });
        this.bLanguage.hidden = languages().length < 2;
      });
      settings.append(this.speedField, this.unitField, this.bLanguage, this.bTheme, this.bHelp);
      spine.append(keys, this.slider, this.stepLabel, this.pill, settings);

      this.status = el("div", "um-status");
      this.aloud = attrs(el("div", "um-aloud"), { "aria-live": "polite", role: "status" });
      this.legend = this.name(attrs(el("div", "um-legend"), { role: "group" }), "legend", "aria-label", "title");
      this.legendItems = [];

      // rail and body
      this.rail = this.name(attrs(el("div", "um-rail"), { role: "tablist" }), "lenses", "aria-label");
      const panelId = "um" + this.id + "-panel";
      this.tabs = this.views.map((view, i) => {
        const tab = attrs(el("button", "um-tab"), { type: "button", role: "tab", id: "um" + this.id + "-tab" + i, "aria-controls": panelId, "aria-selected": "false", tabindex: "-1" }), named = el("span");
        if (i < 10) tab.append(attrs(el("span", "um-tabkey", String((i + 1) % 10)), { "aria-hidden": "true" }));
        tab.append(named);
        this.always(() => { put(named, view.title); tab.title = view.question || view.title; });
        // After a click the arrow keys step through the run; among the tabs they belong to who came by keyboard.
        this.on(tab, "click", (e) => { this.open(i); if (e.detail) this.panel.focus({ preventScroll: true }); });
        this.rail.append(tab);
        return tab;
      });
      this.on(this.rail, "keydown", (e) => {
        const d = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[e.key];
        if (d === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
        e.preventDefault();
        e.stopPropagation();
        this.open(d === Infinity ? this.views.length - 1 : d === -Infinity ? 0 : (this.lens + d + this.views.length) % this.views.length);
        this.tabs[this.lens].focus();
      });
      const row = el("div", "um-railrow");
      this.tools = this.name(attrs(el("div", "um-tools"), { role: "group" }), "tools", "aria-label");
      row.append(this.rail, this.tools);
      const body = el("div", "um-body");
      this.panel = attrs(el("div", "um-panel"), { role: "tabpanel", id: panelId, tabindex: "-1" });
      this.question = el("div", "um-question");
      this.buildGrid();
      this.figureBox = el("div", "um-figure");
      this.answer = attrs(el("p", "um-answer"), { lang: "en" }); // Python says it, as it draws the figure below
      this.answer.hidden = true;
      this.figureEl = attrs(el("div", "um-plot"), { lang: "en" });
      this.figureNote = el("div", "um-note");
      this.lensBoxes = el("div");
      this.figureBox.append(this.figureNote, this.lensBoxes, this.answer, this.figureEl);
      this.figureBox.hidden = true;
      this.panel.append(this.question, this.gridBox, this.figureBox);
      this.inspector = this.name(attrs(el("div", "um-inspector"), { role: "complementary" }), "inspector", "aria-label");
      body.append(this.panel, this.inspector);

      this.tip = attrs(el("div", "um-tip"), { "aria-hidden": "true" });
      this.tip.hidden = true;
      this.buildHelp();
      const costs = el("div", "um-costs");
      costs.append(this.nums, this.definition);
      // What accompanies a reader through all views (a lesson).
      this.dock = el("div", "um-dock");
      this.dock.hidden = true;
      root.append(head, this.dock, costs, spine, this.status, this.aloud, row, this.legend, body, this.tip, this.drawer);
      this.open(0);
      this.toolkit = TOOLS.map((make) => make({ bar: this.tools, stage: this.stage(null, this.tools) }) || {});
    }

    buildGrid() {
      this.gridBox = el("div", "um-grid");
      this.text = this.name(attrs(el("div", "um-text"), { role: "listbox", tabindex: "0" }), "sequence", "aria-label");
      this.tailNote = el("div", "um-tailnote", "\u00a0");
      const bar = el("div", "um-mapbar");
      bar.append(this.name(el("span", "um-caption"), "map", "text"));
      this.metricField = this.select("colour", "", ["state", "confidence", "entropy", "age"].map((m) => [m, "m_" + m]), "state", (v) => { this.metricName = v; this.drawMap(); });
      this.scale = el("span", "um-scale");
      this.scaleLo = el("span", "um-scalenum");
      this.scaleHi = el("span", "um-scalenum");
      this.ramp = el("span", "um-ramp");
      this.scaleText = el("span", "um-scaletext");
      this.scale.append(this.scaleLo, this.ramp, this.scaleHi);
      bar.append(this.metricField, this.scale, this.scaleText);
      this.mapBox = el("div", "um-map");
      // Kept, because asking for it after the chips have changed would lay the page out a second time in each step.
      this.mapTop = 0;
      this.on(this.mapBox, "scroll", () => { this.mapTop = this.mapBox.scrollTop; });
      this.mapIn = el("div", "um-mapin");
      this.canvas = attrs(el("canvas", "um-canvas"), { role: "img" });
      this.veil = el("div", "um-veil");
      this.rowMark = el("div", "um-rowmark");
      this.colMark = el("div", "um-colmark");
      this.mapIn.append(this.canvas, this.veil, this.colMark, this.rowMark);
      this.mapBox.append(this.mapIn);
      this.axes = el("div", "um-axes");
      this.gridBox.append(this.text, this.tailNote, bar, this.mapBox, this.axes);
      this.off = document.createElement("canvas");
      this.chips = [];
      this.shownToken = [];
      this.shownState = [];
    }

    buildHelp() {
      this.drawer = this.name(attrs(el("div", "um-help"), { role: "dialog" }), "helpName", "aria-label");
      this.drawer.hidden = true;
      const top = el("div", "um-helptop"), body = el("div");
      this.bClose = this.button("um-icon", "close", "✕", () => this.help(false));
      top.append(this.name(el("b"), "helpName", "text"), this.bClose);
      this.drawer.append(top, body);
      this.always(() => this.fillHelp(body));
    }

    fillHelp(body) {
      const known = this.tries && [...this.tries.querySelectorAll(".um-try")].map((link) => link.known);
      this.tries = el("div", "um-tries");
      this.tries.append(el("div", "um-caption", this.w.tryFirst));
      TRIES.forEach((to, i) => {
        const link = attrs(el("button", "um-try", this.w.tries[i]), { type: "button" });
        Object.assign(link, { hidden: true, to, known: known ? known[i] : undefined });
        link.addEventListener("click", () => this.tryOut(to));
        this.tries.append(link);
      });
      body.replaceChildren(this.tries, el("div", "um-caption", this.w.keys));
      for (const [key, what] of this.w.keyList) {
        const row = el("div", "um-key"), keys = el("span", "um-keys");
        for (const part of fill(key, { lenses: this.views.length > 9 ? 0 : this.views.length }).split(" ")) keys.append(el("span", part === "…" ? "" : "um-cap", part));
        row.append(keys, el("span", "", what));
        body.append(row);
      }
      body.append(el("div", "um-caption", this.w.glossary));
      const words = el("dl", "um-terms");
      for (const [term, what] of this.w.terms) words.append(el("dt", "", term), el("dd", "", what));
      body.append(words);
      if (!this.drawer.hidden) this.drawTries();
    }

    /** Shows the links that lead somewhere here. Another run can be opened only where the host has it. */
    async drawTries() {
      const links = [...this.tries.querySelectorAll(".um-try")], { go, knows } = this.host;
      const draw = () => { this.tries.hidden = links.every((link) => link.hidden); };
      for (const link of links) {
        const { run, lens, tool } = link.to;
        if (tool) link.hidden = !this.root.querySelector(tool);
        else if (!this.views.some((v) => v.id === lens)) link.hidden = true;
        else if (!run || run === this.run) link.hidden = false;
        else if (!go || !knows) link.hidden = true;
        else if (link.known) link.hidden = false;
        else if (link.known === undefined) {
          link.known = null;
          Promise.resolve(knows(run)).then((known) => { link.known = known; link.hidden = !known; draw(); }, () => { link.known = undefined; });
        }
      }
      draw();
    }

    tryOut({ run, lens, step, tool }) {
      this.help(false);
      if (tool) return this.root.querySelector(tool).click();
      if (run && this.host.go) return this.host.go("#run=bundled:" + encodeURIComponent(run.slice(8)) + "&lens=" + lens + (step === undefined ? "" : "&step=" + step));
      this.open(this.views.findIndex((v) => v.id === lens));
    }

    // ---------------------------------------------------------------------------------------------- events of the page
    listen() {
      const use = () => { const i = players.indexOf(this); if (i > 0) { players.splice(i, 1); players.unshift(this); } };
      this.on(this.root, "focusin", use);
      this.on(this.root, "pointerdown", use);
      this.on(document, "keydown", (e) => this.key(e));
      const chipOf = (e) => (e.target.closest ? e.target.closest(".um-chip") : null);
      this.on(this.text, "click", (e) => {
        const chip = chipOf(e);
        if (!chip || String(window.getSelection()) !== "") return;
        const pos = Number(chip.dataset.pos);
        this.choose(pos === this.pin ? -1 : pos);
      });
      this.on(this.text, "pointerover", (e) => { const chip = chipOf(e); this.preview(chip ? Number(chip.dataset.pos) : -1, chip, null); });
      this.on(this.text, "pointerleave", () => this.preview(-1));
      this.inspectorScroll = 0;
      this.on(this.inspector, "scroll", () => { this.inspectorScroll = this.inspector.scrollTop; }, { passive: true });
      this.on(this.text, "copy", (e) => this.copy(e));
      let down = false;
      const cell = (e) => {
        const box = this.canvas.getBoundingClientRect(), g = this.geometry;
        if (!g || !g.cols || !g.rows) return null;
        const col = Math.floor((e.clientX - box.left - g.left) / g.cw), row = Math.floor((e.clientY - box.top - g.top) / g.rh);
        if (row < 0 || row >= this.model.rounds.length || col < 0 || col >= g.cols) return null;
        return { row, pos: this.model.promptLen + col };
      };
      this.on(this.mapIn, "pointerdown", (e) => {
        const c = e.button === 0 && cell(e);
        if (!c) return;
        down = true;
        this.stop();
        this.seek(this.model.rounds[c.row].stop, { pos: c.pos });
      });
      this.on(this.mapIn, "pointermove", (e) => {
        const c = cell(e);
        if (down && e.buttons & 1) { if (c) this.seek(this.model.rounds[c.row].stop, { pos: c.pos }); } else this.preview(c ? c.pos : -1, null, c && { row: c.row, x: e.clientX, y: e.clientY });
      });
      this.on(window, "pointerup", () => { down = false; });
      this.on(this.mapIn, "pointerleave", () => this.preview(-1));
      this.resizer = new ResizeObserver(() => { if (this.root.clientWidth !== this.seenWidth) { this.seenWidth = this.root.clientWidth; this.layoutMap(); if (this.drawnHere()) this.refresh(); } });
      this.resizer.observe(this.root);
      this.watcher = new MutationObserver(() => this.theme());
      this.watcher.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      this.watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
      this.on(window.matchMedia("(prefers-color-scheme: dark)"), "change", () => this.theme());
    }

    /** Turns the whole page, which the other parts of it follow. */
    turn() {
      const dark = !this.isDark;
      document.body.classList.toggle("dark", dark);
      document.documentElement.classList.toggle("dark", dark);
      document.documentElement.classList.toggle("light", !dark);
    }

    /** The language after this one, around. */
    otherLanguage() { const codes = languages(); return codes[(codes.indexOf(language()) + 1) % codes.length]; }

    turnLanguage() { speak(this.otherLanguage()); }

    dark() { return !!this.root.closest(".dark") || document.body.classList.contains("dark") || (this.root.classList.contains("um-auto") && !this.root.closest(".light") && window.matchMedia("(prefers-color-scheme: dark)").matches); }

    theme() {
      const dark = this.dark();
      if (dark === this.isDark) return;
      this.isDark = dark;
      const style = getComputedStyle(this.root), read = (name) => hexColour(style.getPropertyValue("--um-" + name), dark ? "0F1318" : "FFFFFF");
      this.palette = STATES.map((s) => read(s === "absent" ? "page" : s === "remasked" ? "masked" : s + (s === "committed" ? "-map" : "")));
      this.ink = STATES.map((s) => (s === "absent" ? "" : style.getPropertyValue("--um-" + s + "-ink").trim()));
      this.pageColour = read("page");
      this.textColour = style.getPropertyValue("--um-soft").trim();
      this.lineColour = style.getPropertyValue("--um-rule").trim();
      if (this.model) { this.drawMap(); this.refresh(); }
    }

    key(e) {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || (!this.model && !/^[lLtT?]$/.test(e.key))) return;
      const t = e.target instanceof Element ? e.target : document.body;
      const inside = this.root.contains(t);
      if (!inside && t !== document.body && t !== document.documentElement) return;
      if (players.find((p) => p.root.isConnected && p.root.getClientRects().length) !== this) return;
      if (t.closest("textarea, select, [contenteditable=''], [contenteditable=true]")) return;
      const range = t === this.slider;
      if (t.tagName === "INPUT" && !range) return;
      const key = e.key;
      if (e.key === "Escape") {
        if (this.defined) this.define(null);
        else if (!this.drawer.hidden) this.help(false);
        else if (this.cell !== null || this.remark) this.unpinCell();
        else if (this.node >= 0) { this.node = -1; this.render(); } else if (this.pin >= 0) this.choose(-1);
        else if (this.marks) this.unmark();
        else return;
        e.preventDefault();
        return;
      }
      if ((key === " " || key === "Enter") && t.closest("button, summary, a")) return;
      const act = {
        " ": () => this.toggle(),
        ArrowLeft: () => (e.shiftKey ? this.leap(-1) : range ? false : this.move(-1)),
        ArrowRight: () => (e.shiftKey ? this.leap(1) : range ? false : this.move(1)),
        Home: () => this.go(0), End: () => this.go(Infinity),
        n: () => this.nextCommit(), N: () => this.nextCommit(),
        ",": () => this.faster(-1), ".": () => this.faster(1),
        j: () => this.neighbour(-1), J: () => this.neighbour(-1), k: () => this.neighbour(1), K: () => this.neighbour(1),
        t: () => this.turn(), T: () => this.turn(), l: () => this.turnLanguage(), L: () => this.turnLanguage(),
        "?": () => this.help(),
      }[key] || (/^[0-9]$/.test(key) && this.views[(Number(key) + 9) % 10] ? () => this.open((Number(key) + 9) % 10) : null); // 0 stands behind 9
      if (!act || act() === false) return;
      e.preventDefault();
    }

    // ---------------------------------------------------------------------------------------------- runs
    empty() {
      this.model = null;
      put(this.status, this.w.noTrace);
      this.root.classList.add("um-idle");
    }

    reset(header, options) {
      this.stop();
      this.stale(false);
      this.asked = false;
      this.model = new Model(header);
      this.run = options && options.run !== undefined ? options.run : null;
      this.at = 0;
      this.pin = this.node = this.hover = this.userRow = -1;
      this.cell = this.remark = this.hint = null;
      this.marks = null;
      this.drawn = "";
      this.filter = -1;
      if (this.run === null) this.forget(); // two runs without a name would answer for each other
      this.ticket = (this.ticket || 0) + 1;
      this.mapAll = true;
      this.last = null;
      this.root.classList.remove("um-idle");
      this.tip.hidden = true;
    }

    /** `options`: {run, opening}; with `opening` the run is shown where something happens (see `opening`), else at its start. */
    load(trace, options) {
      this.reset(trace, options);
      this.liveRun = this.follow = false;
      this.narrowest = 1;
      this.model.add(trace.events || []);
      if (options && options.opening) this.at = opening(this.model.rounds);
      this.whole();
    }

    begin(header, options) {
      this.reset(header, options);
      this.liveRun = this.follow = true;
      this.narrowest = 3; // nobody knows yet how wide the tokens will be
      this.model.add(header.events || []);
      this.whole();
    }

    push(events, vocab) {
      if (!this.model) return;
      this.model.addVocab(vocab);
      if (!events || !events.length) return;
      const from = this.model.add(events);
      if (this.follow) this.at = this.model.events.length;
      this.dirty = Math.min(this.dirty === undefined ? Infinity : this.dirty, from);
      this.soon();
    }

    finish(patch) {
      if (!this.model) return;
      this.asked = false;
      const head = Object.assign({}, patch || {});
      this.model.addVocab(head.vocab);
      delete head.vocab;
      if (head.events) delete head.events;
      Object.assign(this.model.head, head);
      if (head.specials && head.specials.some((id) => !this.model.specials.has(id))) {
        this.model.specials = new Set(head.specials);
        this.model.faces = null;
        this.shownToken.fill(NaN);
      }
      if (head.reference) this.shownState.fill(-1); // chips say where they differ from it
      this.liveRun = false;
      if (this.follow) this.at = this.model.events.length;
      this.follow = false;
      this.header();
      this.forget();
      this.layoutMap();
      this.render();
    }

    soon() {
      if (this.pending) return;
      // A hidden page gets no animation frames; a timer keeps the state right there.
      const draw = () => {
        cancelAnimationFrame(this.pending);
        clearTimeout(this.pendingTimer);
        this.pending = 0;
        if (this.gone) return;
        this.growMap();
        this.render();
      };
      this.pending = requestAnimationFrame(draw);
      this.pendingTimer = setTimeout(draw, 250);
    }

    whole() {
      this.header();
      this.buildText();
      this.buildLegend();
      this.layoutMap();
      this.render();
    }

    // ---------------------------------------------------------------------------------------------- the cursor
    stops() { return this.model.stops(this.unit); }

    stepOf(at) {
      const stops = this.stops();
      let lo = 0, hi = stops.length - 1;
      while (lo < hi) { const mid = (lo + hi + 1) >> 1; if (stops[mid] <= at) lo = mid; else hi = mid - 1; }
      return lo;
    }

    /** `options`: {pos, node, cell}. A position stays pinned unless another (or null) is given; a node and a cell belong to one
     *  moment and go unless they are given. A cell is whatever plain value its lens calls it by. */
    seek(at, options) {
      if (!this.model) return;
      const before = JSON.stringify(this.cursor());
      this.at = clamp(Math.round(Number(at)) || 0, 0, this.model.events.length);
      this.follow = this.liveRun && this.at === this.model.events.length;
      if (options && options.pos !== undefined) { this.pin = this.valid(options.pos); this.userRow = -1; }
      this.node = options && options.node !== undefined && options.node !== null ? options.node : -1;
      this.cell = options && options.cell !== undefined ? options.cell : null;
      this.moved(before);
      this.render();
    }

    /** Puts the reader where a link says, each part a text: {unit, lens, step, pos}; returns the names of parts that are not there. */
    restore(place) {
      const wrong = [], number = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : -1);
      if (place.unit !== undefined) {
        if (["round", "beat", "token"].includes(place.unit)) this.unitField.input.value = this.unit = place.unit;
        else wrong.push("unit");
      }
      if (place.lens !== undefined && !this.open(this.views.findIndex((v) => v.id === place.lens))) wrong.push("lens");
      const stops = this.stops(), step = place.step === undefined ? this.stepOf(this.at) : number(place.step), pos = place.pos === undefined ? undefined : this.valid(number(place.pos));
      if (step < 0 || step >= stops.length) wrong.push("step");
      if (pos < 0) wrong.push("pos");
      this.seek(stops[step < 0 || step >= stops.length ? 0 : step], { pos });
      return wrong;
    }

    valid(pos) { return Number.isInteger(pos) && pos >= 0 && pos < this.model.length ? pos : -1; }

    go(step) {
      if (!this.model) return;
      const stops = this.stops(), to = clamp(step, 0, stops.length - 1);
      if (this.playing && !this.ticking) this.stop();
      this.seek(stops[to]);
    }

    move(d) {
      if (!this.model) return;
      const step = this.stepOf(this.at), between = this.stops()[step] < this.at;
      if (!this.ticking) this.stop();
      this.go(d < 0 && between ? step : step + d);
    }

    leap(d) {
      const m = this.model, rounds = m.rounds;
      if (!rounds.length) return;
      const i = m.roundAt(this.at), blocks = new Set(rounds.map((r) => r.block));
      let to = i;
      if (blocks.size > 1) {
        const here = i < 0 ? null : rounds[i].block;
        do to += d; while (to >= 0 && to < rounds.length && rounds[to].block === here);
        if (d < 0 && to >= 0) while (to > 0 && rounds[to - 1].block === rounds[to].block) to--;
      } else to += 5 * d;
      this.stop();
      this.seek(to < 0 ? 0 : rounds[Math.min(to, rounds.length - 1)].stop);
    }

    nextCommit() {
      const m = this.model, i = m.roundAt(this.at);
      const fills = (event) => event.kind === "commit" && (this.pin < 0 ? event.edits.length : event.edits.some((e) => e.pos === this.pin));
      // Every later commit, then (for a pinned position) from the start again.
      for (let k = this.at; k < m.events.length; k++) if (fills(m.events[k])) return this.toEvent(k);
      if (this.pin >= 0) for (let k = 0; k < (i < 0 ? 0 : m.rounds[i].stop); k++) if (fills(m.events[k])) return this.toEvent(k);
    }

    toEvent(k) {
      this.stop();
      const stops = this.stops();
      this.seek(stops.find((s) => s > k));
    }

    neighbour(d) {
      const m = this.model;
      const pos = this.pin < 0 ? (d > 0 ? m.promptLen : m.length - 1) : this.pin + d;
      this.choose(clamp(pos, 0, m.length - 1), true);
    }

    choose(pos, reveal) {
      const before = JSON.stringify(this.cursor());
      this.pin = this.valid(pos);
      this.node = this.userRow = -1;
      this.cell = null;
      this.moved(before);
      if (reveal && this.pin >= 0) this.reveal(this.chips[this.pin]);
      this.render();
    }

    reveal(chip) {
      if (!chip) return;
      const box = this.text, top = chip.offsetTop; // measured from the box, which is positioned
      if (top < box.scrollTop) box.scrollTop = Math.max(0, top - 12);
      else if (top + chip.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + chip.offsetHeight - box.clientHeight + 12;
    }

    // Only a run made on this page can be compared afterwards; a file holds no model.
    canCompare() {
      const h = this.model && this.model.head;
      return !!h && !!this.host.reference && !this.liveRun && h.provenance === "measured" && !["reference", "exact"].includes(h.guarantee) && !h.reference;
    }

    /** {about}: how long the reference decoder will take: one call a filled position, each like this run's shortest. */
    estimate() {
      const m = this.model, calls = m.events.filter((e) => e.kind === "forward" && e.seconds > 0 && (!e.model || e.model === m.head.model));
      const seconds = calls.length ? m.numbers(m.events.length).filled * Math.min(...calls.map((e) => e.seconds)) : 0;
      return { about: seconds ? this.say("b_about", { time: seconds < 1 ? "1\u202fs" : Math.round(seconds) + "\u202fs" }) : "" };
    }

    askReference() {
      this.asked = true;
      this.drawBadge();
      this.host.reference(this.run);
    }

    /** Whether the page's controls now ask for another run than the one shown. */
    stale(on) {
      this.isStale = on;
      put(this.staleNote, on ? this.w.stale : "");
    }

    notice(text) { put(this.status, text); }

    toDifference() {
      const diff = this.model && this.model.compare();
      if (!diff || diff.first < 0 || this.liveRun) return;
      let at = this.model.events.length;
      for (let k = this.model.events.length - 1; k >= 0; k--) {
        const event = this.model.events[k];
        if (event.kind === "commit" && event.edits.some((e) => e.pos === diff.first)) { at = this.stops().find((s) => s > k); break; }
      }
      this.stop();
      this.open(0);
      this.seek(at, { pos: diff.first });
      this.reveal(this.chips[this.pin]);
    }

    faster(d) {
      this.speed = SPEEDS[clamp(SPEEDS.indexOf(this.speed) + d, 0, SPEEDS.length - 1)];
      this.speedField.input.value = String(this.speed);
    }

    toggle() {
      if (!this.model) return;
      // Following a live run counts as playing: pausing the view never pauses the run.
      if (this.playing || this.follow) { this.stop(); this.follow = false; this.render(); } else this.start();
    }

    start() {
      const stops = this.stops();
      if (!this.liveRun && this.at >= this.model.events.length) this.seek(0);
      if (stops.length < 2 && !this.liveRun) return;
      this.playing = true;
      let last = performance.now(), due = 0;
      const tick = (now) => {
        if (!this.playing || this.gone) return;
        due += Math.min(500, now - last) * this.speed * STEPS_PER_SECOND / 1000;
        last = now;
        if (due >= 1) {
          const n = Math.floor(due);
          due -= n;
          this.ticking = true;
          this.move(n);
          this.ticking = false;
          if (this.at >= this.model.events.length) {
            this.stop();
            this.follow = this.liveRun;
            return this.render();
          }
        }
        this.timer = requestAnimationFrame(tick);
      };
      this.timer = requestAnimationFrame(tick);
      this.render();
    }

    stop() {
      if (!this.playing) return;
      this.playing = false;
      cancelAnimationFrame(this.timer);
      this.playButton();
    }

    playButton() {
      const on = this.playing || this.follow;
      put(this.bPlay, on ? "❚❚" : "▶\ufe0e");
      attrs(this.bPlay, { "aria-label": on ? this.w.pause : this.w.play, title: on ? this.w.pause : this.w.play });
    }

    // ---------------------------------------------------------------------------------------------- drawing one moment
    render() {
      const m = this.model;
      if (!m || this.gone) return;
      const stops = this.stops(), step = this.stepOf(this.at), steps = stops.length - 1;
      const frame = (this.frame = m.frame(this.at));
      this.counts = new Array(STATES.length).fill(0);
      for (const s of frame.states) this.counts[s]++;
      // spine
      if (this.slider.max !== String(steps)) this.slider.max = String(steps);
      this.slider.value = String(step);
      this.slider.style.setProperty("--um-fill", steps ? (100 * step) / steps + "%" : "0%");
      put(this.stepLabel, this.say("stepOf", { step, steps }));
      this.bFirst.disabled = this.bPrev.disabled = this.at === 0;
      this.bLast.disabled = this.bNext.disabled = this.at >= m.events.length;
      this.playButton();
      this.pill.hidden = !this.liveRun;
      if (this.liveRun) {
        const ahead = steps - step;
        put(this.pillText, ahead ? this.say("liveAhead", { n: ahead }) : this.w.liveHere);
        this.pill.classList.toggle("um-behind", ahead > 0);
      }
      const sentence = this.sentence(frame, step, steps);
      put(this.status, sentence);
      this.slider.setAttribute("aria-valuetext", this.say("stepOf", { step, steps }));
      this.announce(sentence);
      this.drawNumbers();
      this.drawLegend();
      this.drawText(frame);
      this.markMap(frame);
      this.inspect();
      if (!this.views[this.lens].built) this.figure();
      this.tell();
    }

    announce(sentence) {
      if (sentence === this.told) return;
      const speak = () => { this.aloudTimer = 0; this.told = this.toTell; this.toldAt = performance.now(); this.aloud.textContent = this.toTell; };
      this.toTell = sentence;
      if (this.aloudTimer) return;
      const wait = 500 - (performance.now() - (this.toldAt || -1e9));
      if (wait <= 0) speak();
      else this.aloudTimer = setTimeout(speak, wait);
    }

    tell() {
      for (const watcher of this.watchers) watcher();
      if (!this.host.onCursor) return;
      clearTimeout(this.tellTimer);
      const cursor = Object.assign(this.cursor(), { lens: this.views[this.lens].id, unit: this.unit });
      const word = JSON.stringify(cursor);
      if (word === this.toldCursor) return;
      this.tellTimer = setTimeout(() => { this.toldCursor = word; if (!this.gone) this.host.onCursor(cursor); }, 150);
    }

    header() {
      const h = this.model.head;
      put(this.title, h.title || h.method);
      const bits = [];
      if (h.paper) bits.push(h.paper);
      bits.push(Object.values(h.models || {}).length > 1 ? Object.entries(h.models).map(([k, v]) => k + " " + v).join(" + ") : h.model);
      bits.push(this.say("seed", { seed: h.seed }));
      put(this.sub, bits.filter(Boolean).join(" · "));
      this.sub.title = this.sub.textContent;
      const kind = ["measured", "replay", "simulated"].includes(h.provenance) ? h.provenance : "measured";
      this.provenance.className = "um-prov um-" + kind;
      const date = String(h.recorded || "").slice(0, 10), when = date && this.say("p_when", { date }), made = h.hardware && kind !== "simulated";
      const where = made ? " · " + (kind === "replay" ? this.say("recordedOn", h) : h.hardware) + when : "";
      put(this.provenance, this.w[kind] + where);
      const torch = (h.versions || {}).torch;
      this.provenance.title = this.say(kind + "_t", { hardware: h.hardware || this.w.noHardware, when, with: torch ? this.say("p_with", { torch }) : "" });
      this.drawBadge();
      this.drawTabs();
    }

    drawBadge() {
      const h = this.model.head;
      let kind, text, title, jump = false;
      const diff = h.guarantee !== "reference" && !this.liveRun ? this.model.compare() : null;
      const token = (id) => (id === undefined || id < 0 ? this.w.b_shorter : this.model.quote(id));
      const values = diff && { label: diff.label, name: diff.name, n: diff.same, m: diff.total, pos: diff.first, ours: token(diff.ours), theirs: token(diff.theirs) };
      if (h.guarantee === "reference") [kind, text, title] = ["ref", this.w.b_ref, this.w.b_ref_t];
      else if (h.guarantee === "exact") [kind, text, title] = ["ref", this.w.b_drawn, this.w.b_drawn_t];
      else if (h.guarantee === "approximate") {
        kind = "approx";
        text = diff ? this.say("b_agree", values) : this.w.b_approx + (this.canCompare() ? (this.asked ? this.w.b_asked : this.say("b_compare", this.estimate())) : "");
        title = this.w.b_approx_t + (diff ? this.say("b_approx_d", values) : "");
        jump = !!diff && diff.first >= 0;
        if (jump) { text += this.say("b_first", values); title += this.say("b_first_t", values); }
      } else if (this.liveRun) [kind, text, title] = ["none", this.w.b_running, this.w.b_running_t];
      else if (!diff && this.canCompare()) [kind, text, title] = ["none", this.asked ? this.w.b_asked : this.say("b_run", this.estimate()), this.w.b_run_t];
      else if (!diff) [kind, text, title] = ["none", this.w.b_none, this.w.b_none_t];
      else if (diff.first < 0) [kind, text, title] = ["same", this.say("b_same", values), this.w.b_same_t];
      else {
        [kind, text] = ["differs", this.say("b_differs", values)];
        title = this.say("b_differs_t", values) + this.say("b_first_t", values);
        jump = true;
      }
      this.badgeKind = kind;
      this.exactness = diff || !this.canCompare() ? text : kind === "approx" ? this.w.b_approx : this.w.b_none;
      this.badge.className = "um-badge um-b-" + kind;
      put(this.badge, text);
      this.badge.title = title;
      this.badge.disabled = this.asked || !(jump || (!diff && this.canCompare()));
    }

    drawTabs() {
      this.tabs.forEach((tab, i) => tab.classList.toggle("um-void", this.missing(this.views[i]).length > 0 && !this.liveRun));
    }

    missing(view) { return this.model ? (view.needs || []).filter((kind) => !this.model.kinds.has(kind)) : []; }

    /** Opens what a tile means, over the page below the tiles; the same tile again, or none, closes it. */
    define(key) {
      const open = !key || this.defined === key;
      this.defined = open ? null : key;
      for (const k in this.tiles) this.tiles[k].tile.setAttribute("aria-expanded", String(k === this.defined));
      this.definition.hidden = open;
      if (!open) this.drawDefinition();
    }

    drawDefinition() {
      const key = this.defined;
      const ref = this.model && this.model.head.reference;
      const now = this.model && key === "tpf" ? this.model.numbers(this.at) : null;
      const here = now ? this.say("tpfNow", { filled: now.filled, calls: this.say("calls", { n: now.calls }), tail: this.say("tpfTail", { n: now.filled - now.tokens }) }) : "";
      const refs = ref ? { time: duration(ref.seconds), calls: num(ref.calls), cost: num(ref.rows_tokens) } : {};
      this.definition.replaceChildren(el("b", "", this.w["n_" + key]), document.createTextNode(" · " + this.w["n_" + key + "_def"] + here + (refs[key] ? this.say("refValue", { value: refs[key] }) : "")));
    }

    drawNumbers() {
      const m = this.model, now = m.numbers(this.at);
      if (!this.last || this.last.of !== m.events.length) this.last = { of: m.events.length, all: m.numbers(m.events.length) };
      const all = this.last.all, t = this.tiles;
      const set = (key, value, sub) => { put(t[key].value, value); put(t[key].sub, sub || "\u00a0"); };
      const of = (x) => this.say("of", { total: x }), run = (x) => (x === "–" ? "" : this.say("run", { total: x }));
      set("tokens", num(now.tokens), of(num(all.tokens)));
      set("time", all.seconds ? (now.seconds ? duration(now.seconds) : "0\u202fms") : "–", all.seconds ? of(duration(all.seconds)) : "");
      set("rate", ratio(now.tokens, now.seconds, 1), run(ratio(all.tokens, all.seconds, 1)));
      const roles = Object.keys(all.roles).map((r) => [this.w["role_" + r] || r, now.roles[r] || 0]);
      set("calls", num(now.calls), of(num(all.calls)) + (roles.length > 1 ? " · " + roles.map(([r, n]) => n + " " + r).join(", ") : ""));
      set("tpf", ratio(now.filled, now.calls, 2), now.calls ? this.say("perCall", { x: ratio(now.tokens, now.calls, 2) }) : "");
      set("cost", num(now.cost), of(num(all.cost)));
      t.acc.tile.hidden = !all.judged && !m.kinds.has("judge");
      set("acc", now.judged ? Math.round((100 * now.accepted) / now.judged) + "%" : "–",
        this.say("meanLength", { a: now.accepted, j: now.judged, m: ratio(now.judgedTokens, now.judgedRounds, 1) }));
      if (this.defined === "tpf") this.drawDefinition();
    }

    sentence(frame, step, steps) {
      const m = this.model, w = this.w;
      if (!frame.round) {
        const n = m.initial.length - m.promptLen;
        const prompt = this.say("promptTokens", { n: m.promptLen });
        return n > 0 ? this.say("start", { prompt, masked: this.say("maskedPositions", { n }) }) : this.say("startGrow", { prompt });
      }
      const round = frame.round, where = this.unit === "round" && round.n === frame.index + 1 ? this.say("where", { block: round.block }) : this.say("whereRound", { round: round.n, block: round.block });
      let out = this.say("step", { step, steps }) + where;
      const fates = new Map(), proposed = new Set(), votes = { accepted: 0, rejected: 0, unreached: 0 };
      let edits = [], judged = false, decisions = [], call = null;
      for (let i = round.start; i < Math.min(this.at, round.stop); i++) {
        const e = m.events[i];
        if (e.kind === "propose") for (const node of e.nodes) for (const fill of node.fills) proposed.add(fill.join(":"));
        else if (e.kind === "judge") { judged = true; judge(fates, round.nodes, e.verdicts); } else if (e.kind === "commit") edits = edits.concat(e.edits);
        else if (e.kind === "decide") decisions.push(e);
        else if (e.kind === "forward") call = e;
      }
      for (const fate of fates.values()) votes[fate]++;
      let masked = 0;
      for (let pos = m.promptLen; pos < frame.tokens.length; pos++) if (frame.tokens[pos] === m.mask) masked++;
      const parts = [], drafted = proposed.size;
      if (edits.length === 1 && edits[0].why === "unmasked" && !drafted) {
        const e = edits[0];
        out += this.say("one", { pos: e.pos, token: m.quote(e.after), p: equals(e.p) }) + this.bestOf(e, call, frame);
        // Which one is said already; how many is worth saying only where a rule of its own decides it.
        decisions = decisions.filter((d) => d.because && d.because.some(([name]) => !["masked", "best", "kept least"].includes(name)));
      } else {
        const by = {};
        for (const e of edits) by[e.why] = (by[e.why] || 0) + 1;
        if (!judged) votes.accepted = by.accepted || 0;
        if (drafted) parts.push(this.say("c_drafted", { n: drafted }));
        for (const [key, n] of [["accepted", votes.accepted], ["rejected", votes.rejected], ["unreached", votes.unreached], ["corrected", by.corrected], ["bonus", by.bonus], ["unmasked", by.unmasked], ["revised", by.revised], ["remasked", by.remasked]]) if (n) parts.push(this.say("c_" + key, { n }));
        out += ": " + (parts.join(", ") || w.c_none);
      }
      for (const d of decisions.slice(0, 2)) out += "; " + this.decision(d);
      if (m.initial.length > m.promptLen) out += "; " + this.say("c_masked", { n: masked });
      out += ".";
      if (this.at >= m.events.length && m.finish && w["end_" + m.finish]) out += w["end_" + m.finish];
      return out;
    }

    decision(d) {
      const by = Object.fromEntries(d.because || []);
      if ("drafted" in by && "accepted" in by) {
        // This method counts lengths up to the end of the text; the sentence before it counts the end's own draft too.
        return this.say("nextLength", { what: d.what, choice: d.choice, drafted: num(by.drafted), accepted: num(by.accepted) });
      }
      if (d.what === "how many" && "threshold" in by && "masked" in by && "best" in by)
        return this.say(by.best < by.threshold ? "nonePassed" : "passed", { n: d.choice, masked: num(by.masked), bar: prob(by.threshold) });
      return this.say("decided", { what: d.what, choice: d.choice, because: this.because(d) });
    }

    because(d) { return d.because && d.because.length ? " (" + d.because.slice(0, 5).map(([name, x]) => name + " " + (x > 0 && x < 1 ? prob(x) : num(x))).join(", ") + ")" : ""; }

    /** ", the most confident of 29 masked" when the recorded beliefs say so. */
    bestOf(edit, call, frame) {
      const m = this.model;
      if (!call) return "";
      const open = (pos) => pos === edit.pos || frame.tokens[pos] === m.mask;
      const heard = call.beliefs.filter((b) => b[2] === 0 && b[3].length && open(b[0]));
      const mine = heard.find((b) => b[0] === edit.pos);
      if (!mine) return "";
      const ours = heard.filter((b) => m.blockOf(b[0]) === m.blockOf(edit.pos));
      let there = 0, all = 0;
      for (let pos = m.promptLen; pos < frame.tokens.length; pos++) if (open(pos)) { all++; if (m.blockOf(pos) === m.blockOf(edit.pos)) there++; }
      if (ours.length !== there || ours.some((b) => b[3][0][1] > mine[3][0][1])) return "";
      if (there < 2) return "";
      return this.say("mostConfident", { n: there }) + (all > there ? this.w.inBlock : "");
    }

    // ---------------------------------------------------------------------------------------------- legend
    buildLegend() {
      this.legend.replaceChildren(el("span", "um-legendstep", this.w.legendStep));
      this.legendItems = [];
      const order = [S.prompt, S.masked, S.drafted, S.accepted, S.rejected, S.unreached, S.corrected, S.bonus, S.unmasked, S.committed, S.revised, S.remasked, S.tail];
      for (const s of order) {
        const item = attrs(el("button", "um-key-state"), { type: "button", "aria-pressed": "false", title: this.w[STATES[s] + "_def"] });
        const swatch = attrs(el("span", "um-swatch", ""), { "aria-hidden": "true" });
        swatch.dataset.s = STATES[s];
        swatch.dataset.g = GLYPH[STATES[s]] || "";
        const n = el("span", "um-count", "0");
        item.append(swatch, el("span", "", this.w[STATES[s] + "_legend"] || this.w[STATES[s]]), n);
        item.addEventListener("click", () => { this.filter = this.filter === s ? -1 : s; this.drawLegend(); this.drawMap(); });
        this.legend.append(item);
        this.legendItems.push({ s, item, n });
      }
      const b = attrs(el("button", "um-key-state um-marking", ""), { type: "button", title: this.w.unmark });
      b.append(attrs(el("span", "um-markswatch"), { "aria-hidden": "true" }), (this.markText = el("span", "")), attrs(el("span", "um-count", "✕"), { "aria-hidden": "true" }));
      b.addEventListener("click", () => this.unmark());
      const d = attrs(el("button", "um-key-state um-differing", ""), { type: "button" });
      d.append(attrs(el("span", "um-differswatch"), { "aria-hidden": "true" }), el("span", "", this.w.differing), el("span", "um-count", ""));
      d.addEventListener("click", () => this.toDifference());
      this.differItem = d;
      this.legend.append(d, (this.markItem = b));
      this.drawMarks();
      this.drawDiffering();
    }

    // ---------------------------------------------------------------------------------------------- marks
    /** `label` is text, or a function that says it in the page's language. Underlines positions in the grid until Esc, another mark or another run; none given: no longer. `gone` is called when the reader takes them away. */
    mark(positions, label, gone) {
      const set = new Set([...(positions || [])].filter((pos) => this.valid(pos) >= 0));
      this.marks = set.size ? { set, says: typeof label === "function" ? label : () => String(label), gone } : null;
      this.drawMarks();
    }

    /** The dots below what differs from the reference: they stay as long as the run is shown. */
    drawDiffering() {
      if (!this.differItem) return;
      const set = this.model.differing(), n = set.size;
      if (this.dotted !== set || this.dottedChips !== this.chips.length) {
        this.chips.forEach((chip, pos) => chip.classList.toggle("um-differs", set.has(pos)));
        [this.dotted, this.dottedChips] = [set, this.chips.length];
      }
      this.differItem.hidden = !n;
      if (!n) return;
      put(this.differItem.lastChild, String(n));
      this.differItem.title = this.say("differing_t", { n, label: this.model.head.reference.label });
    }

    unmark() {
      const { gone } = this.marks;
      this.mark();
      if (gone) gone();
      if (this.root.contains(document.activeElement) && document.activeElement === this.markItem) this.panel.focus({ preventScroll: true });
    }

    drawMarks() {
      const marks = this.marks;
      if (marks) marks.label = marks.says();
      if (!this.markItem) return;
      this.chips.forEach((chip, pos) => {
        const on = !!marks && marks.set.has(pos);
        chip.classList.toggle("um-marked", on);
        if (on) attrs(chip, { "aria-description": marks.label }); else chip.removeAttribute("aria-description");
      });
      this.markItem.hidden = !marks;
      if (marks) put(this.markText, this.say("markedOne", { label: marks.label, n: marks.set.size }));
    }

    drawLegend() {
      for (const { s, item, n } of this.legendItems) {
        // At the end of a round every draft has its verdict: only smaller steps show drafts that wait for it.
        const never = s === S.drafted && this.unit === "round" && !this.model.waiting;
        const shown = (!!this.model.seen[s] && !never) || (this.counts && this.counts[s] > 0) || this.filter === s;
        if (item.hidden === shown) item.hidden = !shown;
        put(n, String(this.counts ? this.counts[s] : 0));
        item.setAttribute("aria-pressed", String(this.filter === s));
      }
      if (this.filter >= 0) this.text.dataset.filter = STATES[this.filter];
      else delete this.text.dataset.filter;
      this.drawDiffering();
      this.legend.classList.toggle("um-filtering", this.filter >= 0);
    }

    // ---------------------------------------------------------------------------------------------- text view
    buildText() {
      this.text.replaceChildren();
      this.text.scrollTop = 0;
      this.chips = [];
      this.shownToken = [];
      this.shownState = [];
      this.marked = -1;
      if (this.model.promptLen) this.text.append(attrs(el("span", "um-part", this.w.promptLabel), { role: "presentation", "data-says": "promptLabel" }));
      this.growText();
    }

    /** Chips are as wide as so many characters of the text's own font, whatever the font of their state. */
    measure() {
      const probe = el("span", "um-probe", "0".repeat(40));
      this.text.append(probe);
      const w = probe.getBoundingClientRect().width / 40;
      probe.remove();
      if (w) this.text.style.setProperty("--ch", (this.charWidth = w) + "px");
    }

    growText() {
      const m = this.model, parts = document.createDocumentFragment();
      for (let pos = this.chips.length; pos < m.length; pos++) {
        const size = m.head.block || 1, generated = pos >= m.promptLen;
        if (pos === m.promptLen) {
          if (pos) parts.append(attrs(el("span", "um-break"), { role: "presentation" }));
          if (size < 2 || m.head.attention === "causal") parts.append(attrs(el("span", "um-part", this.w.canvasLabel), { role: "presentation", "data-says": "canvasLabel" }));
        }
        if (generated && size > 1 && m.head.attention !== "causal" && (pos === m.promptLen || m.blockOf(pos) !== m.blockOf(pos - 1)))
          parts.append(attrs(el("span", "um-block", this.say("blockLabel", { n: m.blockOf(pos) })), { role: "presentation", "data-says": "blockLabel", "data-n": m.blockOf(pos) }));
        const chip = attrs(el("span", "um-chip"), { role: "option", "aria-selected": "false", id: "um" + this.id + "-c" + pos, dir: "auto" });
        chip.dataset.pos = String(pos);
        chip.append(document.createTextNode(""));
        parts.append(chip);
        this.chips.push(chip);
        this.shownToken.push(NaN);
        this.shownState.push(-1);
        // A recorded run knows where lines end; a live one breaks when the newline is committed.
        if (m.face(m.tokens[pos]).breaks) parts.append(attrs(el("span", "um-break"), { role: "presentation" }));
      }
      this.text.append(parts);
      if (this.marks) this.drawMarks();
    }

    drawText(frame) {
      const m = this.model;
      if (this.chips.length < m.length) this.growText();
      if (!this.charWidth) this.measure();
      for (let pos = 0; pos < this.chips.length; pos++) {
        const state = frame.states[pos], t = frame.touch && frame.touch.get(pos);
        const token = t && state === t.state && state !== S.remasked ? t.token : frame.tokens[pos];
        if (token !== this.shownToken[pos] || state !== this.shownState[pos]) this.chip(pos, state, token);
        const w = Math.max(m.widths[pos] || 0, this.narrowest);
        if (this.chips[pos].um !== w && pos >= m.promptLen) { this.chips[pos].um = w; this.chips[pos].style.setProperty("--w", w); }
      }
      if (m.hasBytes) this.joinBytes();
      if (this.marked !== this.pin) {
        for (const [pos, on] of [[this.marked, false], [this.pin, true]]) if (this.chips[pos]) { this.chips[pos].classList.toggle("um-pinned", on); this.chips[pos].setAttribute("aria-selected", String(on)); }
        this.marked = this.pin;
        if (this.pin >= 0) this.text.setAttribute("aria-activedescendant", this.chips[this.pin].id);
        else this.text.removeAttribute("aria-activedescendant");
      }
      let note = "\u00a0";
      if (this.counts[S.tail]) {
        let calls = 0;
        for (let r = 0; r <= frame.index; r++) if (m.rounds[r].minEdit > frame.eos && m.rounds[r].minEdit < Infinity) calls += m.rounds[r].calls;
        note = this.say("tailNote", { n: this.counts[S.tail], calls: this.say("calls", { n: calls }) });
      }
      put(this.tailNote, note);
      if (this.follow && frame.round && frame.round.minEdit < this.chips.length) this.reveal(this.chips[frame.round.minEdit]);
    }

    chip(pos, state, token) {
      const m = this.model, chip = this.chips[pos], masked = state === S.masked || state === S.remasked || state === S.absent;
      const face = masked ? null : m.face(token), name = STATES[state];
      this.shownToken[pos] = token;
      this.shownState[pos] = state;
      if (chip.dataset.s !== name) {
        chip.dataset.s = name;
        chip.dataset.g = state === S.masked ? "" : GLYPH[name] || "";
      }
      chip.firstChild.data = face ? face.text : "";
      chip.dataset.o = face ? face.over : state === S.masked ? GLYPH.masked : "";
      chip.classList.toggle("um-special", !!face && face.special);
      chip.setAttribute("aria-label", pos + " " + this.w[name] + (face ? " " + face.title : "") + (m.differing().has(pos) ? ", " + this.w.differing : ""));
      // Live: break the line behind a committed newline.
      if (face && face.breaks && (state >= S.corrected || state === S.accepted) && !(chip.nextSibling && chip.nextSibling.className === "um-break")) chip.after(attrs(el("span", "um-break"), { role: "presentation" }));
    }

    /** Neighbouring pieces that are one character together: the character stands in the first chip. */
    joinBytes() {
      const m = this.model, n = this.chips.length;
      const bytes = (pos) => (pos < n && this.shownState[pos] !== S.masked && this.shownState[pos] !== S.remasked && this.shownToken[pos] >= 0 ? m.face(this.shownToken[pos]).bytes : "");
      for (let pos = 0; pos < n; pos++) {
        if (!bytes(pos)) continue;
        let end = pos, joined = "";
        while (bytes(end)) joined += bytes(end++);
        let text = "";
        try { text = new TextDecoder("utf-8", { fatal: true }).decode(m.bytesOf(joined)); } catch (error) { text = ""; }
        for (let i = pos; i < end; i++) {
          const shown = i === pos && text ? text : "⋯";
          if (this.chips[i].firstChild.data !== shown) this.chips[i].firstChild.data = shown;
          if (text && i === pos && m.widths[pos] < width(text)) m.widths[pos] = width(text);
        }
        pos = end;
      }
    }

    copy(e) {
      const selection = window.getSelection();
      if (!selection || selection.isCollapsed || !e.clipboardData) return;
      const ids = this.chips.map((chip, pos) => (selection.containsNode(chip, true) && ![S.masked, S.remasked, S.absent].includes(this.shownState[pos]) ? this.shownToken[pos] : ABSENT)).filter((t) => t >= 0);
      if (!ids.length) return;
      e.clipboardData.setData("text/plain", this.model.decode(ids));
      e.preventDefault();
    }

    // ---------------------------------------------------------------------------------------------- the map
    layoutMap() {
      const m = this.model;
      if (!m) return;
      const box = this.mapBox.clientWidth;
      if (!box || this.gridBox.hidden) { this.mapAll = true; return; }
      const cols = Math.max(0, Math.max(m.length, m.initial.length) - m.promptLen), expected = Math.max(1, Math.min(cols, 256));
      const rows = this.liveRun ? Math.max(m.rounds.length, expected) : Math.max(1, m.rounds.length);
      const dpr = window.devicePixelRatio || 1, left = 34, top = 18, snap = (x) => (x * dpr >= 2 ? Math.floor(x * dpr) / dpr : x);
      const high = 300;
      const cw = snap(clamp((box - left - 2) / Math.max(1, cols), 0.5, 20)), rh = snap(clamp(high / rows, 2, 16));
      const wide = Math.ceil(left + cw * cols + 1), tall = Math.ceil(top + rh * rows + 1);
      this.geometry = { cols, rows, cw, rh, left, top, dpr, tall };
      this.canvas.width = Math.round(wide * dpr);
      this.canvas.height = Math.round(tall * dpr);
      Object.assign(this.canvas.style, { width: wide + "px", height: tall + "px" });
      Object.assign(this.mapIn.style, { width: wide + "px", height: tall + "px" });
      this.mapAll = false;
      put(this.axes, cols ? this.say("axes", { a: m.promptLen, b: m.promptLen + cols - 1 }) : this.w.axesEmpty);
      this.drawMap();
    }

    growMap() {
      const m = this.model, g = this.geometry, from = this.dirty === undefined ? 0 : this.dirty;
      this.dirty = undefined;
      this.drawTabs();
      if (this.gridBox.hidden || !g || !this.mapBox.clientWidth) { this.mapAll = true; return; }
      if (m.length - m.promptLen > g.cols || m.rounds.length > g.rows) return this.layoutMap();
      this.drawMap(from);
    }

    /** Colours of rounds `from`.. into a picture with one pixel per cell, then that picture, enlarged, onto the page. */
    drawMap(from) {
      const m = this.model, g = this.geometry;
      if (!m || !g || this.mapAll) return;
      const rounds = m.rounds, first = from || 0;
      const state = this.metricName === "state", values = state ? null : m.metric(this.metricName);
      let lo = 0, hi = 1;
      if (!state) hi = this.metricName === "entropy" ? Math.max(m.maxEntropy, 1e-6) : this.metricName === "age" ? Math.max(1, rounds.length - 1) : 1;
      const flip = this.metricName !== "confidence", page = this.pageColour;
      if (this.off.width !== g.cols || this.off.height < g.rows) { this.off.width = Math.max(1, g.cols); this.off.height = Math.max(1, g.rows); if (first) return this.drawMap(0); }
      const ctx = this.off.getContext("2d");
      if (rounds.length > first && g.cols) {
        const image = ctx.createImageData(g.cols, rounds.length - first), data = image.data;
        let k = 0;
        for (let r = first; r < rounds.length; r++) {
          const states = rounds[r].states;
          for (let c = 0; c < g.cols; c++, k += 4) {
            const pos = m.promptLen + c, s = pos < states.length ? states[pos] : S.absent;
            let colour;
            if (state || s === S.absent) colour = this.palette[s];
            else {
              const v = values[r][pos];
              colour = Number.isNaN(v) ? (s === S.masked || s === S.remasked || s === S.rejected ? this.palette[S.masked] : page) : cividis(flip ? 1 - (v - lo) / (hi - lo) : (v - lo) / (hi - lo));
            }
            const keep = this.filter < 0 || this.filter === s ? 1 : 0.15;
            for (let i = 0; i < 3; i++) data[k + i] = page[i] + (colour[i] - page[i]) * keep;
            data[k + 3] = 255;
          }
        }
        ctx.putImageData(image, 0, first);
      }
      const out = this.canvas.getContext("2d");
      out.setTransform(1, 0, 0, 1, 0, 0);
      out.clearRect(0, 0, this.canvas.width, this.canvas.height);
      out.imageSmoothingEnabled = false;
      out.setTransform(g.dpr, 0, 0, g.dpr, 0, 0);
      if (rounds.length && g.cols) out.drawImage(this.off, 0, 0, g.cols, rounds.length, g.left, g.top, g.cols * g.cw, rounds.length * g.rh);
      this.mapLines(out, g);
      // legend of the map
      this.scale.classList.toggle("um-hide", state);
      this.ramp.classList.toggle("um-flip", flip);
      put(this.scaleLo, num(lo));
      put(this.scaleHi, this.metricName === "entropy" ? Number(hi.toPrecision(2)) + "" : num(hi));
      put(this.scaleText, !state && this.metricName !== "age" && !m.beliefs ? this.w.noMetric : this.w["m_" + this.metricName + "_def"]);
      this.canvas.setAttribute("aria-label", this.say("mapLabel", { metric: this.w["m_" + this.metricName] }));
      if (this.frame) this.markMap(this.frame);
    }

    mapLines(out, g) {
      const m = this.model, n = m.rounds.length, size = m.head.block || 1;
      // Gaps between cells where there is room for them.
      out.fillStyle = "rgb(" + this.pageColour.join(",") + ")";
      if (g.cw >= 6) for (let c = 1; c < g.cols; c++) out.fillRect(g.left + c * g.cw - 1, g.top, 1, n * g.rh);
      if (g.rh >= 6) for (let r = 1; r < n; r++) out.fillRect(g.left, g.top + r * g.rh - 1, g.cols * g.cw, 1);
      if (this.metricName === "state" && g.cw >= 9 && g.rh >= 11) {
        out.font = Math.min(11, g.cw - 1, g.rh - 2) + "px system-ui, sans-serif";
        out.textAlign = "center";
        out.textBaseline = "middle";
        for (let r = 0; r < n; r++) for (let c = 0; c < g.cols; c++) {
          const s = m.rounds[r].states[m.promptLen + c], glyph = s === S.masked ? "" : GLYPH[STATES[s]];
          if (!glyph || (this.filter >= 0 && this.filter !== s)) continue;
          out.fillStyle = this.ink[s];
          out.fillText(glyph, g.left + (c + 0.5) * g.cw - 0.5, g.top + (r + 0.5) * g.rh);
        }
      }
      // Axes: positions on top, rounds on the left, a heavy rule between blocks.
      out.fillStyle = this.textColour;
      out.font = "10px system-ui, sans-serif";
      out.textBaseline = "middle";
      out.textAlign = "right";
      const every = (pixels, least) => { for (const k of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]) if (k * pixels >= least) return k; return 2000; };
      const stepR = every(g.rh, 14), stepC = every(g.cw, 30);
      for (let r = 0; r < n; r++) if (m.rounds[r].n % stepR === 0) out.fillText(String(m.rounds[r].n), g.left - 5, g.top + (r + 0.5) * g.rh);
      out.textAlign = "center";
      for (let c = 0; c < g.cols; c++) if ((m.promptLen + c) % stepC === 0) out.fillText(String(m.promptLen + c), g.left + (c + 0.5) * g.cw, 8);
      // Two dots above each column that differs from the reference.
      const dot = Math.max(1, Math.min(2.5, g.cw / 4));
      for (const pos of m.differing()) for (const x of g.cw >= 4 ? [1 / 3, 2 / 3] : [1 / 2]) out.fillRect(g.left + (pos - m.promptLen + x) * g.cw - dot / 2, g.top - 4, dot, dot);
      if (size > 1 && m.head.attention !== "causal") {
        out.fillStyle = this.lineColour;
        for (let c = 1; c < g.cols; c++) if (m.blockOf(m.promptLen + c) !== m.blockOf(m.promptLen + c - 1)) out.fillRect(g.left + c * g.cw - 1, g.top - 5, 1.5, g.rows * g.rh + 5);
      }
    }

    markMap(frame) {
      const g = this.geometry;
      if (!g || this.mapAll) return;
      const r = frame.index, top = g.top + r * g.rh, place = (node, css) => { for (const k in css) if (node.style[k] !== css[k]) node.style[k] = css[k]; };
      place(this.rowMark, { display: r < 0 ? "none" : "block", transform: `translateY(${top}px)`, height: g.rh + "px", left: g.left + "px", width: g.cols * g.cw + "px" });
      const below = g.top + (r + 1) * g.rh;
      place(this.veil, { transform: `translateY(${below}px)`, height: Math.max(0, g.top + g.rows * g.rh - below) + "px", left: g.left + "px", width: g.cols * g.cw + "px" });
      const c = this.pin - this.model.promptLen;
      place(this.colMark, { display: c < 0 || c >= g.cols ? "none" : "block", transform: `translateX(${g.left + c * g.cw}px)`, width: Math.max(2, g.cw) + "px", top: g.top + "px", height: g.rows * g.rh + "px" });
      if (r >= 0 && g.tall > this.highest()) {
        const above = top < this.mapTop + g.top, under = top + g.rh > this.mapTop + this.highest();
        if (above || under) this.mapBox.scrollTop = this.mapTop = Math.max(0, above ? top - g.top - 20 : top + g.rh - this.highest() + 20);
      }
    }

    highest() { return 360; }

    // ---------------------------------------------------------------------------------------------- hover
    preview(pos, chip, cell) {
      if (!this.model) return;
      if (pos !== this.hover) {
        this.hover = pos;
        if (this.pin < 0) { cancelAnimationFrame(this.previewFrame); this.previewFrame = requestAnimationFrame(() => this.inspect()); }
      }
      if (pos < 0 || (!chip && !cell)) { this.tip.hidden = true; return; }
      const m = this.model, f = this.frame;
      const round = cell ? m.rounds[cell.row] : f.round, touch = cell ? round.touch : f.touch;
      const states = cell ? round.states : f.states, state = pos < states.length ? states[pos] : S.absent, t = touch && touch.get(pos);
      const token = t && t.state === state ? t.token : cell ? this.tokenAfter(pos, round.stop) : f.tokens[pos];
      let text = this.say("tip", { pos, state: this.w[STATES[state]] });
      if (token >= 0 && token !== m.mask) text += " · " + (m.face(token).special ? m.face(token).title : m.quote(token));
      const edit = t && t.edits[t.edits.length - 1], draft = t && t.drafts.find((d) => d.token === t.token);
      if (edit && edit.p > 0) text += " · p " + equals(edit.p);
      else if (draft) text += " · q " + equals(draft.node.q) + (draft.verdict ? ", p " + equals(draft.verdict.p) : "");
      else if (cell && m.beliefs) {
        const v = m.metric("confidence")[cell.row][pos];
        if (!Number.isNaN(v) && state !== S.prompt) text += " · p " + equals(v);
      }
      if (cell) text = this.say("tipRound", { n: round.n }) + " · " + text;
      put(this.tip, text);
      this.tip.hidden = false;
      const box = this.root.getBoundingClientRect(), at = chip ? chip.getBoundingClientRect() : null;
      const x = (at ? at.left : cell.x + 12) - box.left, y = (at ? at.bottom + 6 : cell.y + 16) - box.top;
      this.tip.style.transform = `translate(${Math.round(clamp(x, 4, Math.max(4, box.width - this.tip.offsetWidth - 4)))}px, ${Math.round(y)}px)`;
    }

    tokenAfter(pos, at) {
      const m = this.model;
      let token = pos < m.initial.length ? m.initial[pos] : ABSENT;
      for (const round of m.rounds) {
        if (round.start >= at) break;
        const t = round.touch.get(pos);
        if (t && t.edits.length) token = t.edits[t.edits.length - 1].after;
      }
      return token;
    }

    // ---------------------------------------------------------------------------------------------- inspector
    inspect() {
      const m = this.model, pos = this.pin >= 0 ? this.pin : this.valid(this.hover), box = this.inspector;
      // On a phone what is pinned stays in sight, at the foot of the page.
      this.root.classList.toggle("um-held", this.pin >= 0 || this.node >= 0 || !!this.remark);
      if (pos < 0 && this.node < 0 && !this.remark && !this.hint) {
        if (box.firstChild && box.firstChild.className === "um-nothing") return void put(box.firstChild, this.w.nothing);
        return box.replaceChildren(el("div", "um-nothing", this.w.nothing));
      }
      const out = document.createDocumentFragment(), frame = this.frame;
      if (this.remark || this.hint) this.inspectCell(out);
      if (this.node >= 0) this.inspectNode(out, frame);
      if (pos >= 0) this.inspectPosition(out, frame, pos);
      // The scroll position is remembered by its event: asking for it here would force a layout in every step.
      const scroll = this.inspected === pos ? this.inspectorScroll : 0;
      this.inspected = pos;
      box.replaceChildren(out);
      if (scroll) box.scrollTop = scroll;
    }

    section(out, name) { const s = el("div", "um-section"); if (name) s.append(el("div", "um-caption", name)); out.append(s); return s; }

    unpinCell() {
      this.remark = this.hint = null;
      this.seek(this.at, { node: this.node });
    }

    /** What the open lens says about the cell under the pointer, else about the pinned one. */
    inspectCell(out) {
      const said = this.hint || this.remark, s = this.section(out), head = el("div", "um-inhead");
      s.classList.add("um-cell");
      head.append(el("b", "um-inname", said.title));
      if (this.hint) head.append(el("span", "um-faint", this.w.hoverHint));
      else if (this.cell !== null) {
        const off = attrs(el("button", "um-btn um-icon um-mini", "✕"), { type: "button", "aria-label": this.w.unpinCell, title: this.w.unpinCell });
        off.addEventListener("click", () => this.unpinCell());
        head.append(off);
      }
      s.append(head);
      for (const line of new Set(said.lines)) s.append(el("div", "um-rule", line));
    }

    inspectNode(out, frame) {
      const m = this.model, node = frame.round && frame.round.nodes.get(this.node);
      const s = this.section(out, this.say("node", { id: this.node }));
      if (!node) return void s.append(el("div", "um-rule", this.w.v_pending));
      const fills = node.fills.map(([pos, token]) => pos + " " + m.quote(token)).join(", ");
      s.append(el("div", "um-facts", this.say("nodeFacts", { fills, q: equals(node.q), row: node.row >= 0 ? this.say("nodeRow", { row: node.row }) : this.w.nodeNoRow })));
      s.append(el("div", "um-facts", node.parents.length ? this.say("nodeParents", { parents: node.parents.slice(0, 6).join(", ") }) : this.w.nodeRoot));
      let verdict = null;
      for (const t of frame.touch.values()) for (const d of t.drafts) if (d.node === node) verdict = d.verdict;
      s.append(el("div", "um-rule", this.verdict({ node, token: node.fills.length ? node.fills[0][1] : -1, verdict }, node.fills.length ? node.fills[0][0] : -1)));
    }

    verdict(draft, pos) {
      const v = draft.verdict, m = this.model, token = m.quote(draft.token);
      if (!v) return this.say("r_pending", { token, q: equals(draft.node.q) });
      const values = { token, score: num(v.score), bar: num(v.bar), p: equals(v.p) };
      if (v.outcome === "accepted") return this.say(v.bar === 1 && v.score === 1 ? "r_accepted_same" : "r_accepted", values);
      if (v.outcome === "unreached") return this.say("r_unreached", values);
      const [where, what] = v.choice;
      const yesNo = v.bar === 1 && (v.score === 0 || v.score === 1); // a mere match; the numbers say nothing more
      const score = !yesNo && v.score < v.bar ? this.say("r_score", values) : "";
      if (what >= 0 && where >= 0 && where !== pos) return this.say("r_rejected_pos", { token, pos: where, other: m.quote(what), score });
      if (what >= 0 && what !== draft.token) return this.say("r_rejected_tok", { token, other: m.quote(what), score });
      return this.say("r_rejected", values);
    }

    /** The rule that put this position into its state, as sentences. */
    rules(frame, pos) {
      const m = this.model, state = pos < frame.states.length ? frame.states[pos] : S.absent, t = frame.touch && frame.touch.get(pos), out = [];
      if (state === S.absent) return [this.w.r_absent];
      if (t) {
        const judged = t.drafts.find((d) => d.verdict && d.verdict.outcome === "accepted") || t.drafts.find((d) => d.verdict && d.verdict.outcome === "rejected") || t.drafts[0];
        if (judged) out.push(this.verdict(judged, pos));
        const edit = t.edits[t.edits.length - 1];
        if (edit && edit.why !== "accepted") out.push(this.say("r_" + edit.why, { token: m.quote(edit.after), before: edit.before >= 0 ? m.quote(edit.before) : "", p: equals(edit.p) }));
        if (edit && edit.why === "accepted" && !judged) out.push(this.say("r_unmasked", { token: m.quote(edit.after), p: equals(edit.p) }));
        if (edit && edit.why === "unmasked") {
          let call = null;
          for (let i = frame.round.start; i < Math.min(this.at, frame.round.stop); i++) if (m.events[i].kind === "forward") call = m.events[i];
          const best = frame.round.touch.size === 1 ? this.bestOf(edit, call, frame) : "";
          if (best) out[out.length - 1] = out[out.length - 1].replace(/\.$/, "") + best + ".";
        }
      } else if (state === S.prompt) out.push(this.w.r_prompt);
      else if (state === S.masked) out.push(this.w.r_masked);
      else {
        const past = this.lastEdit(pos, frame.index);
        if (past) out.push(this.say(state === S.tail ? "r_tail" : "r_committed", { round: past.round.n, why: this.w[past.edit.why] }));
      }
      const about = frame.round && (t || state === S.masked) ? frame.round : null;
      if (about) for (let i = about.start; i < Math.min(this.at, about.stop); i++) {
        const e = m.events[i];
        if (e.kind === "decide" && (!e.about || !e.about.length || e.about.includes(pos))) out.push(this.say("r_decide", { what: e.what, choice: e.choice, because: this.because(e) }));
      }
      return [...new Set(out)];
    }

    lastEdit(pos, upto) {
      for (let r = upto; r >= 0; r--) {
        const round = this.model.rounds[r], t = round.touch.get(pos);
        if (t && t.edits.length) return { round, edit: t.edits[t.edits.length - 1] };
      }
      return null;
    }

    inspectPosition(out, frame, pos) {
      const m = this.model, state = pos < frame.states.length ? frame.states[pos] : S.absent, t = frame.touch && frame.touch.get(pos);
      const head = el("div", "um-inhead"), name = el("div", "um-inname");
      name.append(el("b", "", this.say("position", { pos })), el("span", "um-faint", pos < m.promptLen ? this.w.inPrompt : this.say("blockOf", { block: m.blockOf(pos) })));
      head.append(name);
      const mini = (label, text, act) => { const b = attrs(el("button", "um-btn um-icon um-mini", text), { type: "button", "aria-label": label, title: label }); b.addEventListener("click", act); return b; };
      if (this.pin >= 0) head.append(mini(this.w.before, "‹", () => this.neighbour(-1)), mini(this.w.after, "›", () => this.neighbour(1)), mini(this.w.unpin, "✕", () => this.choose(-1)));
      else head.append(el("span", "um-faint", this.w.hoverHint));
      out.append(head);

      const now = this.section(out), line = el("div", "um-now"), swatch = el("span", "um-swatch um-big", "");
      swatch.dataset.s = STATES[state];
      swatch.dataset.g = GLYPH[STATES[state]] || "";
      const token = t && t.state === state && state !== S.remasked ? t.token : frame.tokens[pos];
      line.append(swatch, el("span", "", this.w[STATES[state]]));
      if (token >= 0 && token !== m.mask && state !== S.remasked) {
        const face = m.face(token), shown = el("span", "um-tok", face.special ? face.text : m.quote(token));
        shown.dir = "auto";
        shown.title = "id " + token + (face.bytes || face.special ? " · " + face.title : "");
        line.append(shown);
      }
      now.append(line);
      // What the cell above says already is not said again.
      const said = new Set(Array.from(out.querySelectorAll(".um-rule"), (line) => line.textContent));
      for (const sentence of this.rules(frame, pos)) if (!said.has(sentence)) now.append(el("div", "um-rule", sentence));
      if (m.differing().has(pos)) {
        const ref = m.head.reference, theirs = pos < ref.tokens.length ? m.quote(ref.tokens[pos]) : this.w.b_shorter;
        now.append(el("div", "um-rule um-refhas", this.say("refHas", { name: ref.method || ref.label, theirs })));
      }

      this.inspectBeliefs(out, frame, pos, token);

      if (pos >= m.promptLen) {
        const hist = this.section(out, this.w.history), list = attrs(el("div", "um-history"), { role: "list" });
        for (const h of this.history(pos, frame)) {
          const row = attrs(el("div", "um-hrow"), { role: "listitem" }), dot = el("span", "um-swatch um-small", "");
          dot.dataset.s = STATES[h.state];
          dot.dataset.g = GLYPH[STATES[h.state]] || "";
          row.append(el("span", "um-hround", h.when), dot, el("span", "", h.text));
          list.append(row);
        }
        hist.append(list);
      }
    }

    history(pos, frame) {
      const m = this.model, w = this.w, out = [];
      if (pos < m.initial.length) out.push({ when: w.h_start, state: S.masked, text: w.h_masked });
      for (let r = 0; r <= frame.index; r++) {
        const round = m.rounds[r], t = (r === frame.index ? frame.touch : round.touch).get(pos);
        if (!t) continue;
        const when = this.say("h_round", { n: round.n });
        const draft = t.drafts.find((d) => d.token === t.token) || t.drafts[0];
        let text = "";
        if (draft) {
          text = this.say("h_draft", { token: m.quote(draft.token), q: equals(draft.node.q) }) + " → " + (draft.verdict ? w["h_" + draft.verdict.outcome] : w.h_pending);
          const v = draft.verdict;
          if (v && v.outcome === "rejected" && v.choice[1] >= 0) text += ": " + (v.choice[0] !== pos ? this.say("position", { pos: v.choice[0] }).toLowerCase() + " " : "") + m.quote(v.choice[1]);
        }
        for (const e of t.edits) if (!(draft && e.why === "accepted")) text += (text ? " → " : "") + w[e.why] + (e.after === m.mask ? "" : " " + m.quote(e.after) + " (p " + equals(e.p) + ")");
        out.push({ when, state: t.state, text });
      }
      return out.length > 14 ? out.slice(0, 1).concat(out.slice(-13)) : out;
    }

    inspectBeliefs(out, frame, pos, token) {
      const m = this.model;
      if (pos < m.promptLen) return;
      const s = this.section(out, this.w.beliefs), found = m.beliefAt(pos, this.at);
      if (!found) return void s.append(el("div", "um-faint", this.w.noBeliefs));
      const touch = found.round === frame.round ? frame.touch : found.round.touch;
      const wanted = found.event.role === "draft" ? 0 : m.deciding(found.round, touch, pos), rows = [...new Set(found.rows.map((b) => b[2]))].sort((a, b) => a - b);
      const row = rows.includes(this.userRow) ? this.userRow : rows.includes(wanted) ? wanted : rows[0];
      const [, entropy, , top] = found.rows.find((b) => b[2] === row);
      const from = el("div", "um-from");
      from.append(el("span", "um-faint", this.say("beliefFrom", { round: found.round.n, role: this.w["role_" + found.event.role] || found.event.role, call: found.event.call })));
      if (rows.length > 1) {
        const label = el("label", "um-field"), pick = el("select", "um-select");
        for (const r of rows) { const o = el("option", "", String(r)); o.value = String(r); pick.append(o); }
        pick.value = String(row);
        pick.addEventListener("change", () => { this.userRow = Number(pick.value); this.inspect(); });
        label.append(el("span", "um-fieldname", this.w.row), pick);
        from.append(label);
      }
      s.append(from);
      const bars = el("div", "um-bars");
      let rest = 1;
      for (const [id, p] of top.slice(0, 10)) {
        rest -= p;
        bars.append(this.bar(m.quote(id), p, id === token ? "um-chosen" : ""));
      }
      for (const [, p] of top.slice(10)) rest -= p;
      bars.append(this.bar(this.w.omitted, Math.max(0, rest), "um-omitted"));
      s.append(bars, el("div", "um-faint", this.say("entropy", { h: entropy.toFixed(2) })));
    }

    bar(name, p, cls) {
      const row = el("div", "um-bar " + cls), label = el("span", "um-barname", name), track = el("span", "um-track"), value = el("span", "um-barvalue", prob(p));
      const filled = el("span", "um-barfill");
      filled.style.width = (100 * clamp(p, 0, 1)).toFixed(1) + "%";
      label.dir = "auto";
      label.title = name;
      track.append(filled);
      row.append(label, track, value);
      return row;
    }

    // ---------------------------------------------------------------------------------------------- lenses
    /** Where the reader is: `round` is its number, null before the first; pos, node, cell are null where nothing is pinned. */
    cursor() {
      const m = this.model, index = m ? m.roundAt(this.at) : -1;
      return { run: m ? this.run : null, at: this.at, step: m ? this.stepOf(this.at) : 0, round: index < 0 ? null : m.rounds[index].n,
        pos: this.pin < 0 ? null : this.pin, node: this.node < 0 ? null : this.node, cell: this.cell };
    }

    /** The sentences about a cell go when the cursor does, except those said in the click that moves it. */
    moved(before) {
      if (JSON.stringify(this.cursor()) === before) return;
      this.hint = null;
      if (!this.saidNow) this.remark = null;
    }

    /** What a lens (or a tool, id null) is given. `note(title, lines, hover)`: sentences for the inspector, `hover` while they are
     *  a preview; `note()` ends the preview, or drops the sentences. `words` also fills `{name}` in a sentence of the lens's own. */
    stage(id, box) {
      const player = this;
      return {
        id, box, player, host: this.host, dock: this.dock,
        /** Calls `fn` after each move of the cursor and each change of the view; what it returns ends that. */
        watch(fn) { player.watchers.add(fn); return () => player.watchers.delete(fn); },
        model: () => player.model, cursor: () => player.cursor(), dark: () => player.isDark, refresh: () => player.refresh(),
        words: (key, values) => fill(player.w[key] === undefined ? key : player.w[key], values),
        seek(at, options) { player.stop(); player.seek(at === undefined || at === null ? player.at : at, options); },
        note: (title, lines, hover) => player.remarkOn(title, lines, hover),
        mark: (positions, label, gone) => player.mark(positions, label, gone),
        open: (other) => player.open(player.views.findIndex((v) => v.id === other)),
        /** The view on screen: {view, lens, plot}: what Unmasked.lens made for it, and Plotly's element where Plotly draws. */
        current() {
          const view = player.views[player.lens], made = view.built ? { lens: player.gridLens() } : player.made.get(view.id);
          return { view, lens: (made && made.lens) || null, plot: player.figureEl.hidden || view.built ? null : player.figureEl };
        },
      };
    }

    remarkOn(title, lines, hover) {
      const said = title ? { title: String(title), lines: [].concat(lines || []).map(String) } : null;
      if (hover || (!said && this.hint)) this.hint = said;
      else {
        this.remark = said;
        this.hint = null;
        this.saidNow = true;
        setTimeout(() => { this.saidNow = false; }, 0);
      }
      if (this.model && this.frame) this.inspect();
    }

    /** The lens of a view, made when it is first opened: {box, lens}; lens null where Plotly draws without a script. */
    lensOf(view) {
      let made = this.made.get(view.id);
      if (made) return made;
      const known = LENSES.get(view.id), box = el("div", "um-lens");
      box.dataset.lens = view.id;
      this.lensBoxes.append(box);
      this.made.set(view.id, (made = { box, lens: null }));
      if (known) made.lens = known.make(this.stage(view.id, box));
      else if (view.medium === "script" || view.medium === "page") throw new Error("assets/lenses/" + view.id + ".js");
      return made;
    }

    gridLens() {
      const m = this.model, text = (id) => (id >= 0 ? m.face(id).title : "");
      return {
        csv: () => [["round", "position", "state", "token", "text"]].concat(...m.rounds.map((round) => Array.from(round.states, (s, pos) => {
          const t = round.touch.get(pos), token = t && t.state === s ? t.token : this.tokenAfter(pos, round.stop);
          return [round.n, pos, STATES[s], token, text(token)];
        }).filter((row) => row[2] !== "absent"))),
      };
    }

    open(i) {
      if (!this.views[i]) return false;
      if (this.lens !== i) { this.remark = this.hint = this.cell = null; }
      this.lens = i;
      const view = this.views[i];
      this.tabs.forEach((tab, k) => attrs(tab, { "aria-selected": String(k === i), tabindex: k === i ? "0" : "-1" }));
      const tab = this.tabs[i].getBoundingClientRect(), rail = this.rail.getBoundingClientRect();
      // A narrow page shows only some of the tabs.
      if (tab.left < rail.left || tab.right > rail.right) this.rail.scrollLeft += tab.left < rail.left ? tab.left - rail.left - 8 : tab.right - rail.right + 8;
      this.panel.setAttribute("aria-labelledby", this.tabs[i].id);
      put(this.question, view.question || "");
      this.root.classList.toggle("um-wide", !!view.wide);
      this.gridBox.hidden = !view.built;
      this.figureBox.hidden = !!view.built;
      for (const [id, made] of this.made) made.box.hidden = id !== view.id || this.drawnView !== id;
      if (!this.model) return true;
      if (this.frame) this.inspect();
      if (view.built) { if (this.mapAll) this.layoutMap(); } else this.figure();
      this.tell();
      return true;
    }

    /** A sentence in place of the view. */
    blank(sentence, retry) {
      this.drawn = "";
      this.hide();
      this.note(sentence, retry);
    }

    hide() {
      this.figureEl.hidden = this.answer.hidden = true;
      for (const made of this.made.values()) made.box.hidden = true;
    }

    note(sentence, retry) {
      this.figureNote.replaceChildren(el("span", "", sentence));
      if (retry) {
        const b = attrs(el("button", "um-btn", this.w.retry), { type: "button" });
        b.addEventListener("click", () => this.figure(true));
        this.figureNote.append(b);
      }
      this.figureNote.hidden = !sentence;
    }

    failed(error) {
      console.error(error);
      this.blank(this.say("lensFailed", { error: error && error.message ? error.message : String(error) }), true);
    }

    /** Whether a script draws the open view (it has no Plotly to follow the width of the page). */
    drawnHere() { const medium = this.views[this.lens].medium; return !!this.model && (medium === "script" || medium === "page"); }

    refresh() {
      if (!this.model || this.gone || this.views[this.lens].built) return;
      this.drawn = "";
      this.figure();
    }

    figure(again) {
      const view = this.views[this.lens];
      if (!this.model || view.built) return;
      const missing = this.missing(view);
      if (missing.length) {
        const kinds = missing.map((k) => this.w["k_" + k] || k).join(this.w.or);
        return this.blank(this.liveRun ? this.say("lensEmptyLive", { kinds }) : this.say("lensEmpty", { method: this.model.head.title || this.model.head.method, kinds }));
      }
      if (view.medium !== "page" && !this.host.figure && !this.host.figures) return this.blank(this.w.lensAlone);
      const want = { view: view.id, medium: view.medium || "plotly", at: this.at, run: this.run, dark: this.isDark, live: this.liveRun, key: this.keyOf(view, this.at) };
      if (!again && this.drawn === want.key && this.figureNote.hidden) return this.follows(view);
      this.wanted = want;
      clearTimeout(this.figureTimer);
      if (view.medium === "page") return void this.show(want, {});
      const here = !again && this.recall(want.key);
      if (here) { this.show(want, here); return void this.gather(); }
      if (this.drawnView !== view.id) { this.hide(); this.note(this.w.lensWaiting); }
      this.figureTimer = setTimeout(() => this.ask(), 40);
    }

    /** The cursor moved over what is drawn already. */
    follows(view) {
      const made = this.made.get(view.id), cursor = JSON.stringify(this.cursor());
      if (this.followed === cursor) return;
      this.followed = cursor;
      if (made && made.lens && made.lens.cursor) try { made.lens.cursor(this.cursor()); } catch (error) { this.failed(error); }
    }

    keyOf(view, at) { return [this.run, view.id, at, view.medium === "script" ? "" : this.isDark, this.liveRun ? this.model.events.length : ""].join("|"); }

    recall(key) {
      const kept = this.figures.get(key);
      if (!kept) return null;
      this.figures.delete(key);
      this.figures.set(key, kept);
      return kept.figure;
    }

    keep(key, figure, bytes) {
      if (this.figures.has(key)) this.figureBytes -= this.figures.get(key).bytes;
      this.figures.delete(key);
      this.figures.set(key, { figure, bytes });
      this.figureBytes += bytes;
      for (const [old, kept] of this.figures) {
        if (this.figureBytes <= MOST_BYTES || old === key) break;
        this.figures.delete(old);
        this.figureBytes -= kept.bytes;
      }
    }

    forget() {
      this.figures.clear();
      this.figureBytes = 0;
      this.drawn = "";
    }

    /** Figures of one view at some cursors, kept under `keys`; what the host answers may be text, object or a promise of either. */
    async fetch(want, ats, keys) {
      const bulk = this.host.figures && !want.live, ask = { run: want.run, view: want.view, dark: want.dark };
      let reply = await (bulk ? this.host.figures(Object.assign(ask, { ats })) : this.host.figure(Object.assign(ask, { at: ats[0] })));
      const text = typeof reply === "string" ? reply : null;
      if (text !== null) reply = JSON.parse(text);
      const figures = bulk ? reply && reply.figures : [reply];
      if (!figures || figures.length !== ats.length) throw new Error("no figure");
      figures.forEach((figure, i) => {
        if (!figure || (!figure.data && !figure.payload && !figure.empty)) throw new Error("no figure");
        if (figure.layout && !figure.layout.template && reply.template) figure.layout.template = reply.template;
        this.keep(keys[i], figure, text !== null ? text.length / ats.length : JSON.stringify(figure).length);
      });
      return figures;
    }

    /** Stops of the open view whose figure is not here yet, the nearest first; none while a run is live or the browser draws alone. */
    lacking() {
      const view = this.views[this.lens];
      if (!this.model || view.built || view.medium === "page" || this.liveRun || !this.host.figures || this.missing(view).length) return [];
      return this.stops().filter((at) => !this.figures.has(this.keyOf(view, at))).sort((a, b) => Math.abs(a - this.at) - Math.abs(b - this.at));
    }

    /** Fetches the rest of a finished run a few stops at a time, so that stepping through it asks for nothing. */
    async gather() {
      const job = () => [this.ticket, this.lens, this.isDark].join("|"), mine = job();
      if (this.gathering === mine || this.gaveUp === mine) return;
      this.gathering = mine;
      for (let wait; !this.gone && mine === job() && (wait = this.lacking()).length && this.figureBytes < MOST_BYTES; ) {
        const view = this.views[this.lens], ats = wait.slice(0, CHUNK);
        try {
          await this.fetch({ view: view.id, run: this.run, dark: this.isDark, live: false }, ats, ats.map((at) => this.keyOf(view, at)));
        } catch (error) { this.gaveUp = mine; break; } // the figure at the cursor is asked for on its own, and says what is wrong
      }
      if (this.gathering === mine) this.gathering = "";
    }

    async ask() {
      // One request under way; whatever is wanted when it returns is asked next.
      if (this.asking || this.gone) return;
      const want = this.wanted, ticket = this.ticket;
      this.asking = true;
      let figure = null, failure = null;
      try {
        [figure] = await this.fetch(want, [want.at], [want.key]);
      } catch (error) {
        failure = error;
      }
      this.asking = false;
      if (this.gone || ticket !== this.ticket) return void (this.wanted && this.wanted !== want && this.ask());
      const current = this.views[this.lens].id === want.view;
      if (this.wanted !== want) { if (current && !failure) this.show(want, figure); const here = this.recall(this.wanted.key); return here ? void this.show(this.wanted, here) : this.ask(); }
      if (!current) return;
      if (failure) return this.failed(failure);
      this.show(want, figure);
      this.gather();
    }

    async show(want, figure) {
      const view = this.views[this.lens];
      if (view.id !== want.view) return;
      const empty = figure.empty || (figure.payload && figure.payload.empty);
      if (empty) {
        this.blank(String(empty));
        this.drawnView = want.view;
        return;
      }
      let made;
      try { made = this.lensOf(view); } catch (error) { this.made.delete(view.id); return this.failed(error); }
      for (const [id, other] of this.made) other.box.hidden = id !== view.id;
      if (want.medium === "plotly") return this.showPlotly(want, figure, made.lens);
      this.note("");
      this.figureEl.hidden = this.answer.hidden = true;
      this.drawn = want.key;
      this.drawnView = want.view;
      this.followed = JSON.stringify(this.cursor());
      try { made.lens.show(want.medium === "page" ? null : figure.payload, this.cursor()); } catch (error) { this.failed(error); }
    }

    async showPlotly(want, figure, lens) {
      let plotly;
      try { plotly = await loadPlotly(this.host.plotly); } catch (error) { return this.failed(new Error(this.w.lensNoPlotly)); }
      if (this.gone || this.views[this.lens].id !== want.view || (this.wanted && this.wanted !== want && this.figures.has(this.wanted.key))) return;
      this.note("");
      this.figureEl.hidden = false;
      this.answer.hidden = !figure.alt;
      put(this.answer, figure.alt || "");
      try {
        // Plotly (and a lens) writes into what it is given, so the cached figure is not handed over itself.
        let shown = { data: figure.data.map((trace) => Object.assign({}, trace)), layout: Object.assign({}, figure.layout) };
        if (lens && lens.adapt) shown = lens.adapt(shown, figure.extra) || shown;
        const layout = shown.layout;
        if (layout.uirevision === undefined) layout.uirevision = want.view + "|" + this.run;
        if (layout.height) this.figureEl.style.minHeight = layout.height + "px";
        if (this.drawnView !== want.view && this.bound) { plotly.purge(this.figureEl); this.bound = false; }
        await plotly.react(this.figureEl, shown.data, layout, { responsive: true, displaylogo: false, showSendToCloud: false, modeBarButtonsToRemove: ["sendChartToCloud", "sendDataToCloud", "select2d", "lasso2d", "autoScale2d"] });
        this.drawn = want.key;
        this.drawnView = want.view;
        this.followed = JSON.stringify(this.cursor());
        // Not an img: that hides Plotly's buttons from a screen reader while the keyboard still stops at them.
        attrs(this.figureEl, { role: "figure", "aria-label": figure.alt || this.views[this.lens].title });
        if (lens && lens.show) lens.show(figure.extra, this.cursor());
      } catch (error) {
        return this.failed(error);
      }
      if (!this.bound && this.figureEl.on) {
        this.bound = true;
        this.figureEl.on("plotly_click", (e) => this.picked(e));
      }
    }

    picked(e) {
      const point = e && e.points && e.points[0], made = this.made.get(this.views[this.lens].id);
      if (!point) return;
      if (made && made.lens && made.lens.pick && made.lens.pick(point)) return;
      if (point.customdata === undefined || point.customdata === null) return;
      const data = point.customdata, [at, pos, node] = Array.isArray(data) || ArrayBuffer.isView(data) ? Array.from(data) : [data.at, data.pos, data.node];
      const options = {}, given = (x) => x !== undefined && x !== null && Number.isFinite(Number(x)) && Number(x) >= 0;
      if (given(pos)) options.pos = Number(pos);
      if (given(node)) options.node = Number(node);
      this.stop();
      this.seek(given(at) ? Number(at) : this.at, options);
    }

    // ---------------------------------------------------------------------------------------------- the rest
    help(open) {
      const show = open === undefined ? this.drawer.hidden : open;
      if (show === !this.drawer.hidden) return;
      this.drawer.hidden = !show;
      if (show) this.drawTries();
      if (show) { this.before = document.activeElement; this.bClose.focus(); } else if (this.before && this.before.isConnected) this.before.focus();
    }

    state() {
      const m = this.model;
      if (!m) return { run: null, at: 0, step: 0, steps: 0, pos: null, node: null, cell: null, lens: this.views[this.lens].id, text: "", tokens: [], counts: {}, live: false, playing: false };
      const frame = m.frame(this.at), counts = {}, tokens = m.canvasAt(this.at);
      for (const s of frame.states) if (s !== S.absent) counts[STATES[s]] = (counts[STATES[s]] || 0) + 1;
      const step = this.stepOf(this.at), steps = this.stops().length - 1;
      return {
        run: this.run, at: this.at, events: m.events.length, step, steps, unit: this.unit, round: frame.round ? frame.round.n : null, block: frame.round ? frame.round.block : null,
        pos: this.pin < 0 ? null : this.pin, node: this.node < 0 ? null : this.node, cell: this.cell, lens: this.views[this.lens].id, marks: this.marks && { positions: [...this.marks.set].sort((a, b) => a - b), label: this.marks.label }, playing: this.playing, live: this.liveRun, follow: this.follow,
        tokens, text: m.decode(m.ids(tokens)), states: Array.from(frame.states, (s) => STATES[s]), counts, numbers: m.numbers(this.at), finish: m.finish,
        badge: { kind: this.badgeKind, text: this.badge.textContent }, status: this.status.textContent, dark: this.isDark, lacking: this.lacking().length,
      };
    }

    destroy() {
      this.gone = true;
      this.stop();
      for (const off of this.offs) off();
      for (const { lens } of this.made.values()) if (lens && lens.destroy) lens.destroy();
      this.resizer.disconnect();
      this.watcher.disconnect();
      for (const t of [this.aloudTimer, this.tellTimer, this.figureTimer, this.pendingTimer]) clearTimeout(t);
      cancelAnimationFrame(this.pending);
      cancelAnimationFrame(this.previewFrame);
      if (this.bound && window.UnmaskedPlotly) window.UnmaskedPlotly.purge(this.figureEl);
      const i = players.indexOf(this);
      if (i >= 0) players.splice(i, 1);
      this.root.replaceChildren();
      delete this.root.unmasked;
    }
  }

  let plotlyPromise = null;
  /** `url`: where Plotly's script is, or a function that runs it itself. */
  function loadPlotly(url) {
    if (window.UnmaskedPlotly) return Promise.resolve(window.UnmaskedPlotly);
    if (!url) {
      if (window.Plotly) return Promise.resolve((window.UnmaskedPlotly = window.Plotly));
      return Promise.reject(new Error("no plotly"));
    }
    if (plotlyPromise) return plotlyPromise;
    plotlyPromise = typeof url === "function" ? Promise.resolve(url()).then(() => (window.UnmaskedPlotly = window.Plotly)) : new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => { window.UnmaskedPlotly ??= window.Plotly; if (window.UnmaskedPlotly) resolve(window.UnmaskedPlotly); else reject(new Error("no plotly")); };
      script.onerror = () => { script.remove(); reject(new Error("no plotly")); };
      document.head.append(script);
    }).catch((error) => { plotlyPromise = null; throw error; });
    return plotlyPromise;
  }

  function mount(root, host) {
    if (root.unmasked) root.unmasked.destroy();
    const player = new Player(root, host), api = { root };
    for (const name of ["load", "begin", "push", "finish", "notice", "stale", "seek", "restore", "state", "destroy"]) api[name] = (...args) => player[name](...args);
    api.current = () => player.stage(null, null).current();
    api.open = (id) => { const i = player.views.findIndex((v) => v.id === id); return i >= 0 && player.open(i); };
    root.unmasked = api;
    return api;
  }

  /** The script of a view: `make(stage)` is called when it is first opened and returns
   *    show(payload, cursor): draw into stage.box; where Plotly draws, called after each figure with what `data` gave;
   *    cursor(cursor), adapt(figure, extra), pick(point), csv(), figure(), destroy(): each optional;
   *    translated(noted): the language has changed, say what stands for good again, and with `noted` the note on a cell (`show` follows where
   *    the view is open); without it the lens is made anew.
   *  With `spec` {title, question, order, needs} it is a view of its own, without Python: its payload is null; one that is
   *  `wide` is about no position and takes the inspector's place too. */
  function lens(id, make, spec) { LENSES.set(id, { make, spec }); }

  /** `make({bar, stage})` puts buttons to the right of the lens tabs; it may return {translated()}, called when the language has changed. */
  function tool(make) { TOOLS.push(make); }

  words("player", WORDS);
  window.Unmasked = { mount, lens, tool, opening, words, translate, language, languages, settle, speak, tables: () => Object.fromEntries(TABLES), kit: { el, attrs, svg, put, fill, prob, num, duration, ratio, STATES, GLYPH } };
})();
