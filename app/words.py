"""Every sentence of the page that is not about one run. English; the player has its own table in assets/player.js, and
other languages are in assets/words."""

TITLE = "Unmasked"
TAGLINE = "Watch a diffusion language model decode: every guess, every check, every token kept or thrown away."
INTRO = "What you see first is a recorded run; **Run** decodes your own prompt, for real, on this machine."
PARTLY = ""  # in another language: what of the page is English all the same
COMING = "The controls are loading. The recorded run can be looked at already."
MODEL = "Model"
DRAFT = "Draft model"
MISSING = "not trained yet"
GUEST = "{family}, {attention} attention. Not one of ours: what it answers is on its own card."
OTHER = "Another model"
OTHER_HINT = "A name from the list, a hub id (owner/name) or a folder on the server."
LOOK = "Look at it"
CHECK = "Load it and measure it"
UNMEASURED = (
    "Nobody here knows this model. Before it gets into the menus it is loaded, and its mask, shift and attention are "
    "measured; that can take a minute."
)
MET = "What it is, and where it fits"
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
ARITHMETIC = "arithmetic"
ARITHMETICS = {"bfloat16": "bfloat16 (fast on a GPU)", "float32": "float32 (for exactness)"}
ARITHMETIC_NOTE = (
    "In bfloat16 rows that share a call are not bit for bit what each is alone, so a lossless method may leave its "
    "reference by rounding."
)
SETTINGS = "Settings"
MORE = "More settings"
OPEN = "Open a file"
SAVE = "Save this run"
RECORDED = "Recorded runs, to look at without waiting"
PATH = "CPS, a causal-consistency path"
PATH_RIGHT = "CPS, a causal-consistency path: ‘{token}’ for ‘{best}’ at {pos} was right"
DIFFERS = "differs from {reference} at {pos}"
LOADING = "Loading the model and decoding…"
REFERENCE = "Running the reference decoder…"
BAD_LINK = "Not everything in this page's address was found here; left out: {parts}."
GONE = "This run is no longer on the server: run it again, or open its file."
NO_REFERENCE = (
    "This run cannot be compared here: only a run made on this page, not drawn at a temperature, with a method that "
    "has a reference, can."
)
RACE_METHODS = "A race takes one to {most} different methods: choose them again."
RACE_PROMPT = "This run has no prompt text to run other methods on: write a prompt on this page and run it."
# What a Space says of its cards; `reason` is the platform's own sentence.
ASKS = "This run asks for {seconds} s of GPU time; a visitor has a few minutes of it a day. Recorded runs need none."
NO_GPU = "There is no GPU for this now ({reason}): look at a recorded run, or try again later."
INSTEAD = "There is no GPU for this run now ({reason}). What you see is a recorded run of {method}, {prompt}."
SAME_PROMPT = "of the same prompt"
OTHER_PROMPT = "of another prompt"
CUT_SHORT = "The GPU was taken away before the run had ended ({reason}). What came until then is shown."
# Sweeps.
SHIPPED_SWEEP = "the sweep that ships"
OWN_SWEEP = "a sweep of your own"
OWN_PROMPTS = "your prompts"
NO_SWEEP = "This sweep is no longer on the server: run it again, or open another one."
NO_POINT = "This point has no runs yet: wait for its first one."
FINISHED_SWEEP = "This table came from a file: there is nothing of it to run here."
TOO_MUCH = "The sweep has {n} {what}: at most {most} run on a page; ask for fewer, or use the command line."
OTHER_TEXT = (
    "This run wrote another text than the one in the table: another machine, another arithmetic or other weights."
)


def table() -> dict[str, str]:
    """All of them by their names, `GROUPS["block"]` as `GROUPS_block`, for the scripts of the page."""
    found: dict[str, str] = {}
    for name, said in globals().items():
        if name.isupper():
            found |= {name: said} if isinstance(said, str) else {f"{name}_{key}": word for key, word in said.items()}
    return found
