/* Opens a report: the trace and every figure stand packed in this file and are unpacked here. Nothing is fetched. */
(async () => {
  "use strict";
  const say = Unmasked.words("report", { failed: "This file cannot be unpacked here ({error}): open it in a browser of 2023 or newer." });
  const root = document.querySelector(".unmasked");
  async function unpack(id) {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }
  let run;
  try {
    run = JSON.parse(await unpack("um-run"));
  } catch (error) {
    Unmasked.settle();
    root.textContent = say("failed", { error: error.message });
    return;
  }
  const player = Unmasked.mount(root, {
    views: run.views,
    async plotly() {
      const script = document.createElement("script");
      script.textContent = await unpack("um-plotly");
      document.head.append(script);
    },
    // Between two stops the round under the cursor is shown as it ended.
    figures({ view, dark, ats }) {
      const theme = dark ? "dark" : "light", drawn = run.figures[view].any || run.figures[view][theme];
      return { template: run.templates[theme], figures: ats.map((at) => drawn[run.stops.findIndex((stop) => stop >= at)]) };
    },
  });
  player.load(run.trace, { run: "report" });
})();
