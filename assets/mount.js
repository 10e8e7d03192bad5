/* Hosts the player in a gr.HTML: what Gradio calls `js_on_load`, with `element, props, server, trigger, watch` given.
 *
 * A message is {run, seq, events, vocab, begin?, end?}: the events from number `seq` on; or {run, load: true}: fetch the whole
 * run. Messages are taken one after the other; one that does not follow on makes the player fetch the run as it stands.
 * Gradio knows only the events whose names stand here in quotes: 'reference', 'race', 'halt', 'sweep', 'again'.
 * Where the page came with a player that shows a run already (early.js), that one is taken.
 * {race} tells the race lens how its runs go, {sweep} the tuning lens how its sweep goes. `seen` are the runs that this page has shown: only it knows their ids.
 *
 * The address says where the reader is: `#run=bundled:NAME&lens=ID&step=N&pos=N` for a recorded run, `#c=SETTINGS` (base64url of
 * JSON) for one made here, whose settings go back into the controls when the address is opened, `#lesson=ID&page=N` for a page of a
 * lesson, which keeps it while the lesson runs.
 */
const place = element.querySelector('.unmasked'), seen = new Set(), early = window.UnmaskedEarly;
const host = {
  views: JSON.parse(props.views),
  plotly: props.plotly,
  figure: (ask) => server.figure(ask),
  figures: (ask) => server.figures(ask),
  trace: fetchTrace,
  runs: (ask) => server.runs(ask),
  masks: (ask) => server.masks(ask),
  tune: (ask) => server.tune(ask),
  cards: (ask) => server.cards(ask),
  qr: (ask) => server.qr(ask),
  seen,
  formats: JSON.parse(props.formats),
  file: (ask) => server.file(ask),
  send: (name, data) => trigger(name, data),
  reference: (run) => trigger('reference', {run}),
  go: (hash) => { chain = chain.then(() => open(hash)).catch((error) => player.notice(String(error.message || error))); },
  knows: (id) => fetchTrace(id).then(() => true, () => false),
  lesson: (hash) => { lesson = hash; if (hash) history.replaceState(history.state, '', hash); else if (following && here) follow(here); },
  onCursor: (cursor) => { here = cursor; if (following) follow(cursor); },
};
let run = null, have = 0, chain = Promise.resolve(), following = false, header = null, opened = 0, lesson = '', here = null;
if (early) {
  ({run, trace: header, opened} = early);
  have = header.events.length;
  seen.add(run);
}
Unmasked.page(JSON.parse(props.words));
const player = early ? early.adopt(place, host) : Unmasked.mount(place, host), root = player.root;

// What the controls said when the run on screen came, read as late as the reader first touches them; null: not touched since.
let settled = null, checking = 0;

function controls() {
  const fields = document.querySelectorAll('#side :is(input, textarea, select):not([type=file], #shelf *, #compare *)');
  return JSON.stringify(Array.from(fields, (f) => (f.type === 'checkbox' || f.type === 'radio' ? f.checked : Unmasked.page.plain(f))));
}

function shown() {
  settled = null;
  player.stale(false);
}

function compare() {
  clearTimeout(checking);
  // A menu writes its choice after its click.
  if (settled !== null) checking = setTimeout(() => { if (settled !== null) player.stale(controls() !== settled); }, 150);
}

// Typing in the list of runs looks for one; Gradio would put it between the words of the run that is named there.
document.addEventListener('click', ({target: e}) => { if (e.matches?.('#shelf input') && e.selectionStart === e.selectionEnd) e.select(); });

const side = (e) => e.target instanceof Element && e.target.closest('#side');
for (const type of ['pointerdown', 'keydown', 'focusin']) document.addEventListener(type, (e) => { if (settled === null && side(e)) settled = controls(); }, true);
for (const type of ['input', 'change', 'click', 'keyup', 'focusout']) document.addEventListener(type, (e) => { if (side(e)) compare(); });
document.addEventListener('pointerup', compare);

function base64(text) {
  const bytes = Array.from(new TextEncoder().encode(text), (b) => String.fromCharCode(b)).join('');
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function unbase64(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
}

function follow({run, lens, unit, step, pos}) {
  if (lesson) return;
  let hash = '';
  if (String(run).startsWith('bundled:')) {
    // The page as it opens needs no address, and settings that were asked for stay in it until the reader moves.
    if (/^(#c=.*)?$/.test(location.hash) && step === opened && pos === null && lens === 'grid') return;
    hash = `#run=bundled:${encodeURIComponent(run.slice(8))}&lens=${encodeURIComponent(lens)}&step=${step}`;
    if (unit !== 'round') hash += `&unit=${unit}`;
    if (pos !== null) hash += `&pos=${pos}`;
  } else if (header && header.provenance === 'measured') {
    const {method, models, prompt, seed, params, dtype} = header;
    hash = '#c=' + base64(JSON.stringify({method, models, prompt, seed, dtype, knobs: params}));
  }
  if (hash.length > 8000) hash = '';
  if (hash !== location.hash) history.replaceState(history.state, '', hash || location.pathname + location.search);
}

async function open(hash) {
  const asked = Object.fromEntries(new URLSearchParams(hash.slice(1)));
  if (asked.run !== undefined) {
    try {
      if (!asked.run.startsWith('bundled:')) throw new Error('not a recorded run');
      await whole(asked.run, false);
    } catch (error) {
      trigger('link', {wrong: ['run']});
      return;
    }
    trigger('link', {run, wrong: player.restore(asked)});
  } else if (asked.lesson !== undefined) {
    const detail = {lesson: asked.lesson, page: asked.page, wrong: ['lesson']};
    root.dispatchEvent(new CustomEvent('lesson', {detail}));
    if (detail.wrong.length) trigger('link', {wrong: detail.wrong});
  } else if (asked.c !== undefined) {
    let settings = '';
    try { settings = JSON.parse(unbase64(asked.c)); } catch (error) { /* not settings: the server says so */ }
    trigger('link', {settings});
  }
}

async function fetchTrace(id) {
  const trace = JSON.parse(await server.trace({run: id}));
  if (trace.error) throw new Error(trace.error);
  return trace;
}

async function whole(id, live) {
  const trace = await fetchTrace(id);
  header = trace;
  if (live) {
    const {events, ...header} = trace;
    player.begin(header, {run: id});
    player.push(events, {});
  } else {
    player.load(trace, {run: id, opening: true});
    opened = player.state().step;
  }
  shown();
  run = id;
  have = trace.events.length;
}

async function take(text) {
  if (!text) return;
  const m = JSON.parse(text);
  for (const kind of ['race', 'sweep']) if (m[kind]) { root.dispatchEvent(new CustomEvent(kind, {detail: m[kind]})); return; }
  seen.add(m.run);
  if (m.load && m.run === run) { shown(); return; }
  if (m.load) { await whole(m.run, false); return; }
  if (m.begin) { shown(); header = m.begin; player.begin(m.begin, {run: m.run}); run = m.run; have = 0; }
  if (m.run !== run || m.seq > have) {
    await whole(m.run, true);
  } else if (m.events.length) {
    const fresh = m.events.slice(have - m.seq);
    player.push(fresh, m.vocab);
    have += fresh.length;
  }
  if (m.end) player.finish(m.end);
}

function next() {
  const text = props.value;
  chain = chain.then(() => take(text)).catch((error) => player.notice(String(error.message || error)));
}
watch('value', next);
chain = chain.then(() => open(location.hash)).catch((error) => player.notice(String(error.message || error)));
chain.then(() => { if (!run) next(); }).then(() => { following = true; });
