/* Hosts the player in a gr.HTML: what Gradio calls `js_on_load`, with `element, props, server, trigger, watch` given.
 *
 * A message is {run, seq, events, vocab, begin?, end?}: the events from number `seq` on; or {run, load: true}: fetch the whole
 * run. Messages are taken one after the other; one that does not follow on makes the player fetch the run as it stands.
 */
const root = element.querySelector('.unmasked');
const player = Unmasked.mount(root, {
  views: JSON.parse(props.views),
  plotly: props.plotly,
  figure: (ask) => server.figure(ask),
  figures: (ask) => server.figures(ask),
  trace: fetchTrace,
  send: (name, data) => trigger(name, data),
  reference: (run) => trigger('reference', {run}),
});
let run = null, have = 0, chain = Promise.resolve();

async function fetchTrace(id) {
  const trace = JSON.parse(await server.trace({run: id}));
  if (trace.error) throw new Error(trace.error);
  return trace;
}

async function whole(id, live) {
  const trace = await fetchTrace(id);
  if (live) {
    const {events, ...header} = trace;
    player.begin(header, {run: id});
    player.push(events, {});
  } else {
    player.load(trace, {run: id});
  }
  run = id;
  have = trace.events.length;
}

async function take(text) {
  if (!text) return;
  const m = JSON.parse(text);
  if (m.load) { await whole(m.run, false); return; }
  if (m.begin) { player.begin(m.begin, {run: m.run}); run = m.run; have = 0; }
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
next();
