"""How a person works in a page: by mouse, or by keyboard alone. Things are found by label and role."""

from collections.abc import Callable
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

FOCUSED = "one => one === document.activeElement"
ABOUT = """() => {
    const one = document.activeElement;
    const words = one?.getAttribute("aria-label") ?? one?.labels?.[0]?.innerText ?? one?.innerText;
    return one ? `${one.localName} ${(words ?? "").slice(0, 60).trim()}` : "nothing";
}"""


class Hands(Protocol):
    """What a person does; what is given is the control as it is found by its label."""

    page: Page

    def push(self, button: Locator) -> None:
        """Use a button or a link."""
        ...

    def write(self, field: Locator, text: str) -> None:
        """Replace what stands in a field."""
        ...

    def choose(self, field: Locator, option: str) -> None:
        """Choose from a list of options."""
        ...

    def turn(self, tabs: Locator, n: int) -> None:
        """Turn to one of several tabs."""
        ...

    def add(self, slot: Locator, kind: str) -> None:
        """Add a step of a kind at a place of the canvas."""
        ...


def settled(page: Page) -> None:
    """Wait as a person does: until nothing is being drawn anew."""
    expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=20_000)


class Mouse:
    """A person with a mouse; what is typed is typed after a click into the field."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._drags = False

    def push(self, button: Locator) -> None:
        button.last.click()
        settled(self.page)

    def write(self, field: Locator, text: str) -> None:
        field.last.click(click_count=3)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, field: Locator, option: str) -> None:
        field.last.select_option(label=option)
        settled(self.page)

    def turn(self, tabs: Locator, n: int) -> None:
        tabs.nth(n).click()

    def add(self, slot: Locator, kind: str) -> None:
        """Drag a step from the palette, and every other time choose the place first."""
        offered = self.page.get_by_label("Steps to add").get_by_role(
            "button", name=kind, exact=True
        )
        self._drags = not self._drags
        if self._drags:
            self._drag(offered, slot)
        else:
            slot.click()
            offered.click()
        settled(self.page)

    def _drag(self, offered: Locator, slot: Locator) -> None:
        start, end = offered.bounding_box(), slot.bounding_box()
        assert start is not None
        assert end is not None
        self.page.mouse.move(start["x"] + 20, start["y"] + 10)
        self.page.mouse.down()
        self.page.mouse.move(start["x"] + 40, start["y"] + 30, steps=3)
        self.page.mouse.move(end["x"] + 8, end["y"] + 8, steps=5)
        self.page.mouse.up()


class Keyboard:
    """A person without a mouse, who reads the page and presses keys."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def push(self, button: Locator) -> None:
        self.go(button.last)
        self.press("Enter")
        settled(self.page)

    def write(self, field: Locator, text: str) -> None:
        self.go(field.last)
        self.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, field: Locator, option: str) -> None:
        chosen = field.last
        self.go(chosen)
        options = [one.strip() for one in chosen.locator("option").all_inner_texts()]
        now = chosen.evaluate("one => one.selectedIndex")
        steps = options.index(option) - now
        for _ in range(abs(steps)):
            self.press("ArrowDown" if steps > 0 else "ArrowUp")
            settled(self.page)  # what is chosen may draw the form anew
        expect(field.last.locator("option:checked")).to_have_text(option)
        expect(field.last).to_be_focused()

    def turn(self, tabs: Locator, n: int) -> None:
        self.go(tabs.and_(self.page.get_by_role("tab", selected=True)))
        there = tabs.nth(n)
        self._until(lambda: bool(there.evaluate(FOCUSED)), "ArrowRight", there)

    def add(self, slot: Locator, kind: str) -> None:
        """Walk the canvas to a place, and find the step by its name."""
        self.walk(slot)
        self.press("Enter")
        expect(self.page.get_by_label("Find a step")).to_be_focused()
        self.page.keyboard.type(kind)
        self.press("Enter")
        settled(self.page)

    def go(self, target: Locator) -> None:
        """Press Tab until the control has the focus; nothing may swallow it on the way."""
        expect(target).to_be_visible()
        self._until(lambda: bool(target.evaluate(FOCUSED)), "Tab", target)

    def walk(self, slot: Locator) -> None:
        """Press the canvas' arrows until the place has the focus."""
        settled(self.page)
        if not self.page.evaluate("() => !!document.activeElement.closest('#tree')"):
            self._until(
                lambda: bool(self.page.evaluate("() => !!document.activeElement.closest('#tree')")),
                "Tab",
                slot,
            )
        self._until(lambda: bool(slot.evaluate(FOCUSED)), "ArrowDown", slot)

    def _until(self, there: Callable[[], bool], key: str, target: Locator) -> None:
        passed: list[str] = []
        while not there():
            assert len(passed) < 150, f"{target} is not reached by {key}: {passed}"
            self.press(key)
            passed.append(self.page.evaluate(ABOUT))
            assert passed[-3:] != [passed[-1]] * 3 or key == "Tab", f"{key} leads nowhere: {passed}"
