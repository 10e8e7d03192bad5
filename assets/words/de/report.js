/* Deutsch: der Bericht als eine Datei. */
Unmasked.translate("de", {
  report: { failed: "Diese Datei lässt sich hier nicht entpacken ({error}): Öffnen Sie sie in einem Browser von 2023 oder neuer." },
});
