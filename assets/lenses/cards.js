/* What another card would do: the run on screen against plain decoding of its prompt, MODELLED by tune/roofline.py on the server.
 *
 * Whatever the model says is hatched and called est.; what was measured is not. Nothing is computed here but where a number stands
 * in a chart. `host.cards(ask)` answers {run, seen, card, like, batch, context, compiled} as tune/when.py says.
 */
(function () {
  "use strict";
  const { el, attrs, svg, put, num, duration } = Unmasked.kit;

  const WORDS = {
    how: "The calls that this run made, as if they were made on another machine. Hatched numbers are MODELLED by a cost model, not measured: est. What was measured stands plain.",
    group: "Other cards", card: "Card", like: "As if the model were", own: "the recorded one", parameters: "{name}, {n} B parameters", batch: "Texts at once", context: "Context tokens more",
    compiled: "Compiled calls", compiled_t: "As with CUDA graphs: no launch from Python for each kernel",
    wrongBatch: "Texts at once: a whole number from 1 to 1024.", wrongContext: "Context tokens more: a whole number from 0 to 32768.",
    loading: "Working it out …", live: "The comparison starts when this run has ended.", noServer: "This needs the explorer's server, and the page was opened without one.", failed: "This could not be worked out: {error}",
    est: "est.", modelled: "MODELLED", measured: "MEASURED",
    says: "{title} on {card}{like}: {x} of plain decoding's time{more}.", as: ", as if it were {name}", saysBatch: " with {n} texts at once", saysContext: " and {n} tokens of context more", saysContext1: " with {n} tokens of context more",
    slower: "slower than plain decoding", faster: "faster than plain decoding",
    batch_from: "From {n} texts at once on it is slower than plain decoding{ideal}.", batch_all: "It is slower than plain decoding at every number of texts at once{ideal}.", batch_none: "It is not slower than plain decoding up to {most} texts at once{ideal}.",
    context_from: "From {n} tokens of context more on it is slower{ideal}.", context_all: "It is slower whatever the context{ideal}.", context_none: "It is not slower up to {most} tokens of context more{ideal}.",
    ideal: " ({n} if kernels reached all of the card)", idealNone: " (never, if kernels reached all of the card)",
    itself: "This run is plain decoding itself: open a run of another method to compare.",
    tableName: "Cards: time of the run, of plain decoding, and their ratio", t_card: "machine", t_run: "this run", t_plain: "plain decoding", t_ratio: "ratio", t_bound: "bound by", t_kind: "kind",
    memory: "memory", compute: "compute", launch: "launching", here: "this machine: {hardware}", ran: "where it ran: {hardware}", hereOwn: "this machine, the recorded model", unfit: "needs {n} GB, has {m} GB", none: "–", apart: "not on one machine", choose: "Show {title} in the charts",
    against: "Plain decoding: {label}.", told: "Plain decoding: {label}; its calls are told from its totals.", forAll: "Times are for all {n} texts together.",
    off: "MODELLED on this machine, the ratio of these two runs is {n}% off the measured one.", checked: "On {prompts} prompts that it was not fitted to, it is {n}% off in the median of {lines} lines of methods and models.",
    chart_batch: "Ratio by texts at once", chart_context: "Ratio by context tokens more", axis_batch: "texts at once", axis_context: "tokens of context more", one: "1.0: as long as plain decoding", above: "slower than plain decoding ↑",
    crosses: "slower from {n}", crossesAll: "slower everywhere", crossesNone: "never slower up to {most}", unfitFrom: "does not fit in the card's memory", chartAlt: "{name} on {card}, MODELLED: {points}. {crossing}.", point: "{at}: {x}",
    assumptions: "What is assumed", sources: "Where the cards' figures come from",
    a_drafts: "Which drafts were kept is the recorded run's, also where another model's sizes are put in. A larger model may keep more or fewer.",
    a_like: "Sizes: {pairs}.", a_pair: "{name} as {of}", a_step: "All texts keep step: each makes the calls of this run.",
    a_reach: "Kernels reach {memory}% of a machine's bandwidth and {compute}% of its peak, as fitted on {hardware} ({date}). That cards do the same is an assumption: so the second number behind each crossing.",
    a_launch: "An ordinary call is launched in {call} ms and {layer} ms a layer, as here; compiled, a kernel takes at least 2 µs. A card works while its host launches.",
    a_context: "More context is read with the first call where the model has a cache, and with every call where it sees the whole text.",
    a_limit: "{name} was trained for {n} positions.",
    source: "{title}: {bandwidth} GB/s, {peak} TFLOP/s ({dtype}), {memory} GB. {source}", figures: "Bandwidth and dense peak are the makers' figures.",
    figureTitle: "{title} against plain decoding, MODELLED for {card}{like}",
  };
  const say = Unmasked.words("cards", WORDS);
  const MOST = { batch: 1024, context: 32768 };
  const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
  const x2 = (x) => (x < 10 ? x.toFixed(2) : num(Math.round(x)));
  const tera = (x) => num(Number((x / 1e12).toPrecision(3)));

  /** Where `at` stands on an axis of doublings, in steps from the left: 1, 2, 4, ... or 0, 64, 128, ... */
  function place(along, at) {
    if (along === "batch") return Math.log2(at);
    return at <= 64 ? at / 64 : 1 + Math.log2(at / 64);
  }

  class Cards {
    constructor(stage) {
      this.stage = stage;
      this.asked = { card: "h100", like: null, batch: 1, context: 0, compiled: false };
      this.said = null;
      this.ticket = 0;
      this.serial = ++Cards.count;
      this.build();
    }

    build() {
      this.spoken = document.documentElement.lang;
      const box = this.box = attrs(el("div", "um-cards"), { role: "group", "aria-label": say("group") });
      const how = el("p", "um-cards-how");
      how.append(el("span", "um-prov um-simulated", say("modelled")), " " + say("how"));
      const form = el("div", "um-cards-form");
      const field = (name, control) => {
        const label = el("label", "um-field um-cards-field");
        label.append(el("span", "um-fieldname", say(name)), control);
        form.append(label);
        return control;
      };
      this.card = field("card", el("select", "um-select"));
      this.like = field("like", el("select", "um-select"));
      this.batch = field("batch", attrs(el("input", "um-cards-number"), { type: "number", min: "1", max: "1024", step: "1" }));
      this.context = field("context", attrs(el("input", "um-cards-number"), { type: "number", min: "0", max: "32768", step: "64" }));
      this.compiled = field("compiled", attrs(el("input", "um-cards-check"), { type: "checkbox" }));
      this.compiled.parentElement.title = say("compiled_t");
      this.card.addEventListener("change", () => this.change({ card: this.card.value }));
      this.like.addEventListener("change", () => this.change({ like: this.like.value }));
      this.compiled.addEventListener("change", () => this.change({ compiled: this.compiled.checked }));
      for (const name of ["batch", "context"]) this[name].addEventListener("input", () => this.number(name));
      this.answer = attrs(el("p", "um-cards-answer"), { role: "status" });
      this.rest = el("div", "um-cards-rest");
      box.append(how, form, this.answer, this.rest);
      this.stage.box.replaceChildren(box);
    }

    number(name) {
      const value = Number(this[name].value), least = name === "batch" ? 1 : 0;
      const right = this[name].value !== "" && Number.isInteger(value) && value >= least && value <= MOST[name];
      attrs(this[name], { "aria-invalid": String(!right) });
      if (!right) return put(this.answer, say(name === "batch" ? "wrongBatch" : "wrongContext"));
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.change({ [name]: value }), 250);
    }

    change(what) {
      Object.assign(this.asked, what);
      this.ask();
    }

    show() {
      const run = this.stage.cursor().run, model = this.stage.model();
      if (document.documentElement.lang !== this.spoken) { this.build(); if (this.said) this.fill(); }
      if (run !== this.run || model.finish !== this.finished) {
        if (run !== this.run) this.asked.like = null;
        this.run = run;
        this.finished = model.finish;
        this.said = null;
        return void this.ask();
      }
      if (this.said && (this.stage.dark() !== this.wasDark || this.box.clientWidth !== this.wasWide)) this.draw();
    }

    cursor() {}

    only(sentence) {
      this.said = null;
      this.rest.replaceChildren();
      put(this.answer, sentence);
    }

    async ask() {
      const { host } = this.stage, ticket = ++this.ticket;
      if (!this.finished) return this.only(say("live"));
      if (!host.cards) return this.only(say("noServer"));
      if (!this.said) put(this.answer, say("loading"));
      let reply;
      try {
        reply = await host.cards(Object.assign({ run: this.run, seen: Array.from(host.seen || []) }, this.asked));
      } catch (error) {
        if (ticket === this.ticket) this.only(say("failed", { error: error && error.message ? error.message : String(error) }));
        return;
      }
      if (ticket !== this.ticket) return;
      if (reply.error) return this.only(String(reply.error));
      this.said = reply;
      this.fill();
    }

    /** What the answer says into the controls, then all of it. */
    fill() {
      const said = this.said, at = said.asked;
      Object.assign(this.asked, at);
      const options = (select, all, chosen) => {
        const key = JSON.stringify(all);
        if (select.dataset.key !== key) {
          select.dataset.key = key;
          select.replaceChildren(...all.map(([value, text]) => attrs(el("option", "", text), { value })));
        }
        select.value = chosen;
      };
      options(this.card, said.rows.map((r) => [r.card, this.title(r)]), at.card);
      const own = said.here ? [["", say("own")]] : [];
      options(this.like, [...own, ...said.offers.map(([name, n]) => [name, say("parameters", { name, n: (n / 1e9).toFixed(n < 1e10 ? 1 : 0) })])], at.like);
      for (const name of ["batch", "context"]) if (document.activeElement !== this[name]) this[name].value = String(at[name]);
      this.compiled.checked = at.compiled;
      this.draw();
    }

    title(row) { return row.card === "this-cpu" ? say("here", { hardware: this.said.fit.hardware }) : row.title; }
    row() { return this.said.rows.find((r) => r.card === this.said.asked.card); }
    likeName() { return this.said.asked.like ? say("as", { name: this.said.asked.like }) : ""; }

    crossing(along) {
      const { crossing } = this.said, at = crossing[along], other = crossing[along + "_ideal"], least = along === "batch" ? 1 : 0;
      const ideal = at === other ? "" : other === null ? say("idealNone") : say("ideal", { n: num(other) });
      if (at === null) return say(along + "_none", { most: num(MOST[along]), ideal });
      return at === least ? say(along + "_all", { ideal }) : say(along + "_from", { n: num(at), ideal });
    }

    sentence() {
      const said = this.said, at = said.asked, row = this.row();
      if (said.itself) return say("itself");
      const more = (at.batch > 1 ? say("saysBatch", { n: num(at.batch) }) : "") + (at.context ? say(at.batch > 1 ? "saysContext" : "saysContext1", { n: num(at.context) }) : "");
      return [say("says", { title: said.title, card: this.title(row), like: this.likeName(), x: x2(row.ratio) + "× (" + say("est") + ")", more }), this.crossing("batch"), this.crossing("context")].join(" ");
    }

    colours() {
      const style = getComputedStyle(this.box);
      return Object.fromEntries(["page", "text", "soft", "line", "rule", "panel", "accent", "rejected", "masked"].map((n) => [n, style.getPropertyValue("--um-" + n).trim()]));
    }

    draw() {
      this.wasDark = this.stage.dark();
      this.wasWide = this.box.clientWidth;
      put(this.answer, this.sentence());
      const parts = [this.table(), this.remarks()];
      if (!this.said.itself) parts.push(this.charts());
      parts.push(this.list("assumptions", this.assumed()), this.list("sources", this.sourced()));
      // What had the focus keeps it.
      const focused = this.rest.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      this.rest.replaceChildren(...parts);
      if (focused) { const again = this.rest.querySelector('[data-key="' + focused + '"]'); if (again) again.focus(); }
    }

    table() {
      const said = this.said, { measured, here } = said, frame = attrs(el("div", "um-cards-frame"), { tabindex: "0", role: "region", "aria-label": say("tableName") });
      frame.dataset.key = "table";
      const table = el("table", "um-cards-table"), head = el("tr"), body = el("tbody"), thead = el("thead");
      for (const name of ["t_card", "t_kind", "t_run", "t_plain", "t_ratio", "t_bound"]) head.append(attrs(el("th", "", say(name)), { scope: "col" }));
      thead.append(head);
      const most = Math.max(1.25, ...said.rows.map((r) => r.ratio), measured.ratio || 0);
      const line = (name, kind, run, plain, ratio, bound, cls) => {
        const tr = el("tr", cls), est = kind === "modelled", cell = (text) => el("td", est ? "um-cards-est" : "", text);
        const th = attrs(el("th"), { scope: "row" });
        th.append(name);
        const bar = el("td", est ? "um-cards-est" : "");
        if (ratio === null) bar.append(el("span", "um-faint", say("apart")));
        else {
          const track = attrs(el("span", "um-cards-track"), { "aria-hidden": "true" }), fillBar = el("span", "um-cards-bar" + (ratio > 1 ? " um-cards-slow" : "")), one = el("span", "um-cards-one");
          fillBar.style.width = (100 * ratio) / most + "%";
          one.style.left = 100 / most + "%";
          track.append(fillBar, one);
          bar.append(el("span", "um-cards-x", x2(ratio) + "×"), track);
        }
        tr.append(th, cell(say(kind)), cell(duration(run)), cell(duration(plain)), bar, cell(bound));
        body.append(tr);
        return tr;
      };
      line(say("ran", { hardware: measured.hardware || "?" }), "measured", measured.run, measured.plain, measured.ratio, say("none"), "");
      if (here) line(say("hereOwn"), "modelled", here.run, here.plain, here.ratio, say(here.bound), "um-cards-end");
      for (const row of said.rows) {
        if (row.card === "this-cpu" && !said.asked.like && said.asked.batch === 1 && !said.asked.context) continue; // the line above
        const b = attrs(el("button", "um-cards-pick", this.title(row)), { type: "button", title: say("choose", { title: this.title(row) }), "aria-pressed": String(row.card === said.asked.card) });
        b.dataset.key = "card-" + row.card;
        b.addEventListener("click", () => this.change({ card: row.card }));
        const bound = say(row.bound) + (row.fits ? "" : "; " + say("unfit", { n: num(Math.ceil(row.needs / 1e9)), m: num(Math.round(row.memory / 1e9)) }));
        line(b, "modelled", row.run, row.plain, row.ratio, bound, (row.card === said.asked.card ? "um-cards-chosen" : "") + (row.fits ? "" : " um-cards-unfit"));
      }
      table.append(thead, body);
      frame.append(table);
      return frame;
    }

    remarks() {
      const said = this.said, out = el("p", "um-cards-remarks um-faint"), parts = [say(said.plain.exact ? "against" : "told", { label: said.plain.label })];
      if (said.asked.batch > 1) parts.push(say("forAll", { n: num(said.asked.batch) }));
      if (said.here && said.measured.ratio && !said.itself) parts.push(say("off", { n: Math.round(100 * Math.abs(said.here.ratio / said.measured.ratio - 1)) }));
      const v = said.fit.validated;
      if (v) parts.push(say("checked", { prompts: v.prompts, lines: v.lines, n: Number((100 * v.calls).toPrecision(2)) }));
      out.textContent = parts.join(" ");
      return out;
    }

    assumed() {
      const said = this.said, { fit } = said, pairs = Object.entries(said.sizes), out = [say("a_drafts")];
      if (said.asked.like) out.push(say("a_like", { pairs: pairs.map(([name, [of]]) => say("a_pair", { name, of })).join(", ") }));
      if (said.asked.batch > 1) out.push(say("a_step"));
      out.push(say("a_reach", { memory: Math.round(100 * fit.memory), compute: Math.round(100 * fit.compute), hardware: fit.hardware, date: fit.date }));
      out.push(say("a_launch", { call: Number((1000 * fit.call).toPrecision(2)), layer: Number((1000 * fit.layer).toPrecision(2)) }), say("a_context"));
      for (const [, [name, , context]] of pairs) if (context) out.push(say("a_limit", { name, n: num(context) }));
      return out;
    }

    sourced() {
      return [say("figures"), ...this.said.rows.map((r) => say("source", { title: this.title(r), bandwidth: num(Math.round(r.bandwidth / 1e9)), peak: tera(r.peak), dtype: r.dtype, memory: num(Math.round(r.memory / 1e9)), source: r.source + (r.url ? ": " + r.url : "") }))];
    }

    list(title, lines) {
      const box = el("section", "um-cards-list"), ul = el("ul");
      ul.append(...lines.map((text) => el("li", "", text)));
      box.append(el("h4", "", say(title)), ul);
      return box;
    }

    // ---------------------------------------------------------------------------------------------- charts
    charts() {
      const box = el("div", "um-cards-charts"), wide = this.box.clientWidth || 700, two = wide >= 720, width = two ? Math.floor((wide - 24) / 2) : wide;
      for (const along of ["batch", "context"]) {
        const s = attrs(svg("svg", { width, height: 270, viewBox: "0 0 " + width + " 270" }), { role: "img", "aria-label": this.alt(along) });
        s.classList.add("um-cards-chart");
        this.chart(s, along, { left: 0, top: 0, width, height: 270, colours: this.colours(), id: "um-cards-" + this.serial + "-" + along });
        box.append(s);
      }
      return box;
    }

    crossed(along) {
      const at = this.said.crossing[along], least = along === "batch" ? 1 : 0;
      return at === null ? say("crossesNone", { most: num(MOST[along]) }) : at === least ? say("crossesAll") : say("crosses", { n: num(at) });
    }

    alt(along) {
      const points = this.said.curves[along].map(([at, x]) => say("point", { at: num(at), x: x2(x) })).join(", ");
      return say("chartAlt", { name: say("chart_" + along), card: this.title(this.row()), points, crossing: this.crossed(along) });
    }

    chart(s, along, { left, top, width, height, colours, id }) {
      const points = this.said.curves[along], values = points.map((p) => p[1]), narrow = width < 420;
      const pad = { left: left + 44, right: left + width - 12, top: top + 44, bottom: top + height - 42 };
      const lo = Math.min(0.5, ...values) / 1.15, hi = Math.max(2, ...values) * 1.15, steps = points.length - 1;
      const X = (at) => pad.left + (place(along, at) / steps) * (pad.right - pad.left), Y = (v) => pad.bottom - (Math.log(v / lo) / Math.log(hi / lo)) * (pad.bottom - pad.top);
      const write = (x, y, text, map) => s.append(svg("text", Object.assign({ x, y, fill: colours.text, "font-size": 12 }, map), text));
      const defs = svg("defs"), hatch = (name, ink, gap) => {
        const p = svg("pattern", { id: id + name, width: gap, height: gap, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
        p.append(svg("line", { x1: 0, x2: 0, y1: 0, y2: gap, stroke: ink, "stroke-width": 1.6, opacity: 0.5 }));
        defs.append(p);
        return "url(#" + id + name + ")";
      };
      const slow = hatch("slow", colours.rejected, 9), unfit = hatch("unfit", colours.rule, 5);
      s.append(defs);
      write(pad.left - 36, top + 16, say("chart_" + along), { "font-weight": 600, "font-size": 13 });
      write(pad.right, top + 16, say("modelled"), { "text-anchor": "end", "font-size": 10, fill: colours.soft, "letter-spacing": ".06em" });
      s.append(svg("rect", { x: pad.left, y: pad.top, width: pad.right - pad.left, height: Math.max(0, Y(1) - pad.top), fill: slow, opacity: 0.35 }));
      const full = points.findIndex((p) => !p[3]);
      if (full >= 0) {
        const from = full ? (X(points[full - 1][0]) + X(points[full][0])) / 2 : pad.left;
        s.append(svg("rect", { x: from, y: pad.top, width: pad.right - from, height: pad.bottom - pad.top, fill: unfit, opacity: 0.5 }));
        write(pad.right, pad.bottom - 6, say("unfitFrom"), { "text-anchor": "end", "font-size": 11, fill: colours.soft, stroke: colours.page, "stroke-width": 3, "paint-order": "stroke" });
      }
      for (const v of TICKS.filter((t) => t >= lo && t <= hi)) {
        s.append(svg("line", { x1: pad.left, x2: pad.right, y1: Y(v), y2: Y(v), stroke: v === 1 ? colours.text : colours.line, "stroke-width": v === 1 ? 1.5 : 1 }));
        write(pad.left - 6, Y(v) + 4, String(v), { "text-anchor": "end", "font-size": 11, fill: colours.soft });
      }
      write(pad.left + 5, pad.top + 14, say("above"), { "font-size": 11, fill: colours.text, stroke: colours.page, "stroke-width": 3, "paint-order": "stroke" });
      points.forEach(([at], i) => {
        if (i % (narrow ? 3 : 2) && i !== steps) return;
        if (i !== steps && steps - i < (narrow ? 2 : 1)) return;
        s.append(svg("line", { x1: X(at), x2: X(at), y1: pad.bottom, y2: pad.bottom + 4, stroke: colours.rule }));
        write(X(at), pad.bottom + 16, at >= 10000 ? num(at / 1024) + "k" : num(at), { "text-anchor": i === steps ? "end" : "middle", "font-size": 11, fill: colours.soft });
      });
      write((pad.left + pad.right) / 2, pad.bottom + 34, say("axis_" + along), { "text-anchor": "middle", "font-size": 11, fill: colours.soft });
      s.append(svg("polyline", { points: points.map(([at, v]) => X(at).toFixed(1) + "," + Y(v).toFixed(1)).join(" "), fill: "none", stroke: colours.accent, "stroke-width": 2, "stroke-dasharray": "6 3" }));
      for (const [at, v, bound, fits] of points) {
        const dot = svg("circle", { cx: X(at), cy: Y(v), r: 3.5, fill: fits ? colours.accent : colours.page, stroke: colours.accent, "stroke-width": 1.5 });
        dot.append(svg("title", {}, say("point", { at: num(at), x: x2(v) + "×, " + say(bound) })));
        s.append(dot);
      }
      const here = this.said.asked[along], now = this.row().ratio;
      s.append(svg("circle", { cx: X(here), cy: Y(Math.min(hi, Math.max(lo, now))), r: 7, fill: "none", stroke: colours.text, "stroke-width": 2 }));
      const at = this.said.crossing[along], least = along === "batch" ? 1 : 0, text = this.crossed(along);
      if (at !== null && at > least) {
        const x = X(at), end = x > (pad.left + pad.right) / 2;
        s.append(svg("line", { x1: x, x2: x, y1: pad.top, y2: pad.bottom, stroke: colours.rejected, "stroke-width": 1.5 }));
        write(x + (end ? -5 : 5), pad.top - 6, text, { "text-anchor": end ? "end" : "start", "font-weight": 600 });
      } else write(pad.left, pad.top - 6, text, { "font-weight": 600 });
    }

    // ---------------------------------------------------------------------------------------------- files
    csv() {
      if (!this.said) return [];
      const { rows, curves, measured, here, asked } = this.said, out = [["kind", "machine", "model", "batch", "context", "compiled", "run_s", "plain_s", "ratio", "bound", "fits"]];
      const line = (kind, r, batch, context, like) => out.push([kind, r.card, like || this.said.model, batch, context, asked.compiled, r.run, r.plain, r.ratio, r.bound, r.fits]);
      out.push(["MEASURED", measured.hardware, this.said.model, 1, 0, "", measured.run, measured.plain, measured.ratio === null ? "" : measured.ratio, "", ""]);
      if (here) line("MODELLED", here, 1, 0, "");
      for (const r of rows) line("MODELLED", r, asked.batch, asked.context, asked.like);
      for (const along of ["batch", "context"]) {
        for (const [at, ratio, bound, fits] of curves[along]) {
          line("MODELLED", { card: asked.card, run: "", plain: "", ratio, bound, fits }, along === "batch" ? at : asked.batch, along === "context" ? at : asked.context, asked.like);
        }
      }
      return out;
    }

    /** Both charts as one standalone SVG. */
    figure() {
      if (!this.said || this.said.itself) return null;
      const colours = this.colours(), width = 940, height = 380, s = svg("svg", { width, height, viewBox: "0 0 " + width + " " + height, "font-family": '"IBM Plex Sans", system-ui, sans-serif' });
      s.append(svg("rect", { width, height, fill: colours.page }));
      s.append(svg("text", { x: 16, y: 28, fill: colours.text, "font-size": 14, "font-weight": 600 }, say("figureTitle", { title: this.said.title, card: this.title(this.row()), like: this.likeName() })));
      ["batch", "context"].forEach((along, i) => this.chart(s, along, { left: 8 + i * 466, top: 44, width: 458, height: 280, colours, id: "um-cards-figure-" + this.serial + along }));
      [this.crossing("batch"), this.crossing("context")].forEach((text, i) => s.append(svg("text", { x: 16, y: 344 + i * 18, fill: colours.soft, "font-size": 12 }, text)));
      return s;
    }

    about() { return this.said ? { note: this.sentence() } : {}; }

    destroy() {
      clearTimeout(this.timer);
      this.ticket = -1;
      this.box.remove();
    }
  }
  Cards.count = 0;

  Unmasked.lens("cards", (stage) => new Cards(stage), { title: "Cards", question: "What would another card do, and from which batch or context on is it slower than plain decoding?", order: 90, needs: [], wide: true });
})();
