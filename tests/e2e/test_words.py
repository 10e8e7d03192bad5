"""Every sentence of every script has its counterpart in every language, and is filled in from the same values."""

import re

import pytest
from serving import MOUNT, ROOT

from app import words
from viz import assets
from viz.exports import FORMATS
from viz.registry import views

# What may read the same in two languages although it is longer than two words.
CARD = "{title}: {bandwidth} GB/s, {peak} TFLOP/s ({dtype}), {memory} GB. {source}"
ALIKE = {CARD, "specspecs (parquet)", "Chrome trace (Perfetto)", "{i}. {role}, {model}", "{i}. {title} · {run}"}


@pytest.fixture(scope="module")
def tables(browser):
    """{id: {language: {key: sentence}}} as the scripts have it, with names of views, the page and the report."""
    page = browser.new_page()
    page.set_content('<html lang="en"><div class="unmasked"></div>')
    for path in (*assets.SCRIPTS, assets.ASSETS / "page.js"):
        page.add_script_tag(path=str(path))
    page.evaluate("english => Unmasked.page(english)", words.table())
    formats = [[name, format.title] for name, format in FORMATS.items()]
    page.evaluate(
        MOUNT.replace("figure }", "figure, formats }").replace("views =>", "([views, formats]) =>"),
        [
            [view.listed() for view in views() if view.medium != "player"],
            formats,
        ],
    )
    shown = page.evaluate("stage.player.views.map(v => [v.id, v.english.title, v.english.question])")
    page.evaluate("p.destroy()")
    page.add_script_tag(path=str(assets.ASSETS / "report.js"))
    page.wait_for_function("Unmasked.tables().report")
    found = page.evaluate("Unmasked.tables()")
    page.close()
    for id, title, question in shown:
        if id != "grid":  # the player's own, in its table
            found.setdefault(id, {}).setdefault("en", {}).update(title=title, question=question)
    return found


def languages() -> list[str]:
    return sorted(path.name for path in assets.WORDS.iterdir() if path.is_dir())


def sentences(said) -> list[str]:
    """The texts of an entry, which is a text or a list of such."""
    return [said] if isinstance(said, str) else [text for part in said for text in sentences(part)]


def shape(said):
    return "text" if isinstance(said, str) else [shape(part) for part in said]


def holes(text: str) -> list[set[str]]:
    """The names of the values in each form of a sentence, one form or two."""
    return [set(re.findall(r"\{(\w+)\}", form)) for form in text.split("|")]


@pytest.mark.parametrize("code", languages())
def test_each_key_of_each_script_has_a_sentence_and_there_is_none_besides(tables, code):
    lacking = {id: sorted(set(t.get("en", {})) - set(t.get(code, {}))) for id, t in tables.items()}
    extra = {id: sorted(set(t.get(code, {})) - set(t.get("en", {}))) for id, t in tables.items()}
    assert {id: keys for id, keys in lacking.items() if keys} == {}, "no sentence: write one in assets/words"
    assert {id: keys for id, keys in extra.items() if keys} == {}, "nobody says these: take them out"


@pytest.mark.parametrize("code", languages())
def test_each_sentence_is_filled_in_from_the_same_values_in_as_many_forms(tables, code):
    wrong = []
    for id, table in tables.items():
        for key, english in table["en"].items():
            other = table[code][key]
            if shape(english) != shape(other):
                wrong.append((id, key, "another list"))
                continue
            for ours, theirs in zip(sentences(english), sentences(other), strict=True):
                if (id, key) == ("page", "PARTLY"):
                    continue
                if not theirs.strip() or holes(ours) != holes(theirs):
                    wrong.append((id, key, theirs))
    assert wrong == []


@pytest.mark.parametrize("code", languages())
def test_no_sentence_was_left_in_english(tables, code):
    same = {
        text
        for table in tables.values()
        for key, english in table["en"].items()
        for text, other in zip(sentences(english), sentences(table[code][key]), strict=True)
        if text == other and len(re.findall(r"[^\W\d]{2,}", re.sub(r"\{\w+\}", "", text))) > 1
    }
    assert same - ALIKE == set()


def test_every_script_that_speaks_is_in_the_tables_and_every_file_of_words_belongs_to_a_script(tables):
    scripts = [*assets.LENSES.glob("*.js"), assets.ASSETS / "player.js", assets.ASSETS / "report.js"]
    assert {path.stem for path in scripts} <= set(tables)
    for code in languages():
        files = {path.stem for path in (assets.WORDS / code).glob("*.js")}
        assert files == {id for id, table in tables.items() if code in table}
    assert [path for path in assets.SCRIPTS if path.parent.parent == assets.WORDS] == sorted(
        assets.WORDS.glob("*/*.js")
    )


def test_the_scripts_say_only_what_their_tables_hold(tables):
    for path in [*assets.LENSES.glob("*.js"), assets.ASSETS / "player.js"]:
        text, own = path.read_text(encoding="utf-8"), tables[path.stem]["en"]
        said = set(re.findall(r"(?<![\w.])(?:say|said)\(\"(\w+)\"[,)]", text))
        if path.stem == "player":
            said |= set(re.findall(r"this\.say\(\"(\w+)\"[,)]", text)) | set(re.findall(r"this\.w\.(\w+)", text))
        assert said - set(own) == set(), path.name


def test_the_page_names_all_of_its_sentences_for_the_scripts():
    table = words.table()
    assert table["RUN"] == "Run" and table["GROUPS_block"] == "block"
    assert "TAGLINE" in table and "table" not in table
    used = set(re.findall(r"\bwords\.([A-Z_]+)\b", (ROOT / "app" / "ui.py").read_text(encoding="utf-8")))
    assert {
        name for name in used if name not in table and not any(key.startswith(f"{name}_") for key in table)
    } == set()
