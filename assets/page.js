/* The page around the player in the reader's language: what Gradio drew is found by its English sentences and said again.
 *
 * `Unmasked.page(english)`, {key: sentence} as app/words.py has them, begins it; assets/words/<language>/page.js has the others.
 * Nothing is asked of the server, and no component is told: only texts, hints and names on the page change. What is English
 * for good (descriptions of methods, help on their settings, recorded prompts) is marked so, for those who have it read aloud.
 */
(() => {
  "use strict";
  const { el } = Unmasked.kit;
  const PLACES = ["placeholder", "title", "aria-label"], SIDE = "#side, footer, .toast-wrap", LEAD = "#head p, #um-early p";
  const ENGLISH = "#about, #note, #shelf, #side [id^=knob-]"; // what these hold is English
  const SKIP = ".unmasked, script, style, textarea, .gallery";
  const said = new WeakMap(); // text node or element -> {place: {key, values, text, plain}}
  const rich = (sentence) => sentence.replace(/\*\*/g, "");
  let say = null, whole, patterns, menus, watching = false;

  /** {key, values} of the sentence that reads `text`. */
  function find(text) {
    const key = whole.get(text);
    if (key) return { key };
    for (const [sentence, key, names] of patterns) {
      const m = sentence.exec(text);
      if (m) return { key, values: Object.fromEntries(names.map((name, i) => [name, m[i + 1]])) };
    }
    // An entry of a menu: a name, and behind it a word of ours.
    for (const [end, key] of menus) if (text.endsWith(end[0]) && text.length > end[0].length) return { key, around: [text.slice(0, -end[0].length) + end[1], end[2]] };
    return null;
  }

  /** Says one place of a node in the page's language, once it is known which sentence stands there. */
  function translate(node, place, text, put) {
    const known = said.get(node) || {}, trimmed = text.trim();
    let here = known[place];
    if (!here || here.text !== text) {
      const found = trimmed && find(trimmed);
      if (!found) return;
      const at = text.indexOf(trimmed);
      here = known[place] = Object.assign(found, { plain: text, pad: [text.slice(0, at), text.slice(at + trimmed.length)] });
      said.set(node, known);
    }
    const [before, after] = here.around || ["", ""], now = here.pad[0] + before + say(here.key, here.values) + after + here.pad[1];
    here.text = now;
    if (now !== text) put(now);
  }

  function one(node) {
    if (node.nodeType === Node.TEXT_NODE) return void translate(node, "text", node.data, (text) => { node.data = text; });
    for (const place of PLACES) if (node.hasAttribute(place)) translate(node, place, node.getAttribute(place), (text) => node.setAttribute(place, text));
    if (node.matches("input[role=combobox][readonly], #method input")) translate(node, "value", node.value, (text) => { node.value = text; });
    if (node.matches(ENGLISH)) node.lang = "en";
  }

  function all(root) {
    if (root.nodeType === Node.TEXT_NODE) return void (root.parentElement && !root.parentElement.closest(SKIP) && one(root));
    if (root.nodeType !== Node.ELEMENT_NODE || root.closest(SKIP)) { if (root.matches?.("textarea")) one(root); return; }
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => (node.nodeType === Node.ELEMENT_NODE && node.matches(SKIP) && !node.matches("textarea") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
    for (let node = root; node; node = walk.nextNode()) one(node);
  }

  /** The lines under the title, whose words in **stars** are strong. */
  function lead() {
    for (const p of document.querySelectorAll(LEAD)) {
      const text = [say("TAGLINE"), say("INTRO"), say("PARTLY")].filter(Boolean).join(" ");
      if (p.textContent !== rich(text)) p.replaceChildren(...text.split("**").map((part, i) => (i % 2 ? el("strong", "", part) : document.createTextNode(part))));
    }
  }

  function draw() {
    lead();
    for (const root of document.querySelectorAll(SIDE + ", #um-early aside")) all(root);
  }

  /** Gradio's own words (its footer, what an upload says) have a language of their own, which only its settings dialog changes; the module
   *  behind that is asked here, and where it is not found they stay in the browser's language. */
  async function gradio() {
    const file = performance.getEntriesByType("resource").map((entry) => entry.name).find((name) => /\/assets\/core-[\w-]+\.js$/.test(name));
    try { if (file) (await import(file)).changeLocale(Unmasked.language()); } catch (error) { /* as said */ }
  }

  /** Gradio mounts its parts when it likes; what it draws later, in the same frame. */
  function watch() {
    if (watching || !document.querySelector("#side")) return;
    watching = true;
    gradio();
    const observer = new MutationObserver((records) => {
      for (const { type, target, addedNodes } of records) {
        if (type === "childList") addedNodes.forEach(all);
        else if (target.nodeType === Node.TEXT_NODE) all(target);
        else if (!target.closest(SKIP) || target.matches("textarea")) one(target);
      }
      lead();
      // A menu writes its choice into a field, which no observer sees.
      for (const input of document.querySelectorAll("#method input")) one(input);
    });
    const what = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: PLACES };
    for (const root of document.querySelectorAll(SIDE + ", #head")) observer.observe(root, what);
    document.querySelector("#side").addEventListener("change", () => setTimeout(draw, 0));
  }

  Unmasked.page = (english) => {
    if (say) return void (draw(), watch());
    Unmasked.settle();
    say = Unmasked.words("page", english);
    const sentences = Object.entries(english).filter(([key, sentence]) => sentence && !["TAGLINE", "INTRO"].includes(key));
    const templates = sentences.filter(([, sentence]) => /\{\w+\}/.test(sentence)), escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    whole = new Map(sentences.filter((pair) => !templates.includes(pair)).map(([key, sentence]) => [sentence, key]));
    patterns = templates.map(([key, sentence]) => [new RegExp("^" + sentence.split(/\{\w+\}/).map(escape).join("(.+?)") + "$", "s"), key, Array.from(sentence.matchAll(/\{(\w+)\}/g), (m) => m[1])]);
    menus = sentences.filter(([key]) => /^GROUPS_/.test(key)).map(([key, word]) => [[" · " + word, " · ", ""], key]);
    if (english.MISSING) menus.push([[" (" + english.MISSING + ")", " (", ")"], "MISSING"]);
    // Gradio writes its own language there when it wakes up.
    const root = document.documentElement;
    new MutationObserver(() => { if (root.lang !== Unmasked.language()) root.lang = Unmasked.language(); }).observe(root, { attributes: true, attributeFilter: ["lang"] });
    document.addEventListener("unmasked-language", () => { draw(); gradio(); });
    draw();
    watch();
    if (watching) return;
    const waiting = new MutationObserver(() => {
      draw();
      if (!document.querySelector("#side") || !document.querySelector("#head p")) return;
      waiting.disconnect();
      watch();
    });
    waiting.observe(document.body, { childList: true, subtree: true });
  };
  /** What a field says as Gradio wrote it. */
  Unmasked.page.plain = (input) => { const here = (said.get(input) || {}).value; return here && here.text === input.value ? here.plain : input.value; };
})();
