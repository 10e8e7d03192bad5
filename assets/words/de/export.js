/* Deutsch: das Exportmenü. Wörter: siehe player.js. */
Unmasked.translate("de", {
  export: {
    export: "Export", menu: "Diese Ansicht oder diesen Lauf exportieren", view: "Diese Ansicht", run: "Dieser Lauf",
    png: "Bild (PNG)", svg: "Vektorgrafik (SVG)", csv: "Das Gezeichnete (CSV)", caption: "Bildunterschrift kopieren",
    saved: "{name} gespeichert.", copied: "Bildunterschrift kopiert.", working: "Die Datei wird erzeugt …", failed: "Nicht exportiert: {error}",
    noFigure: "In dieser Ansicht ist noch nichts gezeichnet.", noTable: "Diese Ansicht hat keine Tabelle.", noCopy: "dieser Browser lässt die Seite nicht kopieren",
    mapTitle: "Positionen × Runden, Farbe: {metric}",
    "as_json": "Lauf (JSON)", "as_tokens-csv": "Token (CSV)", "as_steps-csv": "Runden (CSV)", "as_chrome-trace": "Chrome-Trace (Perfetto)", "as_specspecs": "specspecs (parquet)", "as_html": "Bericht (HTML)",
  },
});
