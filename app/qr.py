"""QR codes for links on a projector."""

from typing import Any

import segno

# A code of this many characters still has modules that a telephone can tell apart from the back of a room.
LONGEST = 300


def qr(ask: dict[str, Any]) -> dict[str, Any]:
    """{"rows": strings of 0 and 1, without a quiet zone} for the address `ask["text"]`, or {"error": sentence}."""
    text = ask.get("text") if isinstance(ask, dict) else None
    if not isinstance(text, str) or not text:
        return {"error": "A QR code needs a text: send it as `text`."}
    if len(text.encode()) > LONGEST:
        return {"error": f"The text has {len(text.encode())} bytes, a readable QR code at most {LONGEST}: shorten it."}
    code = segno.make_qr(text, error="m")
    return {"rows": ["".join("1" if dark else "0" for dark in row) for row in code.matrix]}
