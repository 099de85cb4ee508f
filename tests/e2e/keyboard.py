"""Somebody with a keyboard and no mouse, who must see where the focus is."""

from playwright.sync_api import Locator, Page

MOST_TABS = 200
# Where the focus is: whether it is on what is sought, whether it can be seen, its place in the
# document.  The calendar in a date's field is the browser's own, and so is the ring around it.
FOCUS = """selector => {
  const here = document.activeElement, style = getComputedStyle(here);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  const outlined = ring || here.type === 'date' && !here.matches(':focus');
  const box = here.getBoundingClientRect();
  return [
    here.matches(selector),
    here === document.body || outlined && box.width > 0 && box.height > 0,
    [...document.querySelectorAll('*')].indexOf(here),
    here.outerHTML.slice(0, 150),
  ];
}"""


class Keys:
    """Addresses are typed or followed; everything else is done with keys."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> "Keys":
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def type(self, text: str) -> "Keys":
        self.page.keyboard.type(text)
        return self

    def tab_to(self, selector: str) -> "Keys":
        """Go on with Tab until the focus is there.

        Fails where Tab does not lead there, where it goes back in the page other than from its end
        to its beginning, and where nobody sees the focus on the way.
        """
        last, wraps = -1, 0
        for _ in range(MOST_TABS):
            found, is_seen, place, what = self.page.evaluate(FOCUS, selector)
            assert is_seen, f"The focus cannot be seen on {self.page.url}: {what}"
            wraps += place < last
            assert wraps < 2, f"Tab goes back on {self.page.url}: {what}"
            if found:
                return self
            last = place
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector} on {self.page.url}.")

    def tab_to_one(self, wanted: Locator) -> "Keys":
        """Go on with Tab to an element that is found by what it says."""
        return self.tab_to(f"#{wanted.evaluate('one => (one.id ||= `sought-${Date.now()}`)')}")

    def choose(self, words: str) -> "Keys":
        """Choose in the list that has the focus, by its option's words."""
        self.page.keyboard.type(words)
        chosen = self.page.evaluate("() => document.activeElement.selectedOptions[0].text")
        assert chosen.strip() == words, (chosen, words)
        return self

    def enter(self) -> "Keys":
        """Press Enter and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        return self
