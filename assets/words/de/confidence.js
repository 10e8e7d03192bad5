/* Deutsch: die Konfidenz; die Abbildung zeichnet Python. Wörter: siehe player.js. */
Unmasked.translate("de", {
  confidence: { title: "Konfidenz", question: "Wie sicher war sich das Modell bei jedem Token, als es gefüllt wurde?" },
});
