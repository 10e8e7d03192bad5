"""A student goes through every lesson by keyboard, is wrong in every prediction first, reads why, and finishes; what is
right is counted here from the recorded traces. A teacher locks steps, hides answers, links to a page and prints a
worksheet."""

import json
import re

import pytest
from serving import ROOT, Bare, lenses, open_lens
from test_axe import violations

from app.qr import qr
from decoders.trace import Commit, Forward, Judge, Propose, Trace
from viz.registry import views

PLAYER = "document.querySelector('.unmasked').unmasked"
PAGES = {"order": 5, "remask": 8, "draft": 6, "tree": 6, "path": 5, "masks": 5, "speed": 6, "knobs": 8}


def load(name: str) -> Trace:
    return Trace.load(ROOT / "assets" / "traces" / f"{name}.json.gz")


def calls(trace: Trace) -> list[Forward]:
    return [e for e in trace.events if isinstance(e, Forward)]


def edits(trace: Trace) -> list[tuple[int, int, object]]:
    """(step, events seen after its step, edit) of every change of the text."""
    return [
        (i + 1, view.stop, edit)
        for i, view in enumerate(trace.rounds)
        for e in view.events
        if isinstance(e, Commit)
        for edit in e.edits
    ]


def final(trace: Trace) -> list[int]:
    return trace.canvas_at(len(trace.events))


def grouped(n: int) -> str:
    return f"{n:,}".replace(",", "\u2009")


class Student:
    """Sits before a lesson and has only a keyboard."""

    def __init__(self, page):
        self.page = page

    # -------------------------------------------------------------------------------------- looking
    def read(self, part: str) -> str:
        return self.page.locator(f".um-lessons-{part}").first.inner_text()

    @property
    def state(self) -> dict:
        return self.page.evaluate(f"() => {PLAYER}.state()")

    def at_page(self, n: int) -> None:
        self.page.locator(".um-lessons-head", has_text=re.compile(f"page {n} of", re.I)).wait_for(timeout=20_000)

    def run(self, name: str) -> None:
        self.page.wait_for_function(f"name => {PLAYER}.state().run === 'bundled:' + name", arg=name, timeout=20_000)
        self.page.locator(".um-lessons:not([aria-busy])").wait_for(
            timeout=20_000
        )  # the cursor is where the page wants it

    def done(self) -> bool:
        return self.page.locator(".um-lessons-next").is_enabled()

    def until_done(self) -> None:
        self.page.locator(".um-lessons-next:enabled").wait_for(timeout=10_000)

    # -------------------------------------------------------------------------------------- doing
    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, test: str) -> None:
        """Goes on with Tab until the focused element `e` passes."""
        for _ in range(250):
            if self.page.evaluate(f"() => {{ const e = document.activeElement; return !!({test}); }}"):
                return
            self.press("Tab")
        raise AssertionError(f"Tab never comes to: {test}")

    def focused(self) -> str:
        return self.page.evaluate("() => document.activeElement.className")

    def give(self, answer: int | str) -> None:
        """Writes a number, or chooses the option that begins so."""
        self.press("b")
        if isinstance(answer, int):
            self.tab_to("e.matches('.um-lessons-number')")
            self.press("Control+a")
            self.page.keyboard.type(str(answer))
        else:
            self.tab_to("e.matches('.um-lessons-choice input')")
            options = self.page.locator(".um-lessons-choice").all_inner_texts()
            self.press(" ")
            for _ in range([text.startswith(answer) for text in options].index(True)):
                self.press("ArrowDown")
        self.press("Enter")

    def predict(self, answer: int | str) -> None:
        assert not self.done()
        self.give(answer)
        assert self.done() and "Noted" in self.read("result")
        self.on()

    def go(self, *keys: str, after: str | None = None) -> None:
        """Does what the page asks for: it is not done before the last key, and is then."""
        assert not self.done()
        self.press(*keys[:-1])
        assert not self.done(), self.read("do")
        self.press(keys[-1])
        self.until_done()
        if after is not None:
            assert after in self.read("result")
        self.on()

    def corrected(self, wrong: str, right: int | str, now: str, place: dict | None = None) -> None:
        """The correction says `wrong`; G goes to `place`; the right answer is confirmed with `now`."""
        assert not self.done()
        assert wrong in self.read("wrong"), self.read("wrong")
        assert "um-lessons" in self.focused()
        if place:
            self.press("g")
            assert {key: self.state[key] for key in place} == place
        self.give(right)
        assert now in self.read("right"), self.read("right")
        self.until_done()

    def explained(self, *said: str) -> None:
        self.until_done()
        for text in said:
            assert text in self.read("body"), (text, self.read("body"))
        self.on()

    def on(self) -> None:
        self.press("Enter")

    def view(self, title: str) -> str:
        return str(lenses(self.page).index(title) + 1)


# ------------------------------------------------------------------------------------------------ the eight, played
def order(s: Student) -> None:
    t, ar = load("stepwise-apples"), load("ar-apples")
    free = {pos for pos, token in enumerate(t.canvas) if token == t.mask}
    left, first, off = 0, [], None
    for step, _, edit in edits(t)[:8]:
        first.append(edit.pos)
        left += edit.pos == min(free)
        off = off or ((step, edit.pos, min(free)) if edit.pos != min(free) else None)
        free.remove(edit.pos)
    step, pos, lowest = off
    s.predict(left + 3)
    s.at_page(2)
    s.go(*["ArrowRight"] * 8, after=", ".join(map(str, first)))
    s.corrected(
        f"You said {left + 3}. Look at position {pos}, written in step {step}: position {lowest} was still free",
        left,
        f"{left} of 8",
        {"pos": pos, "step": step, "lens": "grid"},
    )
    s.on()
    s.explained(f"at position {first[0]}")
    s.run("ar-apples")
    n = len(edits(ar))
    s.go("End", after=f"{n} of its {n} tokens went to the leftmost free position. It needed {len(calls(ar))} calls")


def remask(s: Student) -> None:
    t, w = load("stepwise-apples"), load("story-fox-wino")
    taken = [e for _, _, e in edits(t) if e.why == "remasked"]
    wrote = [e for _, _, e in edits(t) if e.why != "remasked"]
    s.predict(len(taken) + 5)
    s.go("ArrowRight", "End")
    kept = next(e for e in wrote if e.pos < t.prompt_len + len(t.ids)).pos
    wrong = f"You said {len(taken) + 5}. Look at position {kept}, the first of the text that was written"
    s.corrected(wrong, len(taken), f"{len(taken)}: the run wrote {len(wrote)} tokens", {"pos": kept})
    s.on()
    s.explained(f"guessed at the {len(calls(t)[0].beliefs)} masks of its block")
    s.run("story-fox-wino")
    step, stop = next((step, stop) for step, stop, e in edits(w) if e.why == "remasked")
    back = [e for i, _, e in edits(w) if i == step and e.why == "remasked"]
    before = w.canvas_at(w.rounds[step - 1].start)
    filled = sum(token != w.mask for token in before[w.prompt_len :])
    assert f"of these {filled} tokens will step {step} take back" in s.read("question")
    s.predict(filled if filled != len(back) else 0)
    s.go("ArrowRight")
    wrong = f"Look at position {back[0].pos}: in step {step} it lost ‘{w.vocab[back[0].before]}’"
    s.corrected(wrong, len(back), f"{len(back)}: step {step} took back", {"pos": back[0].pos, "at": stop})
    s.on()
    pos = back[0].pos
    filled_in, again = next((i, e) for i, _, e in edits(w) if i > step and e.pos == pos and e.why != "remasked")
    steps = filled_in - step
    keys = ["k"] * (back[0].pos - w.prompt_len + 1) + ["ArrowRight"] * steps
    s.go(*keys, after=f"‘{w.vocab[back[0].before]}’ gave way to ‘{w.vocab[again.after]}’")


def guesses(t: Trace) -> dict[int, tuple[int, int]]:
    """Position: what the first call thought best there, and what the finished text has."""
    return {b.pos: (b.top[0][0], final(t)[b.pos]) for b in sorted(calls(t)[0].beliefs, key=lambda b: b.pos)}


def draft(s: Student) -> None:
    t, fox, ssd = load("stepwise-apples"), load("story-fox-stepwise"), load("ssd-apples")
    mine, theirs = guesses(t), guesses(fox)
    right = sum(a == b for a, b in mine.values())
    pos, (a, b) = next((pos, pair) for pos, pair in mine.items() if pair[0] != pair[1])
    s.predict(right - 7)
    s.go("ArrowRight", "End")
    wrong = f"Look at position {pos}: the first call guessed ‘{t.vocab[a]}’, and the finished text has ‘{t.vocab[b]}’"
    assert s.page.locator(".um-lessons-column").count() == len(mine)
    s.corrected(wrong, right, f"{right} of {len(mine)} guesses", {"pos": pos})
    s.on()
    s.explained(f"{right} of {len(mine)} were right after a single call")
    s.run("ssd-apples")
    assert "Set “Step by” to “beat”" in s.read("do")
    s.tab_to("e.matches('.um-select') && e.value === 'round' && !e.closest('.um-grid')")
    s.press("ArrowDown")
    nodes = next(e for e in ssd.events if isinstance(e, Propose)).nodes
    assert s.state["unit"] == "beat"
    s.tab_to("e.matches('.um-slider, .um-play')")
    for _ in range(4):
        if not s.done():
            s.press("ArrowRight")
    s.until_done()
    assert s.state["counts"]["drafted"] == len(nodes) and f"{len(nodes)} wait" in s.read("result")
    s.press("b")
    s.on()
    s.run("story-fox-stepwise")
    off = next(i for i, (a, b) in enumerate(theirs.values()) if a != b)
    same = sum(a == b for a, b in theirs.values())
    s.go(*["k"] * (off + 1), after=f"Only {same} of {len(theirs)} first guesses stand in this story")


def tree(s: Student) -> None:
    t, wide = load("ssd-apples"), load("ssd-tree-apples")
    for i, view in enumerate(t.rounds):  # noqa: B007
        outcomes = [v.outcome for e in view.of(Judge) for v in e.verdicts]
        if outcomes.count("accepted") > 1 and "rejected" in outcomes:
            break
    kept, drafts = outcomes.count("accepted"), view.of(Propose)[0].nodes
    pos = drafts[outcomes.index("rejected")].fills[0][0]
    call = next(e for e in view.of(Forward) if e.role == "verify")
    assert f"How many of these {len(drafts)} drafts" in s.read("question")
    s.predict(kept + 1)
    s.go("ArrowRight")
    s.corrected(
        f"You said {kept + 1}: look at position {pos} in step {i + 1}.",
        kept,
        f"{kept} of {len(drafts)} were kept",
        {"pos": pos, "at": view.stop},
    )
    s.on()
    s.explained(f"{call.batch} rows of {call.length} tokens", f"At position {pos} it would not")
    assert "Open the view “Verification tree”" in s.read("do")
    s.go(s.view("Verification tree"), after="chain")
    s.run("ssd-tree-apples")
    other = wide.rounds[i]
    nodes = {n.id: n for n in other.of(Propose)[0].nodes}
    places = {nodes[v.node].fills[0][0] for e in other.of(Judge) for v in e.verdicts if v.outcome == "rejected"}
    wider = next(e for e in other.of(Forward) if e.role == "verify")
    after = (
        f"{len(nodes)} hypotheses in {wider.batch} rows: {grouped(wider.cost)} tokens processed instead of {call.cost}"
    )
    assert wider.batch > call.batch
    s.go(*["k"] * (min(places) - wide.prompt_len + 1), after=after)


def path(s: Student) -> None:
    t = load("code-vowels")
    found = []
    for i, view in enumerate(t.rounds):
        top = {b.pos: b.top for e in view.of(Forward) if e.role == "draft" for b in e.beliefs}
        verdicts = {v.node: v for e in view.of(Judge) for v in e.verdicts}
        for node in view.of(Propose)[0].nodes:
            (pos, token), *_ = node.fills
            if top[pos][0][0] != token:
                found.append((i, pos, token, top[pos][0][0], verdicts[node.id].outcome, list(verdicts.values())))
    i, pos, token, local, _, _ = next(f for f in found if f[4] == "accepted")
    lost = next(f for f in found if f[4] == "rejected")
    assert final(t)[pos] == token
    first = f"‘{t.vocab[local]}’"
    s.predict(first)
    s.go("ArrowRight")
    s.corrected(
        f"You said {first}, the drafter's first choice. Look at position {pos} in step {i + 1}",
        "⟨eos⟩",
        "⟨eos⟩, the choice of the path search. The verifier gives it",
        {"pos": pos, "lens": "lattice"},
    )
    s.on()
    s.explained(f"left the first choice at {len(found)} positions")
    behind = sum(v.outcome == "unreached" for v in lost[5])
    keys = ["Home"] + ["ArrowRight"] * (lost[0] + 1) + ["k"] * (lost[1] - t.prompt_len + 1)
    s.go(*keys, after=f"the verifier wanted ‘{t.vocab[lost[3]]}’. It was rejected, and {behind} drafts behind it")


def masks(s: Student) -> None:
    t, spec, ssd = load("block-apples"), load("speculative-apples"), load("ssd-apples")
    call = next(e for e in calls(t) if e.role == "denoise" and e.cached and len(e.beliefs) == e.length == t.block)
    q = call.start + 3
    last = (q // t.block + 1) * t.block - 1
    assert f"query at position {q} see" in s.read("question") and t.attentions[call.model].kind == "block"
    s.predict(q)  # as if it were causal
    s.press(s.view("Mask"))
    s.tab_to("(e.getAttribute('aria-label') || '').startsWith('Attention mask')")
    s.go("r", after="names the rule")
    s.at_page(2)  # Enter is the mask's own key
    s.press("b")
    s.on()
    s.corrected(f"You said {q}. Look at the row of position {q}", last, f"Up to {last}", {"pos": q, "lens": "mask"})
    s.on()
    s.explained(f"lets position {q} see {last - q} positions to its right")
    s.run("speculative-apples")
    check = next(e for e in calls(spec) if e.role == "verify" and e.cached and e.length > 2)
    assert spec.attentions[check.model].kind == "causal"
    big = next(e for e in calls(ssd) if e.role == "verify")
    s.give(check.start + check.length - 1)  # as if it saw the whole draft
    wrong = f"look at the row of position {check.start + 1}"
    s.corrected(wrong, check.start + 1, f"Up to {check.start + 1}: to itself", {"pos": check.start + 1, "lens": "mask"})
    assert f"{big.batch} rows of {big.length} tokens" in s.read("result")
    s.on()


def speed(s: Student) -> None:
    t, spec = load("ssd-apples"), load("speculative-apples")
    seconds = sum(e.seconds for e in calls(t))
    right = "faster" if seconds < 0.95 * t.reference.seconds else "slower"
    assert len(calls(t)) < t.reference.calls and right == "slower"
    s.predict("faster")
    s.go("End", after=grouped(sum(e.cost for e in calls(t))))
    s.corrected("You said faster. Look at the costs at the end", right, "It is slower", {"step": len(t.rounds)})
    s.on()
    s.explained(grouped(t.reference.rows_tokens), t.hardware)
    outcomes = [v.outcome for e in t.events if isinstance(e, Judge) for v in e.verdicts]
    accepted, rejected = outcomes.count("accepted"), outcomes.count("rejected")
    chance, rate = round(100 * accepted / (accepted + rejected)), round(100 * accepted / len(outcomes))
    assert f"{accepted} of {len(outcomes)}, {rate} %" in s.read("body")
    s.give(rate)
    s.corrected(
        f"in this run {accepted} and {rejected}",
        chance,
        f"{chance} %: {accepted} of {accepted + rejected}. The rate was {rate} %",
        {"lens": "heatmap"},
    )
    s.on()
    s.run("speculative-apples")
    assert len(calls(spec)) > spec.reference.calls
    assert sum(e.seconds for e in calls(spec)) < 0.95 * spec.reference.seconds
    small = [e for e in calls(spec) if e.model == spec.models["draft"]]
    s.give("slower")
    s.corrected("You said slower", "faster", "It is faster", {"step": len(spec.rounds)})
    assert f"{len(small)} of the {len(calls(spec))} calls are the small model's" in s.read("result")
    s.on()


def knobs(s: Student) -> None:
    t, step, wino = load("story-fox-fast"), load("story-fox-stepwise"), load("story-fox-wino")
    n, all_ = len(calls(t)), len(final(step)) - step.prompt_len
    differ = [pos for pos, token in enumerate(final(t)) if token != final(step)[pos]]
    agree = {
        run: sum(a == b for a, b in zip(final(run)[11:], final(step)[11:], strict=True)) for run in (t, step, wino)
    }
    costs = {run: sum(e.cost for e in calls(run)) for run in (t, step, wino)}
    s.predict(2 * n)
    s.go("End")
    s.corrected(f"You said {2 * n}. Look at “forward calls”", n, f"{n} calls", {"step": n})
    s.on()
    s.predict("nothing")
    s.press("End")
    s.go(*["k"] * (differ[0] - t.prompt_len + 1), after=f"stepwise decoding has ‘{step.vocab[final(step)[differ[0]]]}’")
    assert 0 < len(differ) <= all_ / 2
    s.corrected(
        f"You said nothing. Look at position {differ[0]}", "up to half", f"{len(differ)} of {all_}", {"pos": differ[0]}
    )
    s.on()
    assert costs[wino] > costs[t] and agree[wino] < agree[t]  # dominated; by calls it is not
    assert len(calls(wino)) < len(calls(t))
    assert [row.split("\t") for row in s.page.locator(".um-lessons-table tbody tr").all_inner_texts()][2] == [
        "WINO",
        str(len(calls(wino))),
        grouped(costs[wino]),
        f"{round(100 * agree[wino] / all_)} %",
    ]
    s.give("none of them")
    s.corrected("You said none of them. Compare in the table", "WINO", "WINO")
    s.on()
    s.run("story-fox-wino")
    s.go("End", after=f"{len(calls(wino))} calls, {grouped(costs[wino])} rows × tokens")
    if s.page.locator(".um-lessons-steps").is_visible():  # where the view "Tune" exists
        s.tab_to("e.matches('.um-tab[aria-selected=true]')")
        for _ in lenses(s.page):
            if not s.done():
                s.press("ArrowRight")
        s.until_done()
        s.press("b")
        s.on()


PLAYS = {f.__name__: f for f in (order, remask, draft, tree, path, masks, speed, knobs)}


def opened(watch, page_url, lesson: str, page: int = 1, **options) -> tuple:
    w = watch(page_url, f"/#lesson={lesson}&page={page}", **options)
    w.page.locator(".um-lessons-steps li").first.wait_for(timeout=30_000)
    return w, Student(w.page)


@pytest.mark.parametrize("lesson", PLAYS)
def test_a_student_with_a_keyboard_is_wrong_at_first_reads_why_and_finishes_every_lesson(watch, page_url, lesson):
    w, student = opened(watch, page_url, lesson)
    w.page.wait_for_timeout(400)
    assert w.page.evaluate("() => document.activeElement.className") == "um-lessons-heading"
    PLAYS[lesson](student)
    w.page.wait_for_function(f"() => {PLAYER}.state().lens === 'lessons'")
    assert not w.page.locator(".um-lessons").is_visible()
    item = w.page.locator(".um-lessons-item").nth(list(PLAYS).index(lesson))
    assert "✓ done" in item.inner_text() and "Again" in item.inner_text()
    assert w.page.locator(".um-lessons-mark").count() == 1
    w.clean()


# ------------------------------------------------------------------------------------------------ the frame around them
def teach(page, *switches: str) -> None:
    """Opens the list, turns on teacher mode and turns what is named."""
    open_lens(page, "Lessons")
    for name in ("teacher", *switches):
        switch = page.locator(f".um-lessons-switch [data-key={name}]")
        was = switch.is_checked()
        switch.focus()
        page.keyboard.press(" ")
        assert switch.is_checked() is not was


def begin(page, n: int) -> Student:
    page.locator(".um-lessons-start").nth(n - 1).focus()
    page.keyboard.press("Enter")
    page.locator(".um-lessons-form").wait_for(timeout=20_000)
    page.wait_for_timeout(200)
    return Student(page)


def test_the_list_says_what_each_lesson_teaches_and_a_lesson_goes_on_where_it_was_left(watch, page_url):
    w = watch(page_url)
    page = w.page
    open_lens(page, "Lessons")
    items = page.locator(".um-lessons-item").all_inner_texts()
    assert len(items) == 8 and all("Afterwards: I can" in text and " min" in text for text in items)
    student = begin(page, 1)
    student.predict(2)
    student.at_page(2)
    page.keyboard.press("Escape")
    assert not page.locator(".um-lessons").is_visible()
    open_lens(page, "Lessons")
    assert "Continue on page 2" in page.locator(".um-lessons-item").first.inner_text()
    w.clean()


def test_esc_belongs_to_the_player_first_and_then_leaves_the_lesson_and_its_address(watch, page_url):
    w, s = opened(watch, page_url, "order", 2)
    s.run("stepwise-apples")
    s.press("k")
    assert s.state["pos"] == 28
    s.press("Escape")
    assert s.state["pos"] is None and w.page.locator(".um-lessons").is_visible()
    assert w.page.url.endswith("#lesson=order&page=2")
    s.press("Escape")
    assert not w.page.locator(".um-lessons").is_visible()
    w.page.wait_for_function("() => location.hash.startsWith('#run=bundled:stepwise-apples')")
    s.press("ArrowRight")
    assert s.state["step"] == 1
    w.clean()


def test_the_keys_of_the_player_work_as_ever_beside_a_lesson(watch, page_url):
    w, s = opened(watch, page_url, "order", 2)
    s.run("stepwise-apples")
    steps = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
        s.press(key)
        steps.append(s.state["step"])
    assert steps == [1, 2, 1, 32, 0]
    s.press(" ")
    assert s.state["playing"] is True
    s.press(" ", "2")
    assert s.state["playing"] is False and s.state["lens"] == "lattice"
    w.clean()


def test_what_is_no_answer_is_refused_with_what_would_be_one(watch, page_url):
    w, s = opened(watch, page_url, "order")
    s.give(9)
    assert s.read("note") == "A whole number from 0 to 8, please." and not s.done()
    w.page.goto(page_url + "/#lesson=path&page=1")
    w.page.reload()
    w.page.locator(".um-lessons-choice").first.wait_for(timeout=30_000)
    s.tab_to("e.matches('.um-lessons-give')")
    s.press("Enter")
    assert s.read("note") == "Choose one of them first." and not s.done()
    w.clean()


def test_a_right_prediction_is_confirmed_without_being_asked_again(watch, page_url):
    w, s = opened(watch, page_url, "tree")
    s.run("ssd-apples")
    s.predict(3)
    s.go("ArrowRight")
    s.at_page(3)
    assert s.done() and "3 of 4 were kept" in s.read("right")
    assert w.page.locator(".um-lessons-form").count() == 0
    w.clean()


def test_the_answer_can_be_shown_and_says_what_was_said_and_where_to_look(watch, page_url):
    w, s = opened(watch, page_url, "tree")
    s.run("ssd-apples")
    s.predict(4)
    s.go("ArrowRight")
    w.page.locator(".um-lessons-show", has_text="Show the answer").focus()
    s.press("Enter")
    assert "3. You said 4: look at position 30." in s.read("result") and s.done()
    w.clean()


def test_a_lesson_says_when_another_run_is_on_screen_and_brings_its_own_back(watch, page_url):
    w, s = opened(watch, page_url, "order", 2)
    s.run("stepwise-apples")
    w.page.evaluate(f"t => {PLAYER}.load(JSON.parse(t), {{run: 'mine'}})", load("ar-apples").to_json())
    s.press("End")
    assert "Another run is on screen" in s.read("result") and not s.done()
    s.press("b", "g")
    s.run("stepwise-apples")
    assert "Another run" not in s.read("result")
    w.clean()


def test_settings_to_try_live_go_into_the_controls_and_the_lesson_stays(watch, page_url):
    w, s = opened(watch, page_url, "tree", 6)
    s.run("ssd-tree-apples")
    s.press("k", "k", "k")
    s.until_done()
    w.page.locator(".um-lessons-live").focus()
    s.press("Enter")
    w.page.wait_for_function("() => document.querySelector('#knob-ssd-n input').value === '8'", timeout=20_000)
    assert s.state["run"] == "bundled:ssd-tree-apples" and w.page.locator(".um-lessons").is_visible()
    w.clean()


def test_with_the_step_lock_nobody_goes_on_before_the_teacher_presses_r(watch, page_url):
    w = watch(page_url)
    teach(w.page, "lock")
    s = begin(w.page, 1)
    s.give(3)
    assert "The teacher opens the next page" in s.read("nav") and not s.done()
    s.press("Enter")
    s.at_page(1)
    s.press("r")
    assert s.done()
    s.press("Enter")
    s.at_page(2)
    w.clean()


def test_hidden_answers_are_blanks_until_the_teacher_presses_a(watch, page_url):
    w = watch(page_url)
    teach(w.page, "hide")
    s = begin(w.page, 4)
    s.predict(4)
    s.go("ArrowRight")
    s.at_page(3)
    assert "look at position 30" in s.read("wrong")
    assert w.page.locator(".um-lessons-show").count() == 0
    s.give(3)
    s.press("Enter")
    s.at_page(4)
    hidden = s.read("body")
    assert "The call had ____ rows of ____ tokens" in hidden and not re.search(r"\d", hidden.replace("row 0", ""))
    s.press("a")
    assert "The call had 5 rows of 92 tokens" in s.read("body")
    w.clean()


def test_teacher_mode_has_larger_type_and_a_link_that_opens_the_page_elsewhere_and_a_code_of_it(watch, page_url):
    w = watch(page_url)
    size = "() => parseFloat(getComputedStyle(document.querySelector('.um-lessons-body')).fontSize)"
    teach(w.page)
    s = begin(w.page, 2)
    assert w.page.evaluate(size) >= 20
    s.press("q")
    w.page.locator(".um-lessons-qr").wait_for(timeout=10_000)
    link = w.page.locator(".um-lessons-link").get_attribute("href")
    assert link.endswith("#lesson=remask&page=1") and link == s.read("address")
    rows = qr({"text": link})["rows"]
    drawn = w.page.evaluate("""() => [...document.querySelectorAll('.um-lessons-qr rect')].slice(1)
        .map((r) => [Number(r.getAttribute('x')) - 4, Number(r.getAttribute('y')) - 4])""")
    assert {tuple(at) for at in drawn} == {
        (x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark == "1"
    }
    other = watch(page_url, link.removeprefix(page_url))
    other.page.locator(".um-lessons-form").wait_for(timeout=30_000)
    assert "what is remasking, really?" in other.page.locator(".um-lessons-head").inner_text().lower()
    assert other.page.evaluate(size) == 15  # the teacher's switches are not the student's
    for each in (w, other):
        each.clean()


@pytest.mark.parametrize(
    ("link", "left_out", "heading"),
    [
        ("lesson=nobody&page=1", "lesson", None),
        ("lesson=%3Cimg%20src%3Dx%3E", "lesson", None),
        ("lesson=order&page=99", "page of the lesson", "Predict"),
        ("lesson=order&page=0x3", "page of the lesson", "Predict"),
        ("lesson=order&page=4", None, "Explain"),
    ],
)
def test_a_link_to_a_page_is_followed_and_a_wrong_one_is_left_out_and_said(watch, page_url, link, left_out, heading):
    w = watch(page_url, "/#" + link)
    if left_out:
        w.page.get_by_text(f"left out: {left_out}.").wait_for(timeout=20_000)
    if heading:
        w.page.locator(".um-lessons-steps li").first.wait_for(timeout=20_000)
        assert w.page.locator(".um-lessons-heading").inner_text().startswith(heading)
    else:
        assert not w.page.locator(".um-lessons").is_visible()
    w.clean()


@pytest.mark.parametrize("lesson", PAGES)
def test_a_worksheet_has_every_page_with_lines_and_its_answers_on_a_last_one(watch, page_url, lesson):
    w = watch(page_url)
    page = w.page
    open_lens(page, "Lessons")
    page.locator(".um-lessons-print").nth(list(PAGES).index(lesson)).focus()
    page.keyboard.press("Enter")
    page.locator(".um-lessons-sheet").wait_for(timeout=20_000)
    page.emulate_media(media="print")
    parts = page.locator(".um-lessons-sheetpage")
    headings = [text.split(". ") for text in parts.locator("h3").all_inner_texts()]
    tuned = lesson == "knobs" and "Tune" in lenses(page)
    assert [int(n) for n, _ in headings] == list(range(1, PAGES[lesson] + tuned + 1))
    assert {kind for _, kind in headings} >= {"Predict", "Check", "Explain", "Change one thing"}
    assert all(part.locator(".um-lessons-lines div").count() >= 1 for part in parts.all())
    assert page.locator(".um-lessons-strip").first.is_visible()
    answers = page.locator(".um-lessons-answers").inner_text()
    assert answers.startswith("Answer key") and len(re.findall(r"\d+", answers)) > 10
    seen = page.evaluate("""() => [...document.querySelectorAll('body *')].filter((e) => !e.closest('.um-lessons-sheet')
        && !e.querySelector('.um-lessons-sheet') && e.getClientRects().length).map((e) => e.outerHTML.slice(0, 80))""")
    assert seen == []
    inks = page.evaluate("""() => [...new Set(
        [...document.querySelectorAll('.um-lessons-sheet :is(.um-lessons-chip, p)')]
        .flatMap((e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]))]""")
    greys = [re.findall(r"[\d.]+", ink)[:3] for ink in inks]
    assert all(len(set(rgb)) == 1 for rgb in greys), inks
    page.emulate_media(media="screen")
    page.locator(".um-lessons-shut").focus()
    page.keyboard.press("Enter")
    assert page.locator(".um-lessons-item").count() == 8
    assert "um-lessons-print" in page.evaluate("() => document.activeElement.className")
    w.clean()


def test_the_answers_stay_off_a_worksheet_when_the_teacher_says_so_and_its_explanations_are_gaps(watch, page_url):
    w = watch(page_url)
    teach(w.page, "key")
    page = w.page
    page.locator(".um-lessons-print").nth(3).click()
    page.locator(".um-lessons-sheet").wait_for(timeout=20_000)
    assert page.locator(".um-lessons-answers").count() == 0
    explained = page.locator(".um-lessons-sheetpage").nth(3)
    assert explained.locator(".um-lessons-blank").count() >= 4 and "92" not in explained.inner_text()
    w.clean()


LOOKS = """(pair) => {
  const [a, b] = pair.map((query) => getComputedStyle(document.querySelector(query)));
  return ['backgroundColor', 'color'].map((name) => a[name] === b[name]);
}"""


def test_pointing_at_a_word_leaves_the_tokens_of_that_state_bright_and_the_word_looks_like_them(watch, page_url):
    w, s = opened(watch, page_url, "tree", 2)
    s.run("ssd-apples")
    s.press("ArrowRight")
    s.until_done()
    filtered = "() => document.querySelector('.um-text').dataset.filter || ''"
    for state, glyph in (("accepted", "✓"), ("rejected", "✕"), ("unreached", "·"), ("bonus", "★")):
        term = w.page.locator(f".um-lessons-term[data-s={state}]")
        term.focus()
        assert w.page.evaluate(filtered) == state and term.get_attribute("data-g") == glyph
        pair = [f".um-lessons-term[data-s={state}]", f":is(.um-chip, .um-swatch)[data-s={state}]"]
        assert w.page.evaluate(LOOKS, pair) == [True, True]
    s.press("b")
    assert w.page.evaluate(filtered) == ""
    w.clean()


@pytest.mark.parametrize("width", [1360, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_pages_of_a_lesson_the_list_and_a_worksheet(watch, page_url, theme, width):
    w = watch(page_url, f"/?__theme={theme}#lesson=draft&page=3")
    page, found = w.page, {}
    page.set_viewport_size({"width": width, "height": 900})
    page.locator(".um-lessons-form").wait_for(timeout=30_000)
    Student(page).give(4)
    found["a correction"] = violations(page, ".um-lessons")
    page.evaluate(
        "() => localStorage.setItem('unmasked-lessons', JSON.stringify({teacher: true, lock: true, hide: true}))"
    )
    page.goto(page_url + f"/?__theme={theme}&again#lesson=speed&page=1")
    page.locator(".um-lessons-form").wait_for(timeout=30_000)
    page.keyboard.press("q")
    page.locator(".um-lessons-qr").wait_for(timeout=10_000)
    found["teacher"] = violations(page, ".unmasked")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    open_lens(page, "Lessons")
    found["list"] = violations(page, ".unmasked")
    page.locator(".um-lessons-print").first.click()
    page.locator(".um-lessons-sheet").wait_for(timeout=20_000)
    found["worksheet"] = violations(page, ".unmasked")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert not any(found.values()), found
    w.clean()


# ------------------------------------------------------------------------------------------------ other languages
TABLES = """() => {
  const { words, translate } = Unmasked, tables = (window.tables = { en: {} });
  Unmasked.words = (id, english) => { tables.en[id] = english; return words(id, english); };
  Unmasked.translate = (code, table) => {
    Object.assign(tables[code] || (tables[code] = {}), table);
    translate(code, table);
  };
}"""


def strings(table, path=()):
    """Every sentence of a table, by the way to it."""
    if isinstance(table, str):
        return {path: table}
    parts = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    return {key: value for name, part in parts for key, value in strings(part, (*path, name)).items()}


def marks(sentence: str) -> tuple[list[str], list[str], bool]:
    """What a translation must keep: placeholders, states of terms, whether there are two forms."""
    return sorted(re.findall(r"\{\w+\}", sentence)), sorted(re.findall(r"\[(\w+):", sentence)), "|" in sentence


@pytest.fixture
def tables(browser):
    """language: {script: table}, of every script of the page and every translation."""
    page = browser.new_page()
    page.set_content('<div class="unmasked"></div>')
    page.add_script_tag(path=str(ROOT / "assets" / "player.js"))
    page.evaluate(TABLES)
    for path in (*sorted((ROOT / "assets" / "lenses").glob("*.js")), *sorted((ROOT / "assets/words").rglob("*.js"))):
        page.add_script_tag(path=str(path))
    yield json.loads(page.evaluate("() => JSON.stringify(tables)"))
    page.close()


def test_every_translated_sentence_has_the_placeholders_and_terms_of_the_english_one(tables):
    assert "lessons" in tables["de"]
    wrong = []
    for code in tables.keys() - {"en"}:
        english = strings(tables["en"]["lessons"])  # tests/e2e/test_words.py has the other scripts
        for key, sentence in strings(tables[code]["lessons"]).items():
            if key not in english or marks(english[key]) != marks(sentence):
                wrong.append((code, key))
    assert wrong == []


def test_the_german_lessons_lack_no_sentence(tables):
    assert strings(tables["en"]["lessons"]).keys() == strings(tables["de"]["lessons"]).keys()
    same = {key for key, text in strings(tables["en"]["lessons"]).items() if text == tables["de"]["lessons"][key[0]]}
    assert same <= {("minutes",), ("name",), ("shownOnly",), ("front_r",)}


def test_the_lessons_speak_the_language_of_the_page_and_change_it_under_way(watch, page_url):
    w, s = opened(watch, page_url, "tree")
    s.run("ssd-apples")
    w.page.evaluate("() => Unmasked.speak('de')")
    w.page.locator(".um-lessons-heading", has_text="Vorhersagen").wait_for(timeout=5_000)
    s.give(4)
    assert "Notiert: 4." in s.read("result")
    s.on()
    s.press("ArrowRight")
    s.until_done()
    s.on()
    assert "Geantwortet war 4: siehe Position 30 in Schritt 10." in s.read("wrong")
    s.press("Escape")
    open_lens(w.page, "Lektionen")
    assert "Danach: Ich kann" in w.page.locator(".um-lessons-item").first.inner_text()
    w.clean()


# ------------------------------------------------------------------------------------------------ without a server
HOST = """() => {
  Unmasked.lens("tune", (stage) => ({ show() { stage.box.textContent = "a front"; } }), { title: "Tune", order: 70 });
  const host = {
    views: [],
    trace: async (id) => JSON.parse(await recorded(id)),
    async go(hash) {
      const asked = Object.fromEntries(new URLSearchParams(hash.slice(1)));
      p.load(await host.trace(asked.run), { run: asked.run, opening: true });
      p.restore(asked);
    },
  };
  window.p = Unmasked.mount(document.querySelector('.unmasked'), host);
}"""


def test_where_there_is_a_view_that_tunes_the_last_lesson_ends_in_it(browser):
    bare = Bare(browser)
    page = bare.page
    page.expose_function("recorded", lambda id: load(id.removeprefix("bundled:")).to_json())
    page.evaluate("() => p.destroy()")
    page.add_style_tag(path=str(ROOT / "assets" / "lenses" / "lessons.css"))
    page.add_script_tag(path=str(ROOT / "assets" / "lenses" / "lessons.js"))
    page.evaluate(HOST)
    bare.load(load("ssd-apples"))
    page.evaluate("() => p.root.dispatchEvent(new CustomEvent('lesson', {detail: {lesson: 'knobs', page: '9'}}))")
    page.locator(".um-lessons-do", has_text="Open the view “Tune”.").wait_for(timeout=10_000)
    student = Student(page)
    student.at_page(9)
    assert not student.done()
    page.keyboard.press("2")
    assert student.state["lens"] == "tune" and student.done()
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    assert student.state["lens"] == "lessons" and "✓ done" in page.locator(".um-lessons-item").last.inner_text()
    bare.close()


def test_a_page_with_one_run_alone_lists_the_lessons_says_where_they_are_and_starts_none(browser):
    bare = Bare(browser, next(view for view in views() if view.id == "tree"))
    page = bare.page
    page.evaluate("() => p.destroy()")
    page.add_style_tag(path=str(ROOT / "assets" / "lenses" / "lessons.css"))
    page.add_script_tag(path=str(ROOT / "assets" / "lenses" / "lessons.js"))
    page.evaluate("() => { window.p = Unmasked.mount(document.querySelector('.unmasked'), {views: []}); }")
    bare.load(load("ssd-apples"))
    page.evaluate("() => p.open('lessons')")
    assert "Open them in the explorer" in page.locator(".um-lessons-alone").inner_text()
    assert page.locator(".um-lessons-item").count() == 8
    assert page.locator(".um-lessons-start:enabled, .um-lessons-print:enabled").count() == 0
    page.evaluate("() => { p.root.dispatchEvent(new CustomEvent('lesson', {detail: {lesson: 'order'}})); }")
    page.keyboard.press("ArrowRight")
    assert "could not be read here" in page.locator(".um-lessons-result").inner_text()
    bare.close()
