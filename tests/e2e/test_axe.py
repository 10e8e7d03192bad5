"""axe-core finds nothing serious or critical: on the loaded page, in every lens, in both themes, wide and narrow."""

import pytest
from serving import lenses, open_lens


def violations(page, within: str | None = None) -> list[str]:
    """What axe finds of serious or critical impact, one line a rule: its help and the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make e2e installs axe").Axe()
    found = axe.run(page, context=within, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: " + "; ".join(node["html"][:200] for node in v["nodes"])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", [1360, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_page_and_in_every_lens(watch, page_url, theme, width):
    w = watch(page_url, f"/?__theme={theme}")
    page, found = w.page, {}
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("() => document.querySelector('.unmasked').unmasked.seek(60, {pos: 40})")
    found["page"] = violations(page)
    for name in lenses(page)[1:]:  # the first is open on the loaded page
        open_lens(page, name)
        found[name] = violations(page, ".unmasked")
    open_lens(page, "Mask")
    page.locator(".um-mask-steps button", has_text="SimSD").click()
    page.locator(".um-mask-whose", has_text="SimSD").wait_for()
    found["mask of another run"] = violations(page, ".unmasked")
    page.locator(".um-exportbtn").click()
    found["export menu"] = violations(page, ".unmasked")
    assert not any(found.values()), found
