/* Deutsch: der Prüfbaum. Wörter: siehe player.js. */
Unmasked.translate("de", {
  tree: {
    title: "Prüfbaum", question: "Welche Hypothesen prüfte ein Aufruf, und wo endete der Weg?",
    s_drafted: "entworfen, noch nicht beurteilt", s_accepted: "angenommen", s_rejected: "verworfen", s_unreached: "nicht erreicht", s_bonus: "Bonus desselben Aufrufs", s_corrected: "korrigiert", s_unmasked: "ohne Entwurf gefüllt",
    s_prompt: "Prompt", s_masked: "maskiert", s_committed: "festgelegt",
    beats: "Takte dieser Runde", beat1: "Entwurf", beat2: "ein Vorwärtsaufruf", beat3: "Urteile", calls: "bisher {n} Aufruf{more}|bisher {n} Aufrufe{more}",
    folded: "… {n} weitere, nicht erreicht", unfold: "Eingabe oder ein Klick klappt sie auf", showAll: "Alle {n} Knoten zeigen", fold: "Nicht Erreichtes einklappen", hidden: "{n} von {all} Knoten wurden nicht erreicht und sind eingeklappt.",
    picture: "Prüfbaum der Runde {n}", filled: "gefüllte Entwürfe: 0", depth: "Tiefe {n}", then: "dann", row: "Zeile {n}", canvas: "die Fläche vor dieser Runde",
    depthAxis: "Tiefe ↓", widthAxis: "in dieser Tiefe gefüllte Positionen →", deepest: "✓ tiefster stimmiger Entwurf: Tiefe {n}", noDepth: "✕ keine Tiefe ist stimmig", thrown: " · darunter: weggeworfen",
    positions: "{n} Position|{n} Positionen", depthSpoken: "{title}, {many}, Zeile {row}, {what}: {tokens}", chip: "Position {pos}: {text}", chipOther: "Position {pos}: {text}\ndie Zeile darüber setzt ‘{other}’ ein", chipSame: "Position {pos}: {text}\ndie Zeile darüber setzt dasselbe ein; die Tiefe wird als Ganzes verworfen",
    slot: "{title}: Position {pos} ‘{text}’", root: "Wurzel", verify: "prüfen? {choice}", skipped: " · Prüfung ausgelassen", more: "… {n} weitere", moreSpoken: "{n} weitere Knoten, nicht erreicht: aufklappen", step: "Schritt {n}",
    rootRow: "Batchzeile 0: die Fläche vor dieser Runde.", rootFilled: "Batchzeile 0: die Fläche mit dem, was diese Runde ohne Entwurf füllte.", odds1: "p beim Entwurfsmodell: {q}.", odds2: "p beim Entwurfsmodell: {q}; p beim Prüfmodell: {p}.",
    rank: "Rang {n} in der Zeile, die darüber urteilte.", noRank: "Nicht unter den Token, die für die urteilende Zeile aufgezeichnet wurden.", score: "Wert {score}, Grenze {bar}.", holds: "Batchzeile {n} enthält ihn und alles davor auf seinem Zweig.",
    inMask: "Seine Zeile in der Maske", inGrid: "Im Raster", insteadOf: "Was stattdessen dort steht",
    f_known: "bekannt", f_draft: "Entwürfe", f_mask: "Masken", n_known: "{n} bekannt", n_draft: "{n} Entwürfe", n_mask: "{n} Masken", fed: "Die Eingabe, wie sie war: EINE Zeile mit {n} Token, {parts}.", fedMasks: "Die Eingabe, wie sie war: EINE Zeile mit {n} Token, {parts}. Jede Maske steht an der Position des Tokens über ihr.",
    fedAt: "Eingegeben an Position {pos}", t_known: "Token {i} von {all}: ‘{text}’, vorher bekannt.", t_draft: "Token {i} von {all}: ‘{text}’, ein Entwurf.", t_mask: "Token {i} von {all}: ‘{text}’, eine Maske: Ihre Zeile sagt diese Position voraus.",
    toSend: "Der Batch, der geschickt wird", sent: "Der Batch, wie er geschickt wurde", batch: "Batch mit {n} Zeilen über den Positionen {a} bis {b}. {cost}", cellAt: "Zeile {row}, Position {pos}", cell: "‘{text}’: {state}.",
    batchKey: "Batchzeile (links), Position auf der Fläche (oben)", k_prompt: "Prompt", k_committed: "vorher gefüllt", k_masked: "Maske", sideways: "Spalten: gefüllte Entwürfe; kleine Zahl: Batchzeile",
  },
});
