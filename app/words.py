"""Every sentence of the page that is not about one run. English; the player has its own table in assets/player.js."""

TITLE = "Unmasked"
TAGLINE = "Watch a diffusion language model decode: every guess, every check, every token kept or thrown away."
INTRO = "What you see first is a recorded run; **Run** decodes your own prompt, for real, on this machine."
MODEL = "Model"
DRAFT = "Draft model"
MISSING = "not trained yet"
METHOD = "Method ({n} to choose from)"
# The groups of the method menu, in its order: the reference decoders, then by the attention of the model that decodes.
GROUPS = {"reference": "reference", "full": "diffusion", "block": "block", "causal": "autoregressive"}
PROMPT = "Prompt"
PROMPT_HINT = "Ask something the model can answer; examples below."
EXAMPLES = "Examples that suit this model"
RUN = "Run"
STOP = "Stop"
SEED = "seed"
COMPARE = "also run the reference decoder (for the exactness badge)"
SETTINGS = "Settings"
MORE = "More settings"
OPEN = "Open a file"
SAVE = "Save this run"
RECORDED = "Recorded runs"
LOADING = "Loading the model and decoding…"
REFERENCE = "Running the reference decoder…"
GONE = "This run is no longer on the server: run it again, or open its file."
NO_REFERENCE = (
    "This run cannot be compared here: only a run made on this page, with a method that has a reference, can."
)
