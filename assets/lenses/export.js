/* The export menu, right of the lens tabs: what is on screen as PNG, SVG or CSV, its caption, and the run as a file.
 *
 * Figures and their CSV are made here, in the browser; files of the run are asked of the host ({formats, file}; see viz/exports).
 * Text of tokens only ever becomes text nodes of an SVG or cells of a CSV.
 */
(function () {
  "use strict";
  const { el, attrs, svg: s } = Unmasked.kit;

  const WORDS = {
    export: "Export", menu: "Export this view or this run", view: "This view", run: "This run",
    png: "Picture (PNG)", svg: "Vector figure (SVG)", csv: "What is drawn (CSV)", caption: "Copy the caption",
    saved: "Saved {name}.", copied: "Caption copied.", working: "Making the file…", failed: "Not exported: {error}",
    noFigure: "This view has nothing to draw yet.", noTable: "This view has no table.", noCopy: "this browser does not let the page copy",
    mapTitle: "Positions × rounds, coloured by {metric}",
  };
  const said = Unmasked.words("export", WORDS);
  // Without the page's own web font, which a saved figure has not got.
  const SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';
  const MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono CJK", monospace';
  const PAD = 24; // around a figure
  const FORMULA = /^[=+\-@\t\r]/;
  let serial = 0;

  // ------------------------------------------------------------------------------------------------ words and tables
  /** As caption() of viz/exports/caption.py; a test compares the two. */
  function caption(head) {
    const value = (v) => (v === true ? "yes" : v === false ? "no" : String(v));
    const models = Object.entries(head.models || {});
    const model = models.length > 1 ? models.map(([role, name]) => role + " " + name).join(" + ") : head.model;
    const settings = Object.entries(head.params || {}).map(([name, v]) => name + " = " + value(v)).join(", ");
    const where = [head.hardware, ...Object.entries(head.versions || {}).map(([name, v]) => name + " " + v)].filter(Boolean).join(", ");
    const origin = (head.provenance === "simulated" ? "simulated, not measured" : "recorded") + (where ? " on " + where : "");
    const who = head.paper ? head.title + " (" + head.paper + ")" : head.title;
    return [who + " on " + model, settings, "seed " + head.seed, origin + (head.recorded ? ", " + head.recorded : "")].filter(Boolean).join("; ") + ".";
  }

  /** Rows as CSV. Text that a spreadsheet would take for a formula is marked as text, as in viz/exports/tables.py. */
  function table(rows) {
    const cell = (x) => {
      let s = x === null || x === undefined || (typeof x === "number" && Number.isNaN(x)) ? "" : String(x);
      if (typeof x !== "number" && FORMULA.test(s)) s = "'" + s;
      return /[",\n\r]/.test(s) ? '"' + s.replace(/"/g, '""') + '"' : s;
    };
    return rows.map((row) => Array.from(row, cell).join(",") + "\n").join("");
  }

  /** What a Plotly figure draws, a row per point; `literal` of viz/theme.py is undone. */
  function plotRows(plot) {
    const entities = { amp: "&", lt: "<", gt: ">", "#36": "$", "#37": "%" };
    const plain = (x) => (typeof x === "string" ? x.replace(/<br\s*\/?>/g, " ").replace(/<[^>]*>/g, "").replace(/&(amp|lt|gt|#36|#37);/g, (whole, name) => entities[name]) : x);
    const at = (list, i) => (list === undefined || list === null ? "" : typeof list === "object" ? list[i] : list);
    const axis = (id, way) => { const a = (plot._fullLayout || {})[way + "axis" + String(id || way).slice(1)]; return plain((a && a.title && a.title.text) || way); };
    const rows = [["series", "x_axis", "x", "y_axis", "y", "z", "text"]];
    // _fullData, because there typed arrays that Python sent as base64 are arrays again.
    (plot._fullData || plot.data || []).forEach((trace, n) => {
      if (trace.visible === false || trace.visible === "legendonly") return;
      const name = plain(trace.name || "trace " + n), across = axis(trace.xaxis, "x"), up = axis(trace.yaxis, "y"), texts = trace.text && trace.text.length ? trace.text : trace.hovertext;
      const row = (x, y, z, text) => rows.push([name, across, plain(x), up, plain(y), z, plain(text)]);
      if (trace.z && trace.z.length && typeof trace.z[0] === "object") {
        Array.from(trace.z, (line, i) => Array.from(line, (z, k) => row(at(trace.x, k), at(trace.y, i), z, at(at(texts, i), k))));
        return;
      }
      const count = Math.max(...[trace.x, trace.y].map((list) => (list && typeof list === "object" ? list.length : 0)));
      for (let i = 0; i < count; i++) {
        const x = at(trace.x, i), y = at(trace.y, i);
        if ((x === null || x === undefined) && (y === null || y === undefined)) continue; // a gap in a line
        row(x, y, at(trace.z, i), at(texts, i));
      }
    });
    return rows;
  }

  // ------------------------------------------------------------------------------------------------ figures
  const words = (x, y, text, size, colour, more) => s("text", Object.assign({ x, y, "font-family": SANS, "font-size": size, fill: colour, "xml:space": "preserve" }, more), text);

  const ruler = document.createElement("canvas").getContext("2d");
  /** Pixels that a text takes; a little more, because another machine has another font. */
  function long(text, size, weight) {
    ruler.font = weight + " " + size + "px " + SANS;
    return ruler.measureText(text).width * 1.06;
  }

  /** Lines that fit `width` pixels. */
  function wrap(text, size, weight, width) {
    const lines = [];
    let line = "";
    for (const word of text.split(" ")) {
      const longer = line ? line + " " + word : word;
      if (line && long(longer, size, weight) > width) { lines.push(line); line = word; } else line = longer;
    }
    if (line) lines.push(line);
    return lines;
  }

  /** How exact the run is, as its badge says; nothing where a lens shows other runs, which have badges of their own. */
  const exactness = (player, about) => (!about.head && player.exactness ? player.exactness.replace(/\.?$/, ".") : "");

  /** Around a figure: title, the sentence of this step, the figure, the caption. */
  function sheet(player, view, figure, about) {
    const style = getComputedStyle(player.root), ink = (name) => style.getPropertyValue("--um-" + name).trim();
    const head = about.head || player.model.head, inner = Math.max(320, figure.width), width = inner + 2 * PAD;
    const out = s("svg", { width, "font-family": SANS });
    let y = PAD;
    const put = (text, size, colour, weight, height) => {
      for (const line of wrap(text, size, weight, inner)) {
        out.append(words(PAD, (y += height) - height / 4, line, size, colour, { "font-weight": weight }));
      }
    };
    put((head.title || head.method) + " · " + view.title, 17, ink("text"), 600, 24);
    put(about.status || player.state().status, 12, ink("soft"), 400, 18);
    y += 12;
    figure.node.setAttribute("transform", "translate(" + PAD + " " + y + ")");
    out.append(figure.node);
    y += figure.height + 12;
    put([caption(head), exactness(player, about), about.note].filter(Boolean).join(" "), 11, ink("soft"), 400, 16);
    const height = Math.ceil(y + PAD - 4);
    attrs(out, { height, viewBox: "0 0 " + width + " " + height });
    out.prepend(s("title", {}, (head.title || head.method) + " · " + view.title), s("rect", { width, height, fill: ink("page") }));
    return out;
  }

  /** A box with the fill, border and hatching that a page element has. */
  function box(style, x, y, w, h, hatch) {
    const g = s("g"), clear = (c) => c === "transparent" || /, 0\)$/.test(c), width = (side) => parseFloat(style["border" + side + "Width"]) || 0;
    const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, h / 2), b = width("Top"), round = { x, y, width: w, height: h, rx: radius };
    if (!clear(style.backgroundColor)) g.append(s("rect", Object.assign({ fill: style.backgroundColor }, round)));
    if (/repeating-linear/.test(style.backgroundImage)) g.append(s("rect", Object.assign({ fill: "url(#" + hatch + ")" }, round)));
    const line = (inset, thick, dash) => g.append(s("rect", {
      x: x + inset, y: y + inset, width: w - 2 * inset, height: h - 2 * inset, rx: Math.max(0, radius - inset), fill: "none", stroke: style.borderTopColor, "stroke-width": thick,
      "stroke-dasharray": dash, "stroke-linecap": dash && dash[0] === "0" ? "round" : undefined,
    }));
    if (b && style.borderTopStyle !== "none" && !clear(style.borderTopColor)) {
      if (style.borderTopStyle === "double") { line(b / 6, b / 3); line(b - b / 6, b / 3); } else line(b / 2, b, { dashed: "4 3", dotted: "0 " + 2 * b }[style.borderTopStyle]);
    } else if (width("Bottom") && style.borderBottomStyle !== "none" && !clear(style.borderBottomColor)) {
      g.append(s("rect", { x, y: y + h - width("Bottom"), width: w, height: width("Bottom"), fill: style.borderBottomColor }));
    }
    return g;
  }

  function hatching(player, id) {
    const colour = getComputedStyle(player.root).getPropertyValue("--um-hatch").trim();
    const pattern = s("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(s("rect", { width: 1, height: 5, fill: colour }));
    return pattern;
  }

  /** As wide as it is here, so that it keeps its place in another font. */
  function spread(node) {
    const range = document.createRange();
    range.selectNodeContents(node.firstChild);
    return { textLength: range.getBoundingClientRect().width.toFixed(2), lengthAdjust: "spacingAndGlyphs" };
  }

  /** Below what differs from the reference. */
  const dots = (x, y, width, colour) => s("line", { x1: x, x2: x + width, y1: y, y2: y, stroke: colour, "stroke-width": 2.4, "stroke-linecap": "round", "stroke-dasharray": "0 5" });

  /** The token text as it stands on the page, every chip where it is. */
  function chips(player, hatch) {
    const text = player.text, g = s("g");
    for (const node of text.children) {
      const style = getComputedStyle(node), x = node.offsetLeft, y = node.offsetTop, w = node.offsetWidth, h = node.offsetHeight;
      if (!w || style.visibility === "hidden" || node.className === "um-break") continue;
      const size = parseFloat(style.fontSize);
      if (!node.dataset.pos) {
        // A heading, or the rule and name in front of a block.
        const rule = parseFloat(style.borderLeftWidth) || 0, name = style.textTransform === "uppercase" ? node.textContent.toUpperCase() : node.textContent;
        if (rule) g.append(s("rect", { x, y, width: rule, height: h, fill: style.borderLeftColor }));
        g.append(words(x + (parseFloat(style.paddingLeft) || 0) + rule, y + h / 2 + size * 0.36, name, size, style.color, Object.assign({ "font-weight": style.fontWeight }, spread(node))));
        continue;
      }
      const border = parseFloat(style.borderLeftWidth) || 0, left = border + parseFloat(style.paddingLeft), base = h / 2 + size * 0.34;
      const chip = s("svg", { x, y, width: w, height: h, opacity: style.opacity === "1" ? undefined : style.opacity }), shown = node.firstChild.data;
      chip.append(box(style, 0, 0, w, h, hatch));
      const look = { "font-family": MONO, "text-decoration": style.textDecorationLine === "line-through" ? "line-through" : undefined, "font-variant": style.fontVariantCaps === "small-caps" ? "small-caps" : undefined };
      if (shown.trim()) {
        chip.append(words(left, base, shown, size, style.color, Object.assign(look, spread(node))));
      }
      const marks = node.dataset.o, glyph = node.dataset.g;
      if (marks && node.dataset.s === "masked") chip.append(words(w / 2, base, marks, size, style.color, { opacity: 0.5, "text-anchor": "middle" }));
      else if (marks) chip.append(words(left, base, marks, size, style.color, { opacity: 0.45, "font-family": MONO }));
      if (glyph) chip.append(words(w - border - 3, h / 2 + 3.5, glyph, 10, style.color, { "text-anchor": "end", "font-weight": 600 }));
      g.append(chip);
      if (node.classList.contains("um-differs")) g.append(dots(x + border + 2, y + h - border - 2, w - 2 * border - 4, style.color));
      if (node.classList.contains("um-marked")) g.append(s("rect", { x, y: y + h + 2, width: w, height: 3, fill: style.getPropertyValue("--um-violet") }));
    }
    return { node: g, width: text.clientWidth, height: text.scrollHeight };
  }

  /** The legend: the states of this moment with their glyphs and counts, line by line. */
  function legend(player, hatch, width) {
    const g = s("g"), ink = getComputedStyle(player.root).color;
    let x = 0, y = 0;
    for (const { item } of player.legendItems) {
      if (item.hidden) continue;
      const swatch = item.querySelector(".um-swatch"), style = getComputedStyle(swatch), label = Array.from(item.children).slice(1).map((c) => c.textContent).join(" ");
      const room = 20 + 7 + long(label, 12, 400) + 16;
      if (x && x + room > width) { x = 0; y += 26; }
      g.append(box(style, x, y, 20, 18, hatch), words(x + 27, y + 13, label, 12, ink));
      if (swatch.dataset.g) g.append(words(x + 10, y + 12.5, swatch.dataset.g, 10, style.color, { "text-anchor": "middle", "font-weight": 600 }));
      x += room;
    }
    if (player.differItem && !player.differItem.hidden) {
      const text = Array.from(player.differItem.children).slice(1).map((c) => c.textContent).join(" ");
      if (x && x + 27 + long(text, 12, 400) > width) { x = 0; y += 26; }
      g.append(dots(x + 2, y + 14, 18, ink), words(x + 27, y + 13, text, 12, ink));
      x += 27;
    }
    if (player.marks) {
      y += x ? 26 : 0;
      g.append(s("rect", { x: 0, y: y + 13, width: 20, height: 3, fill: getComputedStyle(player.root).getPropertyValue("--um-violet") }), words(27, y + 13, player.markText.textContent, 12, ink));
    }
    return { node: g, height: y + 22 };
  }

  /** What a canvas would be told, as SVG. */
  function pen(g) {
    const anchor = { right: "end", center: "middle", left: "start" };
    return {
      fillStyle: "", font: "", textAlign: "left",
      fillRect(x, y, width, height) { g.append(s("rect", { x, y, width, height, fill: this.fillStyle })); },
      fillText(text, x, y) { const size = parseFloat(this.font); g.append(words(x, y + size * 0.36, text, size, this.fillStyle, { "text-anchor": anchor[this.textAlign] })); },
    };
  }

  function map(player) {
    const g = s("g"), m = player.geometry, rounds = player.model.rounds.length, style = getComputedStyle(player.root), page = style.getPropertyValue("--um-page");
    if (!m || !m.cols || !rounds) return null;
    const top = 22, shape = s("g", { transform: "translate(0 " + top + ")" }), cells = s("g", { "shape-rendering": "crispEdges" });
    const { data } = player.off.getContext("2d").getImageData(0, 0, m.cols, rounds);
    for (let r = 0; r < rounds; r++) {
      const colour = (c) => "rgb(" + data.subarray((r * m.cols + c) * 4, (r * m.cols + c) * 4 + 3).join(",") + ")";
      for (let c = 0, end; c < m.cols; c = end) {
        for (end = c + 1; end < m.cols && colour(end) === colour(c); end++);
        cells.append(s("rect", { x: m.left + c * m.cw, y: m.top + r * m.rh, width: (end - c) * m.cw, height: m.rh, fill: colour(c) }));
      }
    }
    shape.append(cells);
    player.mapLines(pen(shape), m);
    const now = player.frame ? player.frame.index : -1, below = m.top + (now + 1) * m.rh, end = m.top + rounds * m.rh;
    if (below < end) shape.append(s("rect", { x: m.left, y: below, width: m.cols * m.cw, height: end - below, fill: page, opacity: 0.72 }));
    if (now >= 0) shape.append(s("rect", { x: m.left, y: m.top + now * m.rh, width: m.cols * m.cw, height: m.rh, fill: "none", stroke: style.getPropertyValue("--um-ring"), "stroke-width": 2 }));
    const metric = player.w["m_" + player.metricName] || player.metricName;
    g.append(words(0, 12, said("mapTitle", { metric }), 12, style.color, { "font-weight": 600 }), shape);
    let height = top + end + 6;
    if (player.metricName !== "state") {
      const ramp = getComputedStyle(player.ramp).backgroundImage, colours = ramp.match(/rgba?\([^)]*\)/g) || [], id = "um-ramp" + ++serial, gradient = s("linearGradient", { id });
      if (/to left/.test(ramp)) colours.reverse();
      colours.forEach((colour, i) => gradient.append(s("stop", { offset: i / (colours.length - 1), "stop-color": colour })));
      const soft = style.getPropertyValue("--um-soft");
      g.append(gradient, s("rect", { x: m.left, y: height + 4, width: 110, height: 10, fill: "url(#" + id + ")" }), words(m.left - 6, height + 13, player.scaleLo.textContent, 11, soft, { "text-anchor": "end" }),
        words(m.left + 116, height + 13, player.scaleHi.textContent, 11, soft), words(m.left + 160, height + 13, player.scaleText.textContent, 11, soft));
      height += 20;
    }
    g.append(words(m.left, height + 12, player.axes.textContent, 11, style.getPropertyValue("--um-soft")));
    return { node: g, width: m.left + m.cols * m.cw, height: height + 16 };
  }

  function gridFigure(player) {
    const g = s("g"), hatch = "um-hatch" + ++serial, text = chips(player, hatch), plan = map(player), width = Math.max(text.width, plan ? plan.width : 0), keys = legend(player, hatch, width);
    g.append(hatching(player, hatch), keys.node);
    text.node.setAttribute("transform", "translate(0 " + (keys.height + 6) + ")");
    g.append(text.node);
    let height = keys.height + 6 + text.height;
    if (plan) {
      plan.node.setAttribute("transform", "translate(0 " + (height + 14) + ")");
      g.append(plan.node);
      height += 14 + plan.height;
    }
    return { node: g, width, height };
  }

  async function plotFigure(plot) {
    const layout = plot._fullLayout || {}, width = Math.round(layout.width || plot.clientWidth), height = Math.round(layout.height || plot.clientHeight);
    const url = await window.Plotly.toImage(plot, { format: "svg", width, height });
    const drawn = new DOMParser().parseFromString(decodeURIComponent(url.slice(url.indexOf(",") + 1)), "image/svg+xml").documentElement;
    return { node: nested(document.importNode(drawn, true), width, height), width, height };
  }

  function nested(svg, width, height) {
    const g = s("g");
    attrs(svg, { width, height });
    g.append(svg);
    return g;
  }

  // What a stylesheet may have said about a drawn element, written into it.
  const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity", "font-family", "font-size", "font-style", "font-weight", "letter-spacing",
    "text-anchor", "dominant-baseline", "text-decoration-line", "display", "visibility", "paint-order", "shape-rendering", "marker-end", "white-space"];

  function scriptFigure(drawn) {
    // One that was made for the file alone is nowhere on the page, and has the size that it says.
    const rect = drawn.getBoundingClientRect(), size = (side) => Math.ceil(rect[side] || Number(drawn.getAttribute(side))), width = size("width"), height = size("height");
    if (drawn instanceof HTMLCanvasElement) return { node: nested(s("image", { href: drawn.toDataURL("image/png") }), width, height), width, height };
    const copy = drawn.cloneNode(true), from = [drawn, ...drawn.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
    if (drawn.isConnected) from.forEach((node, i) => { const style = getComputedStyle(node); for (const name of LOOKS) { const value = style.getPropertyValue(name); if (value) to[i].style.setProperty(name, value); } });
    if (!copy.getAttribute("viewBox")) copy.setAttribute("viewBox", "0 0 " + width + " " + height);
    copy.removeAttribute("style");
    return { node: nested(copy, width, height), width, height };
  }

  async function figureOf(stage) {
    const { view, lens, plot } = stage.current();
    if (view.built) return gridFigure(stage.player);
    if (plot) return plotFigure(plot);
    const drawn = lens && lens.figure && (await lens.figure());
    return drawn ? scriptFigure(drawn) : null;
  }

  async function picture(svg) {
    const width = Number(svg.getAttribute("width")), height = Number(svg.getAttribute("height"));
    const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }));
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      // At least 1600 pixels wide, so that it can be printed; browsers refuse canvases much larger than 8000 pixels.
      const scale = Math.min(Math.max(2, Math.ceil(1600 / width)), 8000 / Math.max(width, height)), canvas = document.createElement("canvas");
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return await new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error(said("noFigure")))), "image/png"));
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  // ------------------------------------------------------------------------------------------------ files
  function save(blob, name) {
    const link = document.createElement("a"), url = URL.createObjectURL(blob);
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return said("saved", { name });
  }

  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    // Not on https: the old way.
    const area = el("textarea");
    area.value = text;
    Object.assign(area.style, { position: "fixed", opacity: "0" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error(said("noCopy"));
  }

  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  // ------------------------------------------------------------------------------------------------ the menu
  Unmasked.tool(({ bar, stage }) => {
    const player = stage.player, id = "um-export" + ++serial;
    const root = el("div", "um-export"), menu = attrs(el("div", "um-menu"), { role: "menu", id });
    const button = attrs(el("button", "um-btn um-exportbtn"), { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id });
    const note = attrs(el("div", "um-said"), { role: "status", "aria-live": "polite" });
    menu.hidden = note.hidden = true;
    let timer = 0, items = [];

    function tell(text) {
      note.textContent = text;
      note.hidden = !text;
      clearTimeout(timer);
      if (text && text !== said("working")) timer = setTimeout(() => tell(""), 8000);
    }

    /** What the lens says of its figure where that is not the run under the cursor: {head, status, step, note}, each optional. */
    const about = () => { const { lens } = stage.current(); return (lens && lens.about && lens.about()) || {}; };
    const name = (kind) => {
      const state = player.state(), { head = player.model.head, step = "step" + state.step } = about();
      return [head.method, head.model, state.lens, step].join("-").replace(/[^A-Za-z0-9_.-]/g, "_").replace(/^\.+/, "") + "." + kind;
    };
    const blob = (text, type) => new Blob([text], { type });

    async function drawn() {
      const figure = await figureOf(stage);
      if (!figure) throw new Error(said("noFigure"));
      return sheet(player, stage.current().view, figure, about());
    }

    const view = {
      png: async () => save(await picture(await drawn()), name("png")),
      svg: async () => save(blob(new XMLSerializer().serializeToString(await drawn()), "image/svg+xml"), name("svg")),
      csv: async () => {
        const { lens, plot } = stage.current(), rows = lens && lens.csv ? await lens.csv() : plot ? plotRows(plot) : null;
        if (!rows) throw new Error(said("noTable"));
        return save(blob(table(rows), "text/csv"), name("csv"));
      },
      caption: async () => { await copy([caption(about().head || player.model.head), exactness(player, about())].filter(Boolean).join(" ")); return said("copied"); },
    };

    async function file(format) {
      const made = await stage.host.file({ run: player.run, as: format });
      if (made.error) throw new Error(made.error);
      return save(blob(bytes(made.base64), "application/octet-stream"), made.name);
    }

    async function act(what) {
      close(true);
      if (!player.model) return;
      tell(said("working"));
      try { tell(await what()); } catch (error) { tell(said("failed", { error: error.message || error })); }
    }

    function group(title, items) {
      if (!items.length) return;
      const box = attrs(el("div", "um-menugroup"), { role: "group", "aria-label": title });
      box.append(attrs(el("div", "um-caption", title), { "aria-hidden": "true" }));
      for (const [key, label, what] of items) {
        const item = attrs(el("button", "um-item", label), { type: "button", role: "menuitem", tabindex: "-1" });
        item.dataset.as = key;
        item.addEventListener("click", () => act(what));
        box.append(item);
      }
      menu.append(box);
    }
    const formats = stage.host.formats || [];
    for (const [key, label] of formats) WORDS["as_" + key] = label;

    /** Everything that stands for good, in the page's language. */
    function speak() {
      button.replaceChildren(said("export"), attrs(el("span", "um-caret", "▾"), { "aria-hidden": "true" }));
      button.title = said("menu");
      attrs(menu, { "aria-label": said("menu") }).replaceChildren();
      group(said("view"), Object.keys(view).map((key) => [key, said(key), view[key]]));
      group(said("run"), formats.map(([key]) => [key, said("as_" + key), () => file(key)]));
      items = Array.from(menu.querySelectorAll(".um-item"));
    }
    speak();

    function open(at) {
      tell("");
      menu.hidden = false;
      button.setAttribute("aria-expanded", "true");
      items[at].focus();
    }
    function close(back) {
      if (menu.hidden) return;
      menu.hidden = true;
      button.setAttribute("aria-expanded", "false");
      if (back) button.focus();
    }

    button.addEventListener("click", () => (menu.hidden ? open(0) : close(true)));
    root.addEventListener("keydown", (e) => {
      const here = items.indexOf(document.activeElement), last = items.length - 1, shut = menu.hidden;
      const to = { ArrowDown: shut ? 0 : here < last ? here + 1 : 0, ArrowUp: shut || here <= 0 ? last : here - 1, Home: shut ? undefined : 0, End: shut ? undefined : last }[e.key];
      if (to !== undefined) { shut ? open(to) : items[to].focus(); } else if (e.key === "Escape" && !shut) close(true);
      else if (e.key === "Tab") { close(false); return; } else if (e.key !== "Enter" && e.key !== " ") return;
      if (e.key !== "Enter" && e.key !== " ") e.preventDefault();
      e.stopPropagation(); // the same keys move the cursor of the player
    });
    // Safari gives a clicked button no focus, so losing it to nothing says nothing.
    root.addEventListener("focusout", (e) => { if (e.relatedTarget && !root.contains(e.relatedTarget)) close(false); });
    player.on(document, "pointerdown", (e) => { if (!root.contains(e.target)) close(false); });
    root.append(button, menu, note);
    bar.append(root);
    return { translated() { close(root.contains(document.activeElement)); speak(); } };
  });

  Unmasked.caption = caption;
})();
