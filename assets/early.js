/* Draws the recorded run that the page carries, before Gradio is there. `UnmaskedEarly.adopt(place, host)`, called once
 * by mount.js, moves the player to where Gradio wants it and gives it the server; until then what it asks for waits.
 * An address that names another run, or a failure, leaves the page to Gradio alone. */
(() => {
  "use strict";
  const frame = document.getElementById("um-early"), carried = document.getElementById("um-run");
  if (/^#run=/.test(location.hash)) return void frame.remove();
  // As Gradio decides it, only sooner.
  const asked = new URLSearchParams(location.search).get("__theme");
  document.body.classList.toggle("dark", asked === "dark" || (asked !== "light" && matchMedia("(prefers-color-scheme: dark)").matches));

  const { run, trace, host } = JSON.parse(carried.textContent), { words } = host, root = frame.querySelector(".unmasked");
  let open;
  const server = new Promise((resolve) => { open = resolve; });
  for (const name of ["figure", "figures", "trace", "runs", "masks", "tune", "cards", "qr", "file", "knows"]) host[name] = async (...asked) => (await server)[name](...asked);
  for (const name of ["send", "reference", "go"]) host[name] = (...asked) => { server.then((real) => real[name](...asked)); };
  delete host.words; // the page's, not the player's
  Unmasked.page(words);
  frame.hidden = false;
  let player;
  try {
    player = Unmasked.mount(root, host);
    player.load(trace, { run, opening: true });
  } catch (error) {
    frame.remove();
    throw error;
  }

  window.UnmaskedEarly = {
    run, trace, opened: player.state().step,
    adopt(place, real) {
      delete window.UnmaskedEarly;
      Object.assign(host, real);
      open(real);
      // An element that is moved loses its focus and is scrolled back.
      const focused = root.contains(document.activeElement) ? document.activeElement : null;
      const scrolled = [...root.querySelectorAll("*")].filter((e) => e.scrollTop || e.scrollLeft).map((e) => [e, e.scrollLeft, e.scrollTop]);
      place.replaceWith(root);
      for (const [e, left, top] of scrolled) e.scrollTo({ left, top, behavior: "instant" });
      frame.remove();
      carried.remove();
      if (focused) focused.focus({ preventScroll: true });
      return player;
    },
  };
})();
