/* Eight lessons on recorded runs: predict, run, check, explain, change one thing.
 *
 * A lesson lives in the dock above the views (`School`, one for each player); the view "Lessons" lists them and prints them.
 * No result is written here: `facts` counts it from the events of the recorded runs, and a page is done when the reader has
 * done its task on the run on screen. The sentences of page i of lesson ID are ID + i (what it says), ID + i + "_do" (the
 * task) and ID + i + "_after" (said when it is done); those of a question are its id + "_q", "_w" (a wrong answer: where to
 * look) and "_r" (the right one). In a sentence `[accepted:kept]` is the word "kept" in colour and glyph of a state.
 */
(function () {
  "use strict";
  const { el, attrs, svg, put, num, prob, duration, STATES, GLYPH } = Unmasked.kit;

  const WORDS = {
    title: "Lessons", question: "How does decoding work? Eight short lessons on recorded runs.",
    intro: "Predict, run it, check, read why, change one thing. Every number is counted from the recorded run that you see; nothing is computed on a server.",
    able: "Afterwards: {goal}", minutes: "{n} min", done: "done", start: "Start", goOn: "Continue on page {n}", again: "Again", sheet: "Worksheet",
    alone: "The lessons need several recorded runs, and this page holds only one. Open them in the explorer.",
    loading: "Fetching the recorded runs …", missing: "The recorded runs of this lesson could not be read here: {error}",
    keys: "Lesson keys: Enter goes on when a page is done, G goes to the place to look at, B comes back to the lesson, Esc leaves. Space and arrows belong to the run.",
    teacher: "Teacher mode", lock: "Step lock", hide: "Hide answers", key: "Answer key on the worksheet",
    teacher_d: "Larger type, and a link with QR code on each page.", lock_d: "Nobody goes on before R is pressed.", hide_d: "Answers are blanks until A is pressed.", key_d: "A last page with the answers.",
    lesson: "Lesson {n}: {title}", page: "page {n} of {of}", pages: "Pages of this lesson", back: "Back", next: "Next", finish: "Finish", leave: "Leave the lesson (Esc)",
    predict: "Predict", run: "Run it", check: "Check", explain: "Explain", change: "Change one thing", open: "Open it",
    guess: "That is my guess", answer: "Check my answer", noted: "Noted: {said}. Now see what happens.", whole: "A whole number from {min} to {max}, please.", choose: "Choose one of them first.",
    goThere: "Go there (G)", showAnswer: "Show the answer", showMe: "Show me", shown: "{right}. You said {said}: look at {place}.", shownNowhere: "{right}. You said {said}.", shownOnly: "{right}.", position: "position {pos}", step: "step {step}",
    elsewhere: "Another run is on screen.", bring: "Back to this lesson's run (G)", complete: "Done.", locked: "Done. The teacher opens the next page.", release: "Open the next page (R)", reveal: "Show the answers (A)",
    link: "Link to this page", qr: "QR code (Q)", qrLabel: "QR code of the link to this page", qrAway: "No QR code here: {error}", live: "Try it live: put these settings into the controls",
    blank: "answer hidden",
    print: "Print", shut: "Close", sheetOf: "Worksheet", name: "Name", date: "Date", answers: "Answer key", before: "Before the step (▢ is a mask)", after: "After it", madeFrom: "Recorded run: {title}, {model}, prompt “{prompt}”.",
    guessed: "guessed in the first call", finished: "in the finished text", t_run: "run", t_calls: "forward calls", t_cost: "rows × tokens", t_agree: "agreement",

    order_t: "One after another, or all over the place?", order_goal: "I can say in which order an autoregressive and a masked diffusion model write, and why.",
    order1: "This run shows a masked diffusion model. The answer begins as {canvas} masks ([masked:masked]), filled in blocks of {masks}. Each step is one call of the model, and each step turns one mask into a token ([unmasked:unmasked]).\nAn autoregressive model would always fill the leftmost free position.",
    order1_do: "Before you step: guess.", order_q: "Of the first {n} tokens that this run writes, how many go to the leftmost free position?",
    order_w: "You said {said}. Look at position {pos}, written in step {step}: position {left} was still free, further left. Step through the first {n} tokens and count those that had no mask to their left.",
    order_r: "{right} of {n}: the run wrote at {list}, while the leftmost free position was {left}.",
    order2: "Now look. Press → and see where each new token ([unmasked:unmasked]) appears; the status line names the position.", order2_do: "Step until {n} tokens are written.", order2_after: "Watch the positions: {list}.",
    order4: "In each call the model guesses at every mask of the block at once, reading left and right of it. This run keeps the guess the model is surest of: first {token} at position {first}, with p {p}, the best of {masks}.\nIt began with the end of the text, because the end is easy to foresee. So “next” means “surest”, not “leftmost”.",
    order5: "Now the model. This one is autoregressive and reads only what stands to the left; the prompt is the same.", order5_do: "Step to the end of this run (End goes there at once).",
    order5_after: "{arLeft} of its {arAll} tokens went to the leftmost free position. It needed {arCalls} calls for {arAll} tokens; the diffusion run {calls} calls for {all}. One token a call in both: another order alone saves nothing.",

    remask_t: "What is remasking, really?", remask_goal: "I can tell “keep the surest” from taking a token back.",
    remask1: "The rule of this run is called “low-confidence remasking”. It sounds as if tokens ([unmasked:unmasked]) were turned back into masks ([remasked:remasked]).", remask1_do: "What will this run do?",
    remask_q: "How many of the {all} written tokens will this run turn back into masks?",
    remask_w: "You said {said}. Look at position {kept}, the first of the text that was written: it is still there at the end. Go through the run and watch for ↺, the sign of a token that was taken back.",
    remask_r: "{right}: the run wrote {all} tokens, and {right} of them became masks again.",
    remask2: "Watch for ↺ ([remasked:remasked]). Space plays the run, the arrows step.", remask2_do: "Go to the end of the run.", remask2_after: "Position {pos}, written first, still holds {first}.",
    remask4: "In step 1 the call guessed at the {masks} masks of its block. The surest guess, {first} with p {p}, was kept. The other {rest} guesses were dropped: their positions were masks before and stayed masks.\nSo “remask the least sure” and “keep the surest” are one decision, told from two sides. No [committed:committed] token ever went back.",
    remask5: "This run uses another method, WINO. It writes boldly, and every call also checks what stands there already. {filled} tokens are written so far.", remask5_do: "Guess before you step.",
    wino_q: "How many of these {filled} tokens will step {step} take back?",
    wino_w: "You said {said}. Look at position {pos}: in step {step} it lost {before}. Count the ↺ in this step; the legend counts them too.",
    wino_r: "{right}: step {step} took back {list}.",
    remask6: "One step now.", remask6_do: "Press → once.", remask6_after: "The tokens with ↺ ([remasked:remasked]) are masks again.",
    remask8: "Now the position. Pick one that was taken back in this step (J and K move, a click works too) and step on until it is filled again.", remask8_do: "Pin such a position and step until it holds a token again.",
    remask8_after: "At position {pos} {before} gave way to {again}: a second guess, made with more of the text in place, and not always the better one. Taking back costs calls: {takenAll} times in this run.",

    draft_t: "One call, many guesses: the draft", draft_goal: "I can say where a draft comes from and why it must be checked.",
    draft1: "One call is over, the first. It read all {length} positions, and it guessed at all {n} masks of the first block ([masked:masked]) at once. This run will keep one guess and drop the rest.", draft1_do: "How good are the guesses that it drops?",
    draft_q: "How many of the {n} guesses of this one call stand in the finished text?",
    draft_w: "You said {said}. Look at position {pos}: the first call guessed {guess}, and the finished text has {final}. Below, the guesses stand over the finished text; count the columns that agree.",
    draft_r: "{right} of {n} guesses of the first call were what the run wrote in the end, after {calls} calls.",
    draft2: "Run it to the end, so that the finished text is there.", draft2_do: "Go to the end (End goes there at once).", draft2_after: "Here is what the first call had guessed, over the finished text.",
    draft4: "{right} of {n} were right after a single call. Keeping them all at once would be fast, and wrong at {wrongs}: {guess} instead of {final} at position {pos}.\nSo a fast decoder calls such guesses a draft ([drafted:drafted]) and checks them before it keeps them.",
    draft5: "Here a method drafts: SSD takes the {k} surest guesses of its last call. A “{beatName}” is smaller than a step: the draft, the call that checks it, the verdict, the new text.", draft5_do: "Set “{unitName}” to “{beatName}”, and step until drafted tokens ([drafted:drafted]) wait for their verdict.",
    draft5_after: "{drafts} wait. They cost nothing: the call before had guessed them anyway.",
    draft6: "Now the text. A story leaves more open than a sum. Below are the guesses of the first call for this story.", draft6_do: "Pin a position where the first guess was not kept (J and K move).",
    draft6_after: "Only {foxRight} of {foxN} first guesses stand in this story, {right} of {n} did in the sum. How much a draft is worth depends on the text.",

    tree_t: "Verify in one pass: the tree", tree_goal: "I can say what one verifying call checks, what it costs, and why drafts behind a rejected one are lost.",
    tree1: "SSD has put {drafts} tokens forward ([drafted:drafted]), in this order: {list}. One call will now check all of them. Each builds on those before it.", tree1_do: "Guess before you step.",
    tree_q: "How many of these {drafts} drafts will the model keep?",
    tree_w: "You said {said}: look at position {pos} in step {step}. Its draft was the first to be turned down, and nothing behind it could be kept. Count the ✓ before it.",
    tree_r: "{right} of {drafts} were kept.",
    tree2: "One step: the check.", tree2_do: "Press → once.", tree2_after: "✓ is [accepted:accepted], ✕ [rejected:rejected], · [unreached:not reached], ★ a [bonus:bonus].",
    tree4: "The call had {rows} rows of {length} tokens: row 0 is the text as it was, and each further row fills in one draft more. So it sees what the model would say after each of them. A draft is kept if the model, one draft earlier, would itself have filled this position with this token next.\n{whyNot} The call also gave a token on top: {bonus} at position {bonusPos} ([bonus:bonus]), its own next choice.",
    tree4_no: "At position {pos} it would not: it wanted to fill position {other} first.", tree4_no2: "At position {pos} it would not: it wanted {other}.",
    tree5: "The verification tree draws this check: a line from draft to draft, with the verdicts.", tree5_do: "Open the view “{v_tree}” (its number key stands on the tab).", tree5_after: "Here the tree is a chain: each draft has one child.",
    tree6: "Now the shape. The same step of the same text, with second choices besides the best ones: a tree of {nodes2} hypotheses.", tree6_do: "Pin a [rejected:rejected] hypothesis: in the tree, or with J and K.",
    tree6_after: "{nodes2} hypotheses in {rows2} rows: {cost2} tokens processed instead of {cost}. Kept: {kept2}; the chain kept {right}. More guesses are worth their price only if the second choices win.",

    path_t: "Why a two-way draft needs a one-way path", path_goal: "I can say what a causal path search does, and that it can be wrong.",
    path1: "DiffuSpec lets a diffusion model draft for an autoregressive one. The drafter guesses each position by itself, reading both sides; the verifier reads from left to right.\nFor position {pos} the drafter's first choice was {local} (p {pLocal}); {path} had p {pPath}. A path search through such candidates picked the token of the draft.", path1_do: "Guess before you step.",
    path_q: "Which token will stand at position {pos} in the finished text?", path_local: "{local}, the drafter's first choice", path_path: "{path}, the choice of the path search", path_other: "another one",
    path_w: "You said {said}. Look at position {pos} in step {step}: the verifier read everything to its left, and that decided. What did it keep?",
    path_r: "{right}. The verifier gives it p {pVerify}.",
    path2: "The lattice shows the candidates, position by position, and the path through them.", path2_do: "Press → until the verifier has judged.", path2_after: "Where the path leaves the locally best tokens, the lattice marks it.",
    path4: "Two tokens can both be likely, and still not fit side by side: the drafter never saw which neighbour would be kept. The path search adds up what fits from left to right, as the verifier will read it.\nWhat does not fit is [rejected:rejected], and everything behind it is [unreached:not reached]. In this run the path left the first choice at {changed} positions.",
    path5: "Now the position. The search can also be wrong. At one other position its token was not the first choice either.", path5_do: "Go to step {lostStep} and pin position {lost}.",
    path5_after: "Here the search preferred {lostPath} to {lostLocal}, and the verifier wanted {lostFinal}. It was [rejected:rejected], and {behind} drafts behind it were lost with it.",

    masks_t: "Masks: who may see whom", masks_goal: "I can say how far a position sees in a causal, a block and a full mask, and what that means for checking drafts.",
    masks1: "This model works in blocks of {block} positions: inside a block it reads both ways, and later blocks it never sees. This call feeds positions {from} to {to}, the ones before are cached. A position that asks is a query.", masks1_do: "Guess before you look.",
    masks_q: "Up to which position may the query at position {q} see?",
    masks_w: "You said {said}. Look at the row of position {q} in the view “{v_mask}”: go right to the last open cell. Its block ends there.",
    masks_r: "Up to {right}, the end of its block.",
    masks2: "The view “{v_mask}” shows a row for each query and a column for each key; an open cell may be seen.", masks2_do: "Open the view “{v_mask}” and pin a cell or a row (in the picture: Enter, or R for the row).", masks2_after: "The sentence beside it names the rule that opens or closes it.",
    masks4: "A block mask lets position {q} see {ahead} positions to its right, masks and tokens alike: so it can fill them in any order. A causal mask lets it see none, a full mask the whole canvas.\nThe mask also fixes what can be stored: what no later token may change is computed once and cached.",
    masks5: "Now the mask. Here an autoregressive model checks {drafts} drafts ([drafted:drafted]) of a small one in a single call, fed as positions {from2} to {to2}, one row.", masks5_do: "The same question for this call.",
    causal_q: "Up to which position may the query at position {q2} see?",
    causal_w: "You said {said}. This model is causal: look at the row of position {q2} in the view “{v_mask}”, in the call “verify”. Where does it end?",
    causal_r: "Up to {right}: to itself, and no further.",
    masks5_after: "No draft sees those behind it, so one row of {length2} tokens tests all {drafts} at once. SSD's model has a full mask: there each draft needs a row of its own, {ssdRows} rows of {ssdLength} tokens.",

    speed_t: "Rate is not probability is not speed-up", speed_goal: "I can say why speculation may need fewer calls and still be slower.",
    speed1: "SSD writes the text of the reference decoder, token for token, in {calls} calls instead of {refCalls}. Each of its calls checks up to {rows} rows at once.", speed1_do: "Guess before you run it.",
    speed_q: "Measured in seconds inside the model, on this machine: is SSD faster than the reference decoder?", faster: "faster", same: "about the same", slower: "slower",
    speed_w: "You said {said}. Look at the costs at the end: {time} of model time. The reference decoder needed {refTime}.",
    speed_r: "It is {right}: {time} against {refTime}.",
    speed2: "Run it, and look at the tiles below this box: forward calls, rows × tokens, model time.", speed2_do: "Go to the end of the run.", speed2_after: "{calls} calls and {cost} rows × tokens; the reference had {refCalls} and {refCost}.",
    speed4: "Fewer calls, but larger ones: {cost} token positions instead of {refCost}. On this machine ({machine}) a checking call took {factor} times as long as a call of one row, so what was saved in calls was paid in rows. On a graphics card with room to spare more rows may cost little; there it has to be measured again.\nSo: always ask for calls, rows × tokens and seconds, and on which machine.",
    speed5: "Two numbers are often mixed up. The rate counts all drafts, also those not reached ([unreached:not reached]): {accepted} of {judged}, {rate} %. The chance of a draft that is reached counts only those that were reached.", speed5_do: "Open the view “{v_heatmap}”: a sentence below the picture or above it says it in percent.",
    chance_q: "How many percent of the drafts that were reached were accepted?",
    chance_w: "You said {said}. Reached means [accepted:accepted] or [rejected:rejected]: in this run {accepted} and {rejected}. The view “{v_heatmap}” says it in percent.",
    chance_r: "{right} %: {accepted} of {reached}. The rate was {rate} %.",
    speed6: "Now the drafter. Here a small model drafts and a larger one checks, in one row. Together they make {calls2} calls; the reference decoder, one token per call, {refCalls2}.", speed6_do: "Guess, and then see what was measured.",
    small_q: "More calls than the reference. Is it faster in seconds?",
    small_w: "You said {said}. Look at the costs at the end: {time2}; the reference needed {refTime2}. {drafterCalls} of the calls are the small model's.",
    small_r: "It is {right}: {time2} against {refTime2}.",
    speed6_after: "{drafterCalls} of the {calls2} calls are the small model's, and together they took {drafterTime}. Calls of different models are not one currency.",

    knobs_t: "Tune it: threshold and block", knobs_goal: "I can read a Pareto front and say what a threshold trades for what.",
    knobs1: "Stepwise decoding of this story takes {refCalls} calls, one for each of {all} positions. This run keeps every guess with p above a threshold of {threshold}, several in a call.", knobs1_do: "Guess before you run it.",
    knobs_q: "How many calls will it need? (Near enough counts.)",
    knobs_w: "You said {said}. Look at “forward calls” at the end of the run, or count its steps: each step is one call.",
    knobs_r: "{right} calls, {tpf} positions filled per call.",
    knobs2: "Run it and watch how many tokens ([unmasked:unmasked]) come at once.", knobs2_do: "Go to the end of the run.", knobs2_after: "The most in one step: {most}, in step {mostStep}.",
    knobs4: "Where the text is easy, many guesses pass the threshold together; where it is hard, none does, and only the best is taken. The block of {block} positions is the second knob: nothing behind it is filled before it is full.\nWhat is kept at once was guessed without knowing its neighbours. That may cost quality.", knobs4_do: "Guess before you compare.",
    match_q: "How much of the text will differ from stepwise decoding?", m_none: "nothing", m_some: "up to half of the positions", m_most: "more than half",
    match_w: "You said {said}. Look at position {pos}, the first that differs; dots mark all of them, and the legend counts them.",
    match_r: "{right}: {differ} of {all}.",
    knobs5: "The legend has an entry for what differs from the reference.", knobs5_do: "Pin a position that differs (the entry in the legend goes to the first).", knobs5_after: "Here stepwise decoding has {theirs}, and this run {ours}. Read the sentence around it.",
    knobs7: "Three ways to write this story. A run is dominated if another one is at least as good in both columns that you compare, and better in one. What nobody dominates is the Pareto front.\nBy calls and agreement nobody is dominated here. Agreement says how near a text is to that of stepwise decoding, not how good it is.", knobs7_do: "Now take another cost.",
    knobs7b: "Three ways to write this story. A run is dominated if another one is at least as good in both columns that you compare, and better in one. What nobody dominates is the Pareto front.\nAgreement says how near a text is to that of stepwise decoding, not how good it is.",
    front_q: "By rows × tokens and agreement: which run is dominated?", f_none: "none of them",
    front_w: "You said {said}. Compare in the table: for each run, look for another with fewer rows × tokens and more agreement.",
    front_r: "{right}.",
    knobs8: "Now the method. WINO also writes several tokens per call, and takes some back ([remasked:remasked]). Its text agrees less with stepwise decoding; read it and judge for yourself.", knobs8_do: "Go to the end of this run.", knobs8_after: "{winoCalls} calls, {winoCost} rows × tokens, {winoAgree} % agreement. A number for quality has to be chosen; a front shows what each choice costs.",
    knobs9: "The view “{v_tune}” draws such a front for many settings of threshold and block, measured on several prompts.", knobs9_do: "Open the view “{v_tune}”.", knobs9_after: "Pick a point on the front: its settings go into the controls.",
  };
  const say = Unmasked.words("lessons", WORDS);
  const STORE = "unmasked-lessons";

  // ------------------------------------------------------------------------------------------------ counting
  /** Every token that was written: {pos, token, before, p, why, at: events seen then, stop: end of its step, step}, in order. */
  function writes(m) {
    const out = [];
    m.rounds.forEach((round, i) => {
      for (let k = round.start; k < round.stop; k++) if (m.events[k].kind === "commit") for (const e of m.events[k].edits) out.push(Object.assign({ at: k + 1, stop: round.stop, step: i + 1 }, e, { token: e.after }));
    });
    return out;
  }
  const forwards = (m) => m.events.map((e, i) => Object.assign({ at: i + 1, rows: e.batch || 1 }, e)).filter((e) => e.kind === "forward");
  const sum = (list, of) => list.reduce((total, x) => total + of(x), 0);
  const seconds = (m, model) => sum(forwards(m).filter((e) => !model || e.model === model), (e) => e.seconds || 0);
  const cost = (e) => e.rows * e.length;
  const percent = (a, b) => Math.round((100 * a) / b);
  const fates = (round) => [...(round.fates || new Map()).values()];
  const find = (m, of) => m.rounds.findIndex((round) => of(round));
  const event = (m, round, kind) => m.events.slice(round.start, round.stop).find((e) => e.kind === kind);
  const after = (m, round, kind) => { for (let i = round.start; i < round.stop; i++) if (m.events[i].kind === kind) return i + 1; return round.stop; };
  const tokenAt = (m, pos) => m.tokens[pos];
  const end = (m) => m.events.length;

  /** For each written token, the leftmost position that was free then; `is`: it was this one. */
  function leftmost(m) {
    const free = new Set();
    m.initial.forEach((t, pos) => { if (t === m.mask) free.add(pos); });
    return writes(m).filter((w) => w.token !== m.mask).map((w) => {
      const left = Math.min(w.pos, ...free);
      free.delete(w.pos);
      return Object.assign(w, { left, is: left === w.pos });
    });
  }

  /** The first call's best guess at each mask: {pos, guess, final, right}. */
  function firstGuesses(m) {
    const call = forwards(m)[0];
    return call.beliefs.map(([pos, , , top]) => ({ pos, guess: top[0][0], final: tokenAt(m, pos), right: top[0][0] === tokenAt(m, pos) })).sort((a, b) => a.pos - b.pos);
  }

  /** The last canvas position that the query at `pos` may see in a call that feeds a row of neighbours. */
  function reach(m, call, pos) {
    const last = (call.start || 0) + call.length - 1, [kind, block] = (m.head.attentions || {})[call.model] || [m.head.attention, m.head.block];
    if (call.sees && call.sees.length) return Math.max(...call.sees[pos - (call.start || 0)].map((span) => span[1])) - 1;
    return kind === "causal" ? pos : kind === "block" ? Math.min(last, (Math.floor(pos / block) + 1) * block - 1) : last;
  }

  /** Drafts of each round where the path of the search is not the drafter's first choice. */
  function turns(m) {
    const out = [];
    m.rounds.forEach((round, i) => {
      const call = m.events.slice(round.start, round.stop).find((e) => e.kind === "forward" && e.role === "draft"), beliefs = new Map((call ? call.beliefs : []).map((b) => [b[0], b[3]]));
      for (const node of round.nodes.values()) for (const [pos, token] of node.fills) {
        const top = beliefs.get(pos);
        if (!top || top[0][0] === token) continue;
        const judged = event(m, round, "judge"), verdict = judged && judged.verdicts.find((v) => v.node === node.id);
        out.push({ pos, token, local: top[0][0], pLocal: top[0][1], pPath: (top.find((c) => c[0] === token) || [0, 0])[1], verdict, round, step: i + 1 });
      }
    });
    return out;
  }

  const compare = (a, b) => (Math.abs(a / b - 1) < 0.05 ? "same" : a < b ? "faster" : "slower");

  // ------------------------------------------------------------------------------------------------ the lessons
  /* `facts(models)`: what the sentences are filled with, and what pages look at. Pages: `run`: which of the runs; `on`, `show`: where
   * the cursor goes when it opens and when the reader asks to be shown; `done(f, c)`: c is the cursor {at, pos, node, cell, lens,
   * unit, step, states}. A question: {type, min, max, near, options, answer, look, values}. */
  const LESSONS = [
    {
      id: "order", minutes: 5, runs: ["stepwise-apples", "ar-apples"],
      facts([m, ar]) {
        const N = 8, all = leftmost(m), first = all.slice(0, N), off = first.find((w) => !w.is) || first[0], arAll = leftmost(ar);
        return { n: N, canvas: m.initial.filter((t) => t === m.mask).length, masks: m.initial.filter((t, pos) => t === m.mask && m.blockOf(pos) === m.blockOf(first[0].pos)).length, right: first.filter((w) => w.is).length, list: first.map((w) => w.pos).join(", "), pos: off.pos, left: off.left, step: off.step, look: off, nth: first[N - 1].stop,
          first: first[0].pos, token: m.quote(first[0].token), p: prob(first[0].p), all: all.length, calls: m.totals.calls, arAll: arAll.length, arLeft: arAll.filter((w) => w.is).length, arCalls: ar.totals.calls, arEnd: end(ar) };
      },
      asks: { order: { type: "number", min: () => 0, max: (f) => f.n, answer: (f) => f.right, look: (f) => ({ at: f.look.stop, pos: f.look.pos, lens: "grid" }) } },
      pages: [
        { kind: "predict", run: 0, ask: "order", on: () => ({ at: 0, pos: null, lens: "grid" }) },
        { kind: "run", run: 0, on: () => ({ at: 0, lens: "grid" }), done: (f, c) => c.at >= f.nth, show: (f) => ({ at: f.nth }) },
        { kind: "check", run: 0, ask: "order" },
        { kind: "explain", run: 0 },
        { kind: "change", run: 1, on: () => ({ at: 0, pos: null, lens: "grid" }), done: (f, c) => c.at >= f.arEnd, show: (f) => ({ at: f.arEnd }) },
      ],
    },
    {
      id: "remask", minutes: 6, runs: ["stepwise-apples", "story-fox-wino"],
      facts([m, w]) {
        const all = writes(m), wrote = all.filter((e) => e.token !== m.mask), call = forwards(m)[0], taken = writes(w).filter((e) => e.why === "remasked");
        const round = w.rounds[find(w, (r) => r.start <= taken[0].at - 1 && taken[0].at - 1 < r.stop)], here = taken.filter((e) => e.stop === round.stop), base = w.tokensAt(round.start);
        const filled = base.filter((t, pos) => pos >= w.promptLen && t !== w.mask && t >= 0).length;
        const again = here.map((e) => ({ pos: e.pos, before: w.quote(e.before), refilled: writes(w).find((x) => x.pos === e.pos && x.at > e.at && x.token !== w.mask) }));
        const kept = wrote.find((e) => e.pos < m.firstEos(m.tokens)) || wrote[0];
        return { all: wrote.length, right: all.length - wrote.length, kept: kept.pos, pos: wrote[0].pos, first: m.quote(wrote[0].token), p: prob(wrote[0].p), masks: call.beliefs.length, rest: call.beliefs.length - wrote.filter((e) => e.step === 1).length, last: end(m),
          filled, step: here[0].step, at: round.start, stop: round.stop, taken: here.length, list: here.map((e) => w.quote(e.before)).join(", "), again, takenAll: taken.length };
      },
      asks: {
        remask: { type: "number", min: () => 0, max: (f) => f.all, answer: (f) => f.right, look: (f) => ({ at: f.last, pos: f.kept, lens: "grid" }) },
        wino: { type: "number", min: () => 0, max: (f) => f.filled, answer: (f) => f.taken, look: (f) => ({ at: f.stop, pos: f.again[0].pos, lens: "grid" }), values: (f) => ({ pos: f.again[0].pos, before: f.again[0].before }) },
      },
      pages: [
        { kind: "predict", run: 0, ask: "remask", on: () => ({ at: 0, pos: null, lens: "grid" }) },
        { kind: "run", run: 0, on: () => ({ at: 0, lens: "grid" }), done: (f, c) => c.at >= f.last, show: (f) => ({ at: f.last }) },
        { kind: "check", run: 0, ask: "remask" },
        { kind: "explain", run: 0 },
        { kind: "predict", run: 1, ask: "wino", on: (f) => ({ at: f.at, pos: null, lens: "grid" }) },
        { kind: "run", run: 1, on: (f) => ({ at: f.at, lens: "grid" }), done: (f, c) => c.at >= f.stop, show: (f) => ({ at: f.stop }) },
        { kind: "check", run: 1, ask: "wino" },
        { kind: "change", run: 1, on: (f) => ({ at: f.stop, pos: null, lens: "grid" }), done: (f, c) => f.again.some((x) => x.pos === c.pos && x.refilled && c.at >= x.refilled.at), show: (f) => ({ pos: f.again[0].pos, at: f.again[0].refilled.stop }),
          values(f, m, c) { const x = f.again.find((y) => y.pos === c.pos) || f.again[0]; return { pos: x.pos, before: x.before, again: x.refilled ? m.quote(x.refilled.token) : "▢" }; } },
      ],
    },
    {
      id: "draft", minutes: 6, runs: ["stepwise-apples", "ssd-apples", "story-fox-stepwise"],
      facts([m, ssd, fox]) {
        const guesses = firstGuesses(m), wrong = guesses.filter((g) => !g.right), call = forwards(m)[0], off = wrong[0] || guesses[0], theirs = firstGuesses(fox), i = find(ssd, (r) => r.nodes.size), round = ssd.rounds[i], k = event(ssd, round, "propose").nodes.length;
        return { n: guesses.length, length: call.length, right: guesses.length - wrong.length, pos: off.pos, guess: m.quote(off.guess), final: m.quote(off.final), wrongs: wrong.map((g) => g.pos).join(", "), calls: m.totals.calls, at: call.at, last: end(m), guesses, m,
          k, drafts: k, draftFrom: round.start, draftAt: after(ssd, round, "propose"), foxN: theirs.length, foxRight: theirs.filter((g) => g.right).length, theirs, fox };
      },
      asks: { draft: { type: "number", min: () => 0, max: (f) => f.n, answer: (f) => f.right, look: (f) => ({ at: f.last, pos: f.pos, lens: "grid" }), rows: (f) => guessRows(f.m, f.guesses) } },
      pages: [
        { kind: "predict", run: 0, ask: "draft", on: (f) => ({ at: f.at, pos: null, lens: "grid" }) },
        { kind: "run", run: 0, done: (f, c) => c.at >= f.last, show: (f) => ({ at: f.last }) },
        { kind: "check", run: 0, ask: "draft", rows: (f) => guessRows(f.m, f.guesses) },
        { kind: "explain", run: 0, rows: (f) => guessRows(f.m, f.guesses) },
        { kind: "run", run: 1, on: (f) => ({ at: f.draftFrom, pos: null, lens: "grid", unit: "round" }), done: (f, c) => c.unit === "beat" && c.states.includes(STATES.indexOf("drafted")), show: (f) => ({ at: f.draftAt, unit: "beat" }) },
        { kind: "change", run: 2, on: (f) => ({ at: end(f.fox), pos: null, lens: "grid", unit: "round" }), rows: (f) => guessRows(f.fox, f.theirs), done: (f, c) => f.theirs.some((g) => !g.right && g.pos === c.pos), show: (f) => ({ pos: f.theirs.find((g) => !g.right).pos }) },
      ],
    },
    {
      id: "tree", minutes: 6, runs: ["ssd-apples", "ssd-tree-apples"],
      facts([m, t]) {
        const several = (r) => fates(r).filter((x) => x === "accepted").length > 1 && fates(r).includes("rejected"), i = Math.max(0, find(m, several)), round = m.rounds[i], other = t.rounds[i];
        const nodes = [...round.nodes.values()], verdicts = event(m, round, "judge").verdicts, call = forwards(m).find((e) => e.role === "verify" && e.at > round.start), no = verdicts.find((v) => v.outcome === "rejected") || verdicts[0], fill = round.nodes.get(no.node).fills[0];
        const bonus = writes(m).find((w) => w.stop === round.stop && w.why === "bonus"), call2 = forwards(t).find((e) => e.role === "verify" && e.at > other.start), judged2 = event(t, other, "judge").verdicts;
        const rejected2 = judged2.filter((v) => v.outcome === "rejected").map((v) => v.node), places2 = new Set(rejected2.map((id) => other.nodes.get(id).fills[0][0]));
        const kept = (r) => fates(r).filter((x) => x === "accepted").length;
        return { drafts: nodes.length, right: kept(round), list: nodes.map((n) => m.quote(n.fills[0][1]) + " " + n.fills[0][0]).join(", "), pos: fill[0], step: i + 1, at: after(m, round, "propose"), stop: round.stop, rows: call.rows, length: call.length, cost: cost(call),
          other: no.choice[0] !== fill[0] ? no.choice[0] : m.quote(no.choice[1]), elsewhere: no.choice[0] !== fill[0], bonus: bonus ? m.quote(bonus.token) : "–", bonusPos: bonus ? bonus.pos : "–", nodes2: other.nodes.size, rows2: call2.rows, cost2: cost(call2), kept2: kept(other), rejected2, places2, stop2: other.stop, m };
      },
      asks: { tree: { type: "number", min: () => 0, max: (f) => f.drafts, answer: (f) => f.right, look: (f) => ({ at: f.stop, pos: f.pos, lens: "grid" }) } },
      pages: [
        { kind: "predict", run: 0, ask: "tree", on: (f) => ({ at: f.at, pos: null, lens: "grid", unit: "round" }) },
        { kind: "run", run: 0, on: (f) => ({ at: f.at, lens: "grid" }), done: (f, c) => c.at >= f.stop, show: (f) => ({ at: f.stop }) },
        { kind: "check", run: 0, ask: "tree" },
        { kind: "explain", run: 0, values: (f) => ({ whyNot: say(f.elsewhere ? "tree4_no" : "tree4_no2", f) }) },
        { kind: "open", run: 0, on: (f) => ({ at: f.stop }), done: (f, c) => c.lens === "tree", show: () => ({ lens: "tree" }) },
        { kind: "change", run: 1, on: (f) => ({ at: f.stop2, pos: null, lens: "tree" }), done: (f, c) => c.at === f.stop2 && (f.rejected2.includes(c.node) || (c.node === null && f.places2.has(c.pos))), show: (f) => ({ at: f.stop2, node: f.rejected2[0], pos: [...f.places2][0] }), live: { n: 8 } },
      ],
    },
    {
      id: "path", minutes: 6, runs: ["code-vowels"],
      facts([m]) {
        const all = turns(m), won = all.find((t) => t.verdict && t.verdict.outcome === "accepted") || all[0], lost = all.find((t) => t !== won && t.verdict && t.verdict.outcome === "rejected") || all[0], final = tokenAt(m, won.pos);
        return { pos: won.pos, local: m.quote(won.local), path: m.quote(won.token), pLocal: prob(won.pLocal), pPath: prob(won.pPath), pVerify: prob(won.verdict.p), answer: final === won.token ? "path" : final === won.local ? "local" : "other", step: won.step, at: after(m, won.round, "propose"), stop: won.round.stop, changed: all.length,
          lost: lost.pos, lostStep: lost.step, lostAt: lost.round.stop, lostPath: m.quote(lost.token), lostLocal: m.quote(lost.local), lostFinal: m.quote(tokenAt(m, lost.pos)), behind: fates(lost.round).filter((x) => x === "unreached").length };
      },
      asks: { path: { type: "choice", options: () => ["path_local", "path_path", "path_other"], answer: (f) => "path_" + f.answer, look: (f) => ({ at: f.stop, pos: f.pos, lens: "lattice" }) } },
      pages: [
        { kind: "predict", run: 0, ask: "path", on: (f) => ({ at: f.at, pos: f.pos, lens: "grid", unit: "round" }) },
        { kind: "run", run: 0, on: (f) => ({ at: f.at, pos: f.pos, lens: "lattice" }), done: (f, c) => c.at >= f.stop, show: (f) => ({ at: f.stop, pos: f.pos }) },
        { kind: "check", run: 0, ask: "path" },
        { kind: "explain", run: 0 },
        { kind: "change", run: 0, on: () => ({ pos: null }), done: (f, c) => c.at === f.lostAt && c.pos === f.lost, show: (f) => ({ at: f.lostAt, pos: f.lost }) },
      ],
    },
    {
      id: "masks", minutes: 6, runs: ["block-apples", "speculative-apples", "ssd-apples"],
      facts([m, s, ssd]) {
        const call = forwards(m).filter((e) => e.role === "denoise" && e.cached && e.length === m.head.block && e.beliefs && e.beliefs.length === e.length)[0] || forwards(m)[0], from = call.start || 0, q = from + 3, i = m.roundAt(call.at);
        const check = forwards(s).find((e) => e.role === "verify" && e.cached && e.length > 2), from2 = check.start || 0, q2 = from2 + 1, j = s.roundAt(check.at), big = forwards(ssd).filter((e) => e.role === "verify")[0];
        return { block: m.head.block, from, to: from + call.length - 1, q, right: reach(m, call, q), ahead: reach(m, call, q) - q, last: m.length - 1, at: call.at, stop: m.rounds[i].stop,
          from2, to2: from2 + check.length - 1, q2, right2: reach(s, check, q2), length2: check.length, drafts: s.rounds[j].nodes.size, last2: s.length - 1, stop2: s.rounds[j].stop, ssdRows: big.rows, ssdLength: big.length };
      },
      asks: {
        masks: { type: "number", min: () => 0, max: (f) => f.last, answer: (f) => f.right, look: (f) => ({ at: f.stop, pos: f.q, lens: "mask" }) },
        causal: { type: "number", min: () => 0, max: (f) => f.last2, answer: (f) => f.right2, look: (f) => ({ at: f.stop2, pos: f.q2, lens: "mask" }) },
      },
      pages: [
        { kind: "predict", run: 0, ask: "masks", on: (f) => ({ at: f.stop, pos: f.q, lens: "grid", unit: "round" }) },
        { kind: "open", run: 0, on: (f) => ({ at: f.stop, pos: f.q }), done: (f, c) => c.lens === "mask" && c.cell && c.cell.q !== undefined, show: (f) => ({ at: f.stop, pos: f.q, lens: "mask", cell: { q: f.q - f.from } }) },
        { kind: "check", run: 0, ask: "masks" },
        { kind: "explain", run: 0 },
        { kind: "change", run: 1, ask: "causal", on: (f) => ({ at: f.stop2, pos: f.q2, lens: "mask" }) },
      ],
    },
    {
      id: "speed", minutes: 7, runs: ["ssd-apples", "speculative-apples"],
      facts([m, s]) {
        const calls = forwards(m), ref = m.head.reference, ref2 = s.head.reference, time = seconds(m), time2 = seconds(s), n = (outcome) => sum(m.rounds, (r) => fates(r).filter((x) => x === outcome).length), accepted = n("accepted"), rejected = n("rejected");
        const checks = calls.filter((e) => e.role === "verify"), drafter = s.head.models.draft, theirs = forwards(s).filter((e) => e.model === drafter);
        return { calls: m.totals.calls, refCalls: ref.calls, rows: Math.max(...calls.map((e) => e.rows)), cost: m.totals.cost, refCost: ref.rows_tokens, time: duration(time), refTime: duration(ref.seconds), answer: compare(time, ref.seconds), machine: m.head.hardware, factor: (sum(checks, (e) => e.seconds || 0) / checks.length / (ref.seconds / ref.calls)).toFixed(1), last: end(m),
          accepted, rejected, reached: accepted + rejected, judged: m.totals.judged, rate: percent(accepted, m.totals.judged), chance: percent(accepted, accepted + rejected),
          calls2: s.totals.calls, refCalls2: ref2.calls, time2: duration(time2), refTime2: duration(ref2.seconds), answer2: compare(time2, ref2.seconds), drafterCalls: theirs.length, drafterTime: duration(sum(theirs, (e) => e.seconds || 0)), last2: end(s) };
      },
      asks: {
        speed: { type: "choice", options: () => ["faster", "same", "slower"], answer: (f) => f.answer, look: (f) => ({ at: f.last, lens: "grid" }) },
        chance: { type: "number", min: () => 0, max: () => 100, near: () => 1, answer: (f) => f.chance, look: (f) => ({ at: f.last, lens: "heatmap" }) },
        small: { type: "choice", options: () => ["faster", "same", "slower"], answer: (f) => f.answer2, look: (f) => ({ at: f.last2, lens: "grid" }) },
      },
      pages: [
        { kind: "predict", run: 0, ask: "speed", on: () => ({ at: 0, pos: null, lens: "grid", unit: "round" }) },
        { kind: "run", run: 0, done: (f, c) => c.at >= f.last, show: (f) => ({ at: f.last }) },
        { kind: "check", run: 0, ask: "speed" },
        { kind: "explain", run: 0 },
        { kind: "check", run: 0, ask: "chance", on: (f) => ({ at: f.last, pos: null }) },
        { kind: "change", run: 1, ask: "small", on: () => ({ at: 0, pos: null, lens: "grid" }) },
      ],
    },
    {
      id: "knobs", minutes: 7, runs: ["story-fox-fast", "story-fox-stepwise", "story-fox-wino"],
      facts([m, step, wino]) {
        const all = step.length - step.promptLen, agree = (x) => x.tokens.filter((t, pos) => pos >= x.promptLen && t === tokenAt(step, pos)).length, places = [];
        m.tokens.forEach((t, pos) => { if (pos >= m.promptLen && t !== tokenAt(step, pos)) places.push(pos); });
        const most = m.rounds.reduce((best, r) => (r.filled > best.filled ? r : best)), runs = [step, m, wino].map((x) => ({ title: (x.head.title || x.head.method) + (x.head.params.threshold ? " " + x.head.params.threshold : ""), calls: x.totals.calls, cost: x.totals.cost, agree: percent(agree(x), all), exact: agree(x) }));
        const under = (key) => runs.findIndex((a) => runs.some((b) => b[key] <= a[key] && b.exact >= a.exact && (b[key] < a[key] || b.exact > a.exact)));
        const lastWrite = (pos) => { const w = writes(m).filter((e) => e.pos === pos).pop(); return w ? w.stop : end(m); };
        return { calls: m.totals.calls, refCalls: step.totals.calls, all, threshold: m.head.params.threshold, tpf: (sum(m.rounds, (r) => r.filled || 0) / m.totals.calls).toFixed(1), most: most.filled, mostStep: most.index + 1, block: m.head.block, last: end(m),
          differ: places.length, places, pos: places.length ? places[0] : m.promptLen, lookAt: lastWrite(places[0]), match: !places.length ? "m_none" : places.length <= all / 2 ? "m_some" : "m_most", runs, dominated: under("cost"), byCalls: under("calls"), theirRun: (pos) => [step.quote(tokenAt(step, pos)), m.quote(tokenAt(m, pos))],
          winoCalls: runs[2].calls, winoCost: runs[2].cost, winoAgree: runs[2].agree, winoLast: end(wino) };
      },
      asks: {
        knobs: { type: "number", min: () => 1, max: (f) => f.refCalls, near: (f) => Math.round(f.calls / 5), answer: (f) => f.calls, look: (f) => ({ at: f.last, lens: "grid" }) },
        match: { type: "choice", options: () => ["m_none", "m_some", "m_most"], answer: (f) => f.match, look: (f) => ({ at: f.last, pos: f.pos, lens: "grid" }) },
        front: { type: "choice", options: (f) => ["f_none", ...f.runs.map((_, i) => "run " + i)], label: (f, o) => (o === "f_none" ? say(o) : f.runs[Number(o.slice(4))].title), answer: (f) => (f.dominated < 0 ? "f_none" : "run " + f.dominated), look: null },
      },
      pages: [
        { kind: "predict", run: 0, ask: "knobs", on: () => ({ at: 0, pos: null, lens: "grid", unit: "round" }) },
        { kind: "run", run: 0, done: (f, c) => c.at >= f.last, show: (f) => ({ at: f.last }) },
        { kind: "check", run: 0, ask: "knobs" },
        { kind: "predict", run: 0, ask: "match" },
        { kind: "run", run: 0, on: () => ({ pos: null, lens: "grid" }), done: (f, c) => f.places.includes(c.pos), show: (f) => ({ at: f.last, pos: f.pos }), values(f, m, c) { const [theirs, ours] = f.theirRun(c.pos === null ? f.pos : c.pos); return { theirs, ours }; } },
        { kind: "check", run: 0, ask: "match" },
        { kind: "explain", run: 0, ask: "front", text: (f) => (f.byCalls < 0 ? "knobs7" : "knobs7b"), table: (f) => f.runs },
        { kind: "change", run: 2, on: () => ({ at: 0, pos: null, lens: "grid" }), done: (f, c) => c.at >= f.winoLast, show: (f) => ({ at: f.winoLast }), liveRun: 0, live: { threshold: 0.9 } },
        { kind: "open", run: null, when: (stage) => stage.player.views.some((v) => v.id === "tune"), done: (f, c) => c.lens === "tune", show: () => ({ lens: "tune" }) },
      ],
    },
  ];

  // ------------------------------------------------------------------------------------------------ drawing
  const button = (cls, text, act) => { const b = attrs(el("button", "um-btn " + cls, text), { type: "button" }); b.addEventListener("click", act); return b; };
  const shownAs = (value) => (typeof value === "number" ? num(value) : String(value));

  /** The filled-in sentence `key` as nodes: `[state:word]` is a term, `blank` hides what is filled in. */
  function phrase(key, values, blank, term) {
    let sentence = say(key);
    if ("n" in values && sentence.includes("|")) sentence = sentence.split("|")[values.n === 1 ? 0 : 1];
    const filled = (text) => text.split(/(\{\w+\})/).map((part) => {
      const name = /^\{(\w+)\}$/.exec(part);
      if (!name || !(name[1] in values)) return part;
      return blank ? attrs(el("span", "um-lessons-blank", "____"), { role: "img", "aria-label": say("blank") }) : shownAs(values[name[1]]);
    });
    return sentence.split(/(\[\w+:[^\]]+\])/).flatMap((part) => {
      const found = /^\[(\w+):([^\]]+)\]$/.exec(part);
      return found && STATES.includes(found[1]) ? [term(found[1], found[2])] : filled(part);
    });
  }

  function paragraphs(cls, key, values, blank, term) {
    const box = el("div", cls);
    let p = box.appendChild(el("p"));
    for (const part of phrase(key, values, blank, term)) {
      if (typeof part !== "string") { p.append(part); continue; }
      part.split("\n").forEach((line, i) => { if (i) p = box.appendChild(el("p")); p.append(line); });
    }
    return box;
  }

  /** A word in the look of a state; on paper without its colour. */
  function plainTerm(state, word) {
    const node = el("span", "um-lessons-term", word);
    node.dataset.s = state;
    node.dataset.g = GLYPH[state] || "";
    return node;
  }

  /** A token in a row: what a chip of the grid shows, with its position. */
  function cell(m, pos, token, state, off) {
    const masked = state === "masked" || state === "remasked" || token < 0, face = masked ? null : m.face(token), box = el("span", "um-lessons-cell" + (off ? " um-lessons-off" : "")), chip = el("span", "um-lessons-chip", face ? (face.over && !face.text.trim() ? face.over.trim() : face.text.replace(/\n/g, "⏎")) : "");
    chip.dataset.s = state;
    chip.dataset.g = GLYPH[state] || "";
    box.append(chip, el("span", "um-lessons-pos", String(pos)));
    return box;
  }

  const guessRows = (m, guesses) => [
    [say("guessed"), guesses.map((g) => cell(m, g.pos, g.guess, "drafted", !g.right))],
    [say("finished"), guesses.map((g) => cell(m, g.pos, g.final, "committed", !g.right))],
  ];

  /** The canvas after `at` events: the end of the prompt and the first positions behind it. */
  function canvasRow(m, at) {
    const frame = m.frame(at), from = Math.max(0, m.promptLen - 3), to = Math.min(frame.tokens.length, m.promptLen + 33), cells = [];
    for (let pos = from; pos < to; pos++) {
      const touch = frame.touch && frame.touch.get(pos), state = STATES[frame.states[pos]];
      if (state !== "absent") cells.push(cell(m, pos, touch && touch.state === frame.states[pos] && state !== "remasked" ? touch.token : frame.tokens[pos], state));
    }
    return cells;
  }

  /** Two rows of columns that belong together, or one row that wraps. */
  function rowsBox(rows) {
    const box = attrs(el("div", "um-lessons-rows"), { role: "group", tabindex: "0", "aria-label": rows.map((row) => row[0]).join(", ") }), labels = el("div", "um-lessons-labels");
    for (const [label] of rows) labels.append(el("span", "", label));
    box.append(labels);
    rows[0][1].forEach((_, i) => { const column = el("span", "um-lessons-column"); for (const row of rows) column.append(row[1][i]); box.append(column); });
    return box;
  }

  function tableBox(runs) {
    const table = el("table", "um-lessons-table"), head = table.createTHead().insertRow();
    for (const key of ["t_run", "t_calls", "t_cost", "t_agree"]) head.append(attrs(el("th", "", say(key)), { scope: "col" }));
    const body = table.createTBody();
    for (const run of runs) {
      const row = body.insertRow();
      row.append(attrs(el("th", "", run.title), { scope: "row" }), el("td", "", num(run.calls)), el("td", "", num(run.cost)), el("td", "", run.agree + " %"));
    }
    return table;
  }

  function qrFigure(rows) {
    const n = rows.length, edge = 4, out = svg("svg", { viewBox: `0 0 ${n + 2 * edge} ${n + 2 * edge}`, role: "img", "aria-label": say("qrLabel"), class: "um-lessons-qr", "shape-rendering": "crispEdges" });
    out.append(svg("rect", { width: n + 2 * edge, height: n + 2 * edge, fill: "#fff" }));
    rows.forEach((row, y) => { for (let x = 0; x < n; x++) if (row[x] === "1") out.append(svg("rect", { x: x + edge, y: y + edge, width: 1, height: 1, fill: "#000" })); });
    return out;
  }

  function base64(text) {
    const bytes = Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join("");
    return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  // ------------------------------------------------------------------------------------------------ what is remembered
  /** {done: {id: true}, pages: {id: page}, teacher, lock, hide, key}; a browser that keeps nothing forgets it with the page. */
  function recall() {
    const blank = { done: {}, pages: {}, teacher: false, lock: false, hide: false, key: true };
    try {
      const kept = JSON.parse(localStorage.getItem(STORE)) || {};
      for (const key in blank) if (typeof kept[key] === typeof blank[key] && kept[key] !== null) blank[key] = kept[key];
    } catch (error) { /* not allowed, or not ours */ }
    return blank;
  }

  // ------------------------------------------------------------------------------------------------ a running lesson
  const SCHOOLS = new WeakMap(); // player -> School

  class School {
    constructor(stage) {
      this.stage = stage;
      this.player = stage.player;
      this.memory = recall();
      this.models = new Map();
      this.lesson = null;
      this.ticket = 0;
      this.listeners = new Set();
      SCHOOLS.set(stage.player, this);
      this.build();
      stage.watch(() => this.moved());
      this.player.on(this.player.root, "lesson", (e) => { e.detail.wrong = this.link(e.detail); });
      this.speaks = new MutationObserver(() => this.relabel());
      this.speaks.observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
      this.player.offs.push(() => { this.speaks.disconnect(); this.leave(true); });
    }

    remember() {
      try { localStorage.setItem(STORE, JSON.stringify(this.memory)); } catch (error) { /* it is forgotten with the page */ }
      for (const told of this.listeners) told();
    }

    build() {
      const box = (this.box = el("section", "um-lessons"));
      this.head = el("div", "um-lessons-head");
      this.steps = el("ol", "um-lessons-steps");
      this.heading = attrs(el("h3", "um-lessons-heading"), { tabindex: "-1" });
      this.body = el("div", "um-lessons-body");
      this.form = el("div", "um-lessons-ask");
      // Filled, never replaced: so that a screen reader hears what comes into it.
      this.result = attrs(el("div", "um-lessons-result"), { role: "status", "aria-live": "polite" });
      this.aside = el("div", "um-lessons-aside");
      this.nav = el("div", "um-lessons-nav");
      this.desk = el("div", "um-lessons-desk");
      box.append(this.head, this.steps, this.heading, this.body, this.aside, this.form, this.result, this.nav, this.desk);
      this.stage.dock.append(box);
    }

    get can() { return !!(this.stage.host.go && this.stage.host.trace); }

    /** A page of a lesson by link, both texts; the names of the parts that are not there. */
    link({ lesson, page }) {
      const found = LESSONS.find((l) => l.id === lesson), wanted = page === undefined ? 1 : /^\d{1,3}$/.test(page) ? Number(page) : 0;
      if (!found) return ["lesson"];
      const there = wanted >= 1 && wanted <= this.pagesOf(found).length;
      this.start(found.id, there ? wanted - 1 : 0);
      return there ? [] : ["page"];
    }

    pagesOf(lesson) { return lesson.pages.map((page, i) => Object.assign({ key: lesson.id + (i + 1) }, page)).filter((page) => !page.when || page.when(this.stage)); }

    async model(name) {
      const id = "bundled:" + name;
      if (!this.models.has(id)) {
        while (!this.stage.model()) await new Promise((resolve) => setTimeout(resolve, 50));
        const trace = await this.stage.host.trace(id), model = new (this.stage.model().constructor)(trace);
        model.add(trace.events);
        this.models.set(id, model);
      }
      return this.models.get(id);
    }

    /** The models of a lesson's runs and what is counted in them. */
    async prepare(lesson) {
      const models = await Promise.all(lesson.runs.map((name) => this.model(name)));
      return { models, facts: lesson.facts(models) };
    }

    async start(id, page) {
      const lesson = LESSONS.find((l) => l.id === id), ticket = ++this.ticket;
      this.opener = document.activeElement;
      this.lesson = lesson;
      this.pages = this.pagesOf(lesson);
      this.facts = null;
      this.open();
      this.blank(say("loading"));
      try {
        const { models, facts } = await this.prepare(lesson);
        if (ticket !== this.ticket) return;
        this.folded = models;
        this.facts = facts;
      } catch (error) {
        if (ticket === this.ticket) this.blank(say("missing", { error: String((error && error.message) || error) }));
        return;
      }
      this.said = {};
      this.progress = this.pages.map(() => ({ done: false, open: false, reveal: false }));
      this.enter(Math.min(page, this.pages.length - 1));
    }

    open() {
      this.stage.dock.hidden = false;
      if (this.off) return;
      // Registered when the lesson begins, so behind the player's: a key that it has used is not the lesson's.
      const pressed = (e) => this.key(e);
      document.addEventListener("keydown", pressed);
      this.off = () => document.removeEventListener("keydown", pressed);
    }

    leave(quiet) {
      if (!this.lesson) return;
      this.ticket++;
      this.lesson = this.want = null;
      this.box.removeAttribute("aria-busy");
      this.shade(null);
      this.stage.dock.hidden = true;
      if (this.off) this.off();
      this.off = null;
      if (quiet) return;
      if (this.stage.host.lesson) this.stage.host.lesson("");
      const back = this.opener && this.opener.isConnected && this.opener.getClientRects().length ? this.opener : this.player.panel;
      back.focus({ preventScroll: true });
    }

    finish() {
      const { id } = this.lesson;
      this.memory.done[id] = true;
      delete this.memory.pages[id];
      this.remember();
      this.leave();
      this.stage.open("lessons");
      this.player.panel.focus();
    }

    // -------------------------------------------------------------------------------------------- a page
    get page() { return this.pages[this.at]; }
    get state() { return this.progress[this.at]; }
    get run() { return this.page.run === null || this.page.run === undefined ? null : "bundled:" + this.lesson.runs[this.page.run]; }
    get here() { return !this.run || this.stage.cursor().run === this.run; }
    get hiding() { return this.memory.teacher && this.memory.hide && !this.state.reveal; }

    enter(i) {
      this.at = i;
      this.memory.pages[this.lesson.id] = i;
      this.remember();
      if (this.stage.host.lesson) this.stage.host.lesson("#lesson=" + this.lesson.id + "&page=" + (i + 1));
      this.shade(null);
      this.scene(this.page.on ? this.page.on(this.facts) : null);
      if (this.page.kind === "explain" && !this.page.ask) this.state.done = true;
      this.drawPage();
      this.heading.focus();
      this.moved();
    }

    /** Puts the run, the view and the cursor where `to` says: {at, pos, lens, unit, node, cell}; the run first where another is on screen. */
    scene(to) {
      if (!this.here) {
        this.want = { run: this.run, to };
        attrs(this.box, { "aria-busy": "true" });
        const lens = (to && to.lens) || "grid";
        return this.stage.host.go("#run=bundled:" + encodeURIComponent(this.run.slice(8)) + "&lens=" + lens + "&step=0");
      }
      if (!to) return;
      const { player } = this;
      if (to.unit && player.unit !== to.unit) { player.unit = to.unit; player.unitField.input.value = to.unit; }
      if (to.lens) this.stage.open(to.lens);
      const options = {};
      for (const key of ["pos", "node", "cell"]) if (to[key] !== undefined) options[key] = to[key];
      this.stage.seek(to.at, options);
    }

    /** Where the cursor is, for `done`. */
    cursor() {
      const { player } = this, frame = player.frame;
      return Object.assign({}, this.stage.cursor(), { lens: player.views[player.lens].id, unit: player.unit, states: frame ? Array.from(frame.states) : [] });
    }

    moved() {
      if (!this.lesson || !this.facts) return;
      if (this.want && this.stage.cursor().run === this.want.run) {
        const { to } = this.want;
        this.want = null;
        this.settling = true; // what the run does as it comes is not the reader's doing
        // The link that brought the run has a step of its own, which comes first.
        return void setTimeout(() => { this.settling = false; this.box.removeAttribute("aria-busy"); if (this.lesson && this.here) { this.scene(to); this.keepFocus(() => this.drawResult()); } }, 0);
      }
      if (this.want || this.settling || this.stopped) return;
      const { page, state } = this;
      if (!state.done && page.done && this.here && page.done(this.facts, this.cursor())) return this.complete();
      if (this.wasHere !== this.here) { this.wasHere = this.here; this.keepFocus(() => this.drawResult()); }
    }

    /** What a drawing takes away from under the keyboard's feet leaves it on the heading. */
    keepFocus(draw) {
      const inside = this.box.contains(document.activeElement);
      draw();
      if (inside && !this.box.contains(document.activeElement)) this.heading.focus();
    }

    complete() {
      const inside = this.result.contains(document.activeElement);
      this.state.done = true;
      this.state.cursor = this.cursor();
      this.drawResult();
      this.drawNav();
      this.drawSteps();
      if (inside) (this.onward.disabled ? this.heading : this.onward).focus();
    }

    /** What the views and settings that a sentence speaks of are called on this page. */
    names() {
      const { player } = this, tab = (id) => { const i = player.views.findIndex((view) => view.id === id); return i < 0 ? id : player.tabs[i].lastElementChild.textContent; };
      return { v_tree: tab("tree"), v_mask: tab("mask"), v_heatmap: tab("heatmap"), v_tune: tab("tune"), unitName: player.unitField.firstElementChild.textContent, beatName: player.unitField.querySelector("[value=beat]").textContent };
    }

    values(extra) {
      const { page } = this, scalar = this.names();
      for (const key in this.facts) if (typeof this.facts[key] !== "object" && typeof this.facts[key] !== "function") scalar[key] = this.facts[key];
      return Object.assign(scalar, page.values && page.values(this.facts, this.folded[page.run], this.state.cursor || this.cursor()), extra);
    }

    // -------------------------------------------------------------------------------------------- questions
    get ask() { return this.page.ask ? Object.assign({ id: this.page.ask }, this.lesson.asks[this.page.ask]) : null; }

    labelOf(ask, value) {
      if (ask.type === "number") return num(value);
      const label = ask.label ? ask.label(this.facts, value) : say(value, this.values());
      return label;
    }

    isRight(ask, value) {
      const right = ask.answer(this.facts);
      return ask.type === "number" ? Math.abs(value - right) <= (ask.near ? ask.near(this.facts) : 0) : value === right;
    }

    /** The reader's answer, already valid. A prediction is only noted. */
    give(value) {
      const { ask, page } = this, said = this.said[ask.id] || (this.said[ask.id] = { tries: 0 });
      said.value = value;
      said.tries++;
      if (page.kind === "predict") {
        this.state.done = true;
      } else {
        said.right = this.isRight(ask, value);
        if (said.right) this.state.done = true;
      }
      this.answered();
    }

    /** What was focused in the form is gone; the next thing to do is to go on, or to look at the place. */
    answered() {
      this.drawAsk();
      this.drawResult();
      this.drawNav();
      this.drawSteps();
      const look = !this.state.done && this.result.querySelector(".um-lessons-go");
      (look || (this.onward.disabled ? this.heading : this.onward)).focus();
    }

    showAnswer() {
      const { ask } = this, said = this.said[ask.id] || (this.said[ask.id] = { tries: 0 });
      said.shown = true;
      this.answered();
    }

    /** Where to look: the place that shows the answer. */
    goThere() {
      if (!this.here) return this.scene(this.page.on ? this.page.on(this.facts) : null);
      const { ask } = this;
      if (ask && ask.look && this.page.kind !== "predict") this.scene(ask.look(this.facts));
    }

    // -------------------------------------------------------------------------------------------- drawing a page
    /** A term of the text: pointing at it leaves its chips alone bright, a click keeps it so, as in the legend. */
    term() {
      return (state, word) => {
        const term = attrs(el("button", "um-lessons-term", word), { type: "button" });
        Object.assign(term.dataset, plainTerm(state, word).dataset);
        for (const type of ["pointerenter", "focus"]) term.addEventListener(type, () => this.shade(state));
        for (const type of ["pointerleave", "blur"]) term.addEventListener(type, () => this.shade(null));
        term.addEventListener("click", () => { const of = this.player.legendItems.find((item) => STATES[item.s] === state); if (of) of.item.click(); });
        return term;
      };
    }

    line(cls, key, values, sign) {
      const p = el("p", cls, sign || "");
      p.append(...phrase(key, values, false, this.term()));
      return p;
    }

    shade(state) {
      const { text, filter } = this.player, shown = state || (filter >= 0 ? STATES[filter] : "");
      if (shown) text.dataset.filter = shown; else delete text.dataset.filter;
    }

    blank(sentence) {
      this.stopped = true;
      this.box.classList.toggle("um-lessons-teacher", this.memory.teacher);
      attrs(this.box, { "aria-label": this.titleOf(this.lesson) });
      this.drawHead();
      for (const part of [this.steps, this.body, this.form, this.result, this.aside, this.nav, this.desk]) part.replaceChildren();
      put(this.heading, this.titleOf(this.lesson));
      this.result.append(el("p", "", sentence));
      this.heading.focus();
    }

    titleOf(lesson) { return say("lesson", { n: LESSONS.indexOf(lesson) + 1, title: say(lesson.id + "_t") }); }

    drawHead() {
      this.head.replaceChildren(el("span", "um-caption", this.facts ? this.titleOf(this.lesson) + " · " + say("page", { n: this.at + 1, of: this.pages.length }) : ""),
        attrs(button("um-icon um-lessons-leave", "✕", () => this.leave()), { "aria-label": say("leave"), title: say("leave") }));
    }

    drawSteps() {
      attrs(this.steps, { "aria-label": say("pages") });
      this.steps.replaceChildren(...this.pages.map((page, i) => {
        const item = el("li", "um-lessons-step" + (this.progress[i].done ? " um-lessons-past" : ""), (this.progress[i].done ? "✓ " : "") + say(page.kind));
        if (i === this.at) attrs(item, { "aria-current": "step" });
        return item;
      }));
    }

    drawPage() {
      this.stopped = false;
      this.wasHere = this.here;
      const { page, facts } = this;
      this.box.classList.toggle("um-lessons-teacher", this.memory.teacher);
      attrs(this.box, { "aria-label": this.titleOf(this.lesson) });
      this.drawHead();
      this.drawSteps();
      put(this.heading, say(page.kind));
      this.body.replaceChildren();
      const key = page.text ? page.text(facts) : page.key;
      if (key in WORDS) this.body.append(paragraphs("um-lessons-text", key, this.values(), page.kind === "explain" && this.hiding, this.term()));
      if (page.key + "_do" in WORDS) this.body.append(this.line("um-lessons-do", page.key + "_do", this.values()));
      this.aside.replaceChildren();
      if (page.rows) this.aside.append(rowsBox(page.rows(facts)));
      if (page.table) this.aside.append(tableBox(page.table(facts)));
      this.drawAsk();
      this.drawResult();
      this.drawNav();
      this.drawDesk();
    }

    /** The form of the question, where it is still to be answered. */
    drawAsk() {
      const { ask, page } = this, said = ask && this.said[ask.id];
      this.form.replaceChildren();
      const judged = ask && page.kind !== "predict" && said && (said.shown || this.isRight(ask, said.value));
      if (judged) this.state.done = true; // shown, or right, perhaps as predicted
      if (!ask || judged || (page.kind === "predict" && this.state.done)) return;
      const form = el("form", "um-lessons-form"), question = say(ask.id + "_q", this.values());
      let read;
      if (ask.type === "number") {
        const label = el("label", "um-lessons-question", question), input = attrs(el("input", "um-lessons-number"), { type: "number", min: ask.min(this.facts), max: ask.max(this.facts), step: "1", inputmode: "numeric", autocomplete: "off" });
        label.append(input);
        form.append(label);
        read = () => {
          const value = Number(input.value);
          if (input.value !== "" && Number.isInteger(value) && value >= ask.min(this.facts) && value <= ask.max(this.facts)) return value;
          this.tell(say("whole", { min: ask.min(this.facts), max: ask.max(this.facts) }));
          input.focus();
          return null;
        };
      } else {
        const set = el("fieldset", "um-lessons-choices"), name = "um-lessons-" + ask.id;
        set.append(el("legend", "um-lessons-question", question));
        for (const option of ask.options(this.facts)) {
          const label = el("label", "um-lessons-choice"), input = attrs(el("input"), { type: "radio", name, value: option });
          label.append(input, el("span", "", this.labelOf(ask, option)));
          set.append(label);
        }
        form.append(set);
        read = () => {
          const chosen = set.querySelector(":checked");
          if (chosen) return chosen.value;
          this.tell(say("choose"));
          return null;
        };
      }
      form.append(attrs(el("button", "um-btn um-lessons-give", say(page.kind === "predict" ? "guess" : "answer")), { type: "submit" }));
      form.noValidate = true;
      form.addEventListener("submit", (e) => { e.preventDefault(); const value = read(); if (value !== null) this.give(value); });
      this.form.append(form);
    }

    tell(sentence) { this.result.replaceChildren(el("p", "um-lessons-note", sentence)); }

    /** What came of it: said aloud. */
    drawResult() {
      const { page, state, ask, facts } = this, out = [], go = el("div", "um-lessons-goes");
      if (!this.here && !this.want) {
        this.result.replaceChildren(el("p", "um-lessons-note", say("elsewhere")), button("um-lessons-go", say("bring"), () => this.goThere()));
        return;
      }
      const said = ask && this.said[ask.id], look = ask && ask.look && ask.look(facts);
      if (ask && page.kind === "predict" && state.done && said) out.push(el("p", "um-lessons-note", say("noted", { said: this.labelOf(ask, said.value) })));
      else if (ask && said && page.kind !== "predict") {
        const right = this.labelOf(ask, ask.answer(facts)), given = said.value === undefined ? "" : this.labelOf(ask, said.value);
        const values = this.values(Object.assign({ said: given, right }, ask.values && ask.values(facts)));
        const place = look && look.pos !== undefined ? say("position", { pos: look.pos }) : say("step", { step: look ? this.stepAt(look.at) : this.stage.cursor().step });
        if (said.value !== undefined && this.isRight(ask, said.value)) out.push(this.line("um-lessons-right", ask.id + "_r", values, "✓ "));
        else if (said.shown) out.push(el("p", "um-lessons-shown", say(given ? (look ? "shown" : "shownNowhere") : "shownOnly", { right, said: given, place })), this.line("", ask.id + "_r", values));
        else out.push(this.line("um-lessons-wrong", ask.id + "_w", values, "✕ "));
        if (look) go.append(button("um-lessons-go", say("goThere"), () => this.goThere()));
      }
      const open = !state.done && !this.hides;
      if (open && ask && page.kind !== "predict") go.append(button("um-lessons-show", say("showAnswer"), () => this.showAnswer()));
      if (open && page.show) go.append(button("um-lessons-show", say("showMe"), () => this.scene(page.show(facts))));
      if (state.done && page.key + "_after" in WORDS) out.push(paragraphs("um-lessons-after", page.key + "_after", this.values(), this.hiding, this.term()));
      if (state.done && page.live && this.stage.host.go) go.append(button("um-lessons-live", say("live"), () => this.tryLive()));
      if (go.childElementCount) out.push(go);
      this.result.replaceChildren(...out);
    }

    get hides() { return this.memory.teacher && this.memory.hide; }

    stepAt(at) { return this.folded[this.page.run].stops("round").filter((stop) => stop > 0 && stop <= at).length; }

    tryLive() {
      const { page } = this, { method, models, prompt, seed, params, dtype } = this.folded[page.liveRun === undefined ? 0 : page.liveRun].head;
      this.stage.host.go("#c=" + base64(JSON.stringify({ method, models, prompt, seed, dtype: dtype || "", knobs: Object.assign({}, params, page.live) })));
    }

    get locked() { return this.memory.teacher && this.memory.lock && !this.state.open; }

    drawNav() {
      const last = this.at === this.pages.length - 1, back = button("um-lessons-back", say("back"), () => this.enter(this.at - 1)), { state } = this;
      back.disabled = this.at === 0;
      const kept = this.onward && document.activeElement === this.onward;
      this.onward = button("um-lessons-next", say(last ? "finish" : "next"), () => this.next());
      this.onward.disabled = !state.done || this.locked;
      const note = el("span", "um-lessons-donenote", !state.done ? "" : this.locked ? say("locked") : say("complete"));
      this.nav.replaceChildren(back, this.onward, attrs(note, { role: "status" }));
      if (kept) this.onward.focus();
    }

    next() {
      if (!this.state.done || this.locked) return;
      if (this.at === this.pages.length - 1) this.finish(); else this.enter(this.at + 1);
    }

    // -------------------------------------------------------------------------------------------- the teacher's desk
    drawDesk() {
      this.desk.replaceChildren();
      this.desk.hidden = !this.memory.teacher;
      if (!this.memory.teacher) return;
      if (this.memory.lock) this.desk.append(button("um-lessons-release", say("release"), () => this.release()));
      if (this.memory.hide) this.desk.append(button("um-lessons-reveal", say("reveal"), () => this.reveal()));
      const address = this.address(), link = attrs(el("a", "um-lessons-link", say("link")), { href: address });
      this.code = el("div", "um-lessons-code");
      this.desk.append(attrs(button("um-lessons-qrbtn", say("qr"), () => this.qr()), { "aria-expanded": "false" }), link, this.code);
    }

    address() { return location.href.split("#")[0] + "#lesson=" + this.lesson.id + "&page=" + (this.at + 1); }

    release() {
      if (!this.memory.teacher || !this.memory.lock) return;
      this.state.open = true;
      this.drawNav();
    }

    reveal() {
      if (!this.hides) return;
      this.state.reveal = true;
      this.keepFocus(() => this.drawPage());
    }

    async qr() {
      const code = this.code, open = !code.childElementCount;
      attrs(this.desk.querySelector(".um-lessons-qrbtn"), { "aria-expanded": String(open) });
      if (!open) return code.replaceChildren();
      let reply;
      try { reply = this.stage.host.qr ? await this.stage.host.qr({ text: this.address() }) : { error: say("alone") }; } catch (error) { reply = { error: String(error.message || error) }; }
      if (typeof reply === "string") reply = JSON.parse(reply);
      if (code !== this.code) return;
      code.replaceChildren(reply.rows ? qrFigure(reply.rows) : el("p", "", say("qrAway", { error: reply.error })), el("p", "um-lessons-address", this.address()));
    }

    // -------------------------------------------------------------------------------------------- keys
    key(e) {
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || !this.lesson) return;
      const t = e.target instanceof Element ? e.target : document.body, root = this.player.root;
      if (!root.contains(t) && t !== document.body && t !== document.documentElement) return;
      if (e.key === "Escape") { e.preventDefault(); return this.leave(); }
      if (!this.facts || t.closest("input, select, textarea, [contenteditable]")) return;
      const act = e.key === "Enter" ? (!t.closest("button, a, summary, [tabindex='0']") && this.state.done && !this.locked ? () => this.next() : null)
        : { g: () => this.goThere(), r: () => this.release(), a: () => this.reveal(), q: () => this.memory.teacher && this.qr(), b: () => (this.onward.disabled ? this.heading : this.onward).focus() }[e.key.toLowerCase()];
      if (!act) return;
      e.preventDefault();
      act();
    }

    relabel() {
      if (this.lesson && this.facts) this.keepFocus(() => this.drawPage());
      for (const told of this.listeners) told();
    }
  }

  Unmasked.tool(({ stage }) => { new School(stage); });

  // ------------------------------------------------------------------------------------------------ the list, and the worksheet
  Unmasked.lens("lessons", (stage) => {
    const school = SCHOOLS.get(stage.player), root = stage.box.appendChild(el("div", "um-lessons-view"));
    let drawn = "", paper = null;

    const signature = () => JSON.stringify([school.memory, document.documentElement.lang, school.can]);

    function check(key) {
      const label = el("label", "um-lessons-switch"), input = attrs(el("input"), { type: "checkbox" });
      input.checked = school.memory[key];
      input.addEventListener("change", () => { school.memory[key] = input.checked; school.remember(); if (school.lesson && school.facts) school.drawPage(); root.querySelector(`[data-key="${key}"]`).focus(); });
      input.dataset.key = key;
      label.append(input, el("span", "", say(key)), el("span", "um-faint", say(key + "_d")));
      return label;
    }

    function list() {
      drawn = signature();
      root.replaceChildren(el("p", "um-lessons-intro", say("intro")));
      if (!school.can) root.append(el("p", "um-lessons-alone", say("alone")));
      const items = el("ol", "um-lessons-list");
      LESSONS.forEach((lesson, i) => {
        const item = el("li", "um-lessons-item"), done = school.memory.done[lesson.id], page = school.memory.pages[lesson.id], head = el("h4", "um-lessons-name", say(lesson.id + "_t"));
        if (done) head.append(" ", attrs(el("span", "um-lessons-mark", "✓ " + say("done")), {}));
        const name = titled(i), begin = button("um-lessons-start", page ? say("goOn", { n: page + 1 }) : say(done ? "again" : "start"), () => school.start(lesson.id, page || 0)), print = button("um-lessons-print", say("sheet"), () => sheet(lesson, print));
        attrs(begin, { "aria-label": begin.textContent + ": " + name });
        attrs(print, { "aria-label": print.textContent + ": " + name });
        begin.disabled = print.disabled = !school.can;
        const row = el("div", "um-lessons-buttons");
        row.append(begin, print);
        item.append(head, el("p", "um-lessons-goal", say("able", { goal: say(lesson.id + "_goal") })), el("p", "um-faint", say("minutes", { n: lesson.minutes })), row);
        items.append(item);
      });
      const desk = el("fieldset", "um-lessons-switches");
      desk.append(el("legend", "um-caption", say("teacher")), check("teacher"));
      if (school.memory.teacher) desk.append(check("lock"), check("hide"), check("key"));
      root.append(items, desk, el("p", "um-faint", say("keys")));
    }
    const titled = (i) => say("lesson", { n: i + 1, title: say(LESSONS[i].id + "_t") });

    async function sheet(lesson, opener) {
      let ready;
      try { ready = await school.prepare(lesson); } catch (error) { return void opener.after(el("p", "", say("missing", { error: String(error.message || error) }))); }
      paper = lesson.id;
      const close = () => { paper = null; list(); const again = root.querySelectorAll(".um-lessons-print")[LESSONS.indexOf(lesson)]; if (again) again.focus(); };
      const bar = el("div", "um-lessons-buttons um-lessons-screen"), print = button("um-lessons-doprint", say("print"), () => window.print());
      bar.append(print, button("um-lessons-shut", say("shut"), close));
      root.replaceChildren(bar, worksheet(school, lesson, ready, !school.memory.teacher || school.memory.key));
      print.focus();
    }

    school.listeners.add(() => { if (paper === null && drawn && signature() !== drawn) list(); });
    return {
      show() { if (paper === null && signature() !== drawn) list(); },
      destroy() { drawn = ""; },
    };
  }, { get title() { return say("title"); }, get question() { return say("question"); }, order: 80, wide: true }); // read when a player is mounted

  /** A lesson on paper: every page with lines for answers, and, with `key`, a last page that has them. */
  function worksheet(school, lesson, { models, facts }, key) {
    const scalar = school.names(), pages = school.pagesOf(lesson), out = el("article", "um-lessons-sheet"), lines = (n) => { const box = el("div", "um-lessons-lines"); for (let i = 0; i < n; i++) box.append(el("div")); return box; };
    for (const name in facts) if (typeof facts[name] !== "object" && typeof facts[name] !== "function") scalar[name] = facts[name];
    const about = (page) => Object.assign({}, scalar, page.values && page.values(facts, models[page.run], { pos: null }));
    const asked = (page) => Object.assign({ id: page.ask }, lesson.asks[page.ask]), label = (ask, value) => (ask.type === "number" ? num(value) : ask.label ? ask.label(facts, value) : say(value, scalar));
    const source = (m) => say("madeFrom", { title: m.head.title || m.head.method, model: m.head.model, prompt: m.head.prompt });
    const rows = (page, at) => { const box = el("div", "um-lessons-strip"); box.append(...canvasRow(models[page.run], at)); return box; };
    const top = el("header");
    top.append(el("p", "um-lessons-kicker", "Unmasked · " + say("sheetOf")), el("h2", "", school.titleOf(lesson)), el("p", "um-lessons-fields", say("name") + " ______________________   " + say("date") + " ____________"), el("p", "", say("able", { goal: say(lesson.id + "_goal") })));
    out.append(top);
    const line = (cls, key, values, sign) => { const p = el("p", cls, sign); p.append(...phrase(key, values, false, plainTerm)); return p; };
    let run = null;
    pages.forEach((page, i) => {
      const part = el("section", "um-lessons-sheetpage"), text = page.text ? page.text(facts) : page.key, values = about(page);
      part.append(el("h3", "", i + 1 + ". " + say(page.kind)));
      if (page.run !== null && page.run !== undefined && page.run !== run) { run = page.run; part.append(el("p", "um-lessons-source", source(models[run]))); }
      // What is explained is filled in from the screen.
      if (text in WORDS) part.append(paragraphs("", text, values, page.kind === "explain", plainTerm));
      if (page.key + "_do" in WORDS) part.append(line("um-lessons-do", page.key + "_do", values, "→ "));
      if (page.kind === "predict" && page.on) { const to = page.on(facts); if (to.at !== undefined) part.append(el("p", "um-lessons-source", say("before")), rows(page, to.at)); }
      if (page.table) part.append(tableBox(page.table(facts)));
      if (page.rows && page.kind === "change") part.append(rowsBox(page.rows(facts)));
      if (page.ask) {
        const ask = asked(page);
        part.append(el("p", "um-lessons-question", say(ask.id + "_q", values)));
        if (ask.type === "choice") { const box = el("p", "um-lessons-boxes"); for (const option of ask.options(facts)) box.append(el("span", "", "☐ " + label(ask, option))); part.append(box); }
      }
      part.append(lines(page.ask && page.kind === "predict" ? 1 : 2));
      out.append(part);
    });
    if (!key) return out;
    const answers = el("section", "um-lessons-answers");
    answers.append(el("h2", "", say("answers") + ": " + school.titleOf(lesson)));
    pages.forEach((page, i) => {
      const part = el("div", "um-lessons-answer"), values = about(page), text = page.text ? page.text(facts) : page.key;
      if (page.ask && page.kind !== "predict") {
        const ask = asked(page), right = label(ask, ask.answer(facts)), look = ask.look && ask.look(facts);
        part.append(line("", ask.id + "_r", Object.assign({}, values, ask.values && ask.values(facts), { right, said: right }), ""));
        if (look && look.at !== undefined && page.run !== null && look.pos !== undefined) part.append(el("p", "um-lessons-source", say("after")), rows(page, look.at));
        if (ask.rows || page.rows) part.append(rowsBox((ask.rows || page.rows)(facts)));
      }
      if (page.kind === "explain" && text in WORDS) part.append(paragraphs("", text, values, false, plainTerm));
      if (page.key + "_after" in WORDS) part.append(paragraphs("", page.key + "_after", values, false, plainTerm));
      if (part.childElementCount) { part.prepend(el("h3", "", i + 1 + ". " + say(page.kind))); answers.append(part); }
    });
    out.append(answers);
    return out;
  }
})();
