"""The editor on a bare page: its program, and for a kernel the widget in this process."""

import base64
from contextlib import contextmanager
from typing import Any

from gridmap.editor.bundle import compose_module, compose_style, read_module
from gridmap.editor.widget import PlanEditor

ADDRESS = "http://editor.test"
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8">
<link rel="stylesheet" href="editor.css">
<style>body { margin: 0; } #above, #below { height: 700px; }</style>
<div id="above" hidden></div><div id="place"></div><div id="below" hidden></div>
<script type="module">
  import editor from "./editor.mjs";
  const unpack = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
  const model = {
    traits: window.traits, heard: {},
    get(name) { return this.traits[name]; },
    set(name, value) { this.traits[name] = value; this.tell(`change:${name}`); },
    save_changes() {},
    on(name, act) { (this.heard[name] ??= []).push(act); },
    off(name, act) { this.heard[name] = (this.heard[name] ?? []).filter(one => one !== act); },
    tell(name, ...values) { for (const act of this.heard[name] ?? []) act(...values); },
    async send(message) {
      const answers = await window.toKernel(message);
      for (const [answer, buffers] of answers) this.tell("msg:custom", answer, buffers.map(unpack));
    },
  };
  window.model = model;
  editor.render({ model, el: document.querySelector("#place") });
</script>"""


@contextmanager
def open_page(
    browser, widget: PlanEditor, *, width=1200, height=760, offline_check=None, **context
):
    """Open the page of a widget; what is asked of any other host goes to ``offline_check``."""
    troubles = [] if offline_check is None else offline_check
    box = browser.new_context(viewport={"width": width, "height": height}, **context)
    sent = Kernel(widget)
    page = box.new_page()
    box.route("**/*", lambda route: serve(route, troubles))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    page.expose_function("toKernel", sent.answer)
    traits = {"height": widget.height, "lang": widget.lang}
    page.add_init_script(f"window.traits = {traits};")
    page.goto(f"{ADDRESS}/")
    page.kernel = sent
    try:
        yield page
    finally:
        box.close()


def serve(route, troubles):
    """Give the page and its modules; anything else is trouble."""
    path = route.request.url.removeprefix(ADDRESS).split("?")[0]
    kinds = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}
    bodies = {"/": lambda: PAGE, "/editor.mjs": compose_module, "/editor.css": compose_style}
    if route.request.url.startswith("data:"):
        route.continue_()
    elif path in bodies or path.startswith("/static/"):
        body = bodies[path]() if path in bodies else read_module(path.removeprefix("/static/"))
        kind = kinds.get(path[path.rfind(".") :], "text/html")
        route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")
    elif path == "/favicon.ico":
        route.fulfill(status=204)
    else:
        troubles.append(f"asked for {route.request.url}")
        route.abort()


class Kernel:
    """Passes messages between a page and a widget, and can fail like a kernel."""

    def __init__(self, widget: PlanEditor) -> None:
        self.widget, self.alive, self.bytes = widget, True, 0
        self.messages: list[dict[str, Any]] = []

    def answer(self, message):
        """Give a page's message to the widget; return what it sends."""
        if not self.alive:
            return []
        self.messages.append(message)
        answers: list[Any] = []
        self.widget.send = lambda content, buffers=None: answers.append((content, buffers or []))
        self.widget._answer(None, message, [])
        del self.widget.send
        self.bytes += sum(len(buffer) for _, buffers in answers for buffer in buffers)
        return [
            [content, [base64.b64encode(buffer).decode() for buffer in buffers]]
            for content, buffers in answers
        ]


# --- what a hand does -----------------------------------------------------------------------------

EDITOR = "document.querySelector('.gm-editor').parentElement.editor"


def at(page, unit):
    """Return where the middle of a unit is on the screen."""
    return page.evaluate(
        f"""unit => {{
            const {{ ground, map, element }} = {EDITOR};
            const [x, y] = [ground.centres[2 * unit], ground.centres[2 * unit + 1]];
            const point = map.latLngToContainerPoint([y, x]);
            const box = element.getBoundingClientRect();
            return [box.x + point.x, box.y + point.y];
        }}""",
        unit,
    )


def click(page, unit, **options):
    """Click a unit."""
    page.mouse.click(*at(page, unit), **options)


def choose(page, unit):
    """Choose the grid of a unit with the select tool."""
    click(page, unit)
    page.keyboard.press("v")
    click(page, unit)


def stroke(page, *units):
    """Draw a brush or lasso stroke over units."""
    page.mouse.move(*at(page, units[0]))
    page.mouse.down()
    for unit in units[1:]:
        page.mouse.move(*at(page, unit), steps=4)
    page.mouse.up()


def lasso(page, *units, reach=12):
    """Draw a lasso around the middles of units."""
    spots = [at(page, unit) for unit in units]
    left, right = min(x for x, _ in spots) - reach, max(x for x, _ in spots) + reach
    low, high = min(y for _, y in spots) - reach, max(y for _, y in spots) + reach
    corners = [(left, low), (right, low), (right, high), (left, high), (left, low + 2)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()


def settle(page):
    """Wait until what was done is drawn and saved."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")
    page.wait_for_function(f"() => {EDITOR}.link.queue.length === 0")


def grids(page):
    """Return the grid of every unit, as the page has it."""
    return page.evaluate(f"() => [...{EDITOR}.draft.grids]")


def is_seen(page, selector):
    """Tell whether what people see in the middle of an element is that element."""
    return page.evaluate(
        """selector => {
            const box = document.querySelector(selector).getBoundingClientRect();
            const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return Boolean(seen && seen.closest(selector));
        }""",
        selector,
    )


def count_colour(page, rgb, canvas=0):
    """Count the pixels of exactly one colour on a canvas: 0 is the plan, 1 labels, 2 the hand."""
    return page.evaluate(
        """([[r, g, b], number]) => {
            const canvas = document.querySelectorAll('.gm-plan canvas')[number];
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            let found = 0;
            for (let i = 0; i < data.length; i += 4)
                found += data[i] === r && data[i + 1] === g && data[i + 2] === b
                    && data[i + 3] === 255;
            return found;
        }""",
        [rgb, canvas],
    )
