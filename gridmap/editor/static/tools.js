// The hand on the map: mouse, pen, finger and keys become calls of the editor. Pick a grid, then
// feed it; Esc always cancels.

import { placeOfEvent } from "./layer.js";

const CLICK = 4; // pixels that a click may move
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Hand {
  constructor(editor, root, element, map) {
    Object.assign(this, { editor, root, element, map });
    this.space = false;
    this.down = null;
    const listen = (target, name, act, options) => {
      target.addEventListener(name, act, options);
      this.stops.push(() => target.removeEventListener(name, act, options));
    };
    this.stops = [];
    listen(element, "pointerdown", (event) => this.press(event));
    listen(element, "pointermove", (event) => this.move(event));
    listen(element, "pointerup", (event) => this.release(event));
    listen(root, "focusin", () => this.editor.link.askHeld());
    listen(element, "pointercancel", () => this.editor.cancel());
    listen(element, "pointerleave", () => this.leave());
    listen(root, "keydown", (event) => this.key(event));
    listen(root, "keyup", (event) => this.keyUp(event));
    listen(root, "wheel", (event) => this.wheel(event), { capture: true, passive: true });
  }

  close() {
    for (const stop of this.stops) stop();
  }

  /** Let Leaflet pan with the select tool, and with any tool while space is held. */
  followTool() {
    const pans = this.editor.tool === "select" || this.space;
    this.map.dragging[pans ? "enable" : "disable"]();
    this.element.dataset.tool = this.space ? "pan" : this.editor.tool;
  }

  // The wheel is the notebook's until somebody works on the map.
  wheel(event) {
    const focused = this.root.contains(this.root.getRootNode().activeElement);
    if (!focused && !event.ctrlKey && this.element.contains(event.target)) event.stopPropagation();
  }

  // --- mouse, pen, finger ---------------------------------------------------------------------------

  press(event) {
    if (event.target.closest(".gm-bar, .gm-help, .leaflet-control") || event.button !== 0) return;
    if (!event.isPrimary) {
      this.giveToMap();
      return;
    }
    this.element.focus({ preventScroll: true });
    const place = placeOfEvent(this.map, event);
    this.down = { x: event.clientX, y: event.clientY, place, pan: this.editor.tool === "select" || this.space };
    this.editor.cursor = null;
    if (event.altKey || this.editor.merging || this.editor.sourcing) return;
    if (this.down.pan) return;
    this.element.setPointerCapture(event.pointerId);
    if (this.editor.tool === "brush") this.editor.startStroke(place);
    else this.editor.startLasso(place);
  }

  // A second finger pans and zooms the map: what the first had begun is dropped.
  giveToMap() {
    this.down = null;
    this.editor.stopGestures();
    this.editor.refresh();
  }

  move(event) {
    if (!event.isPrimary) return;
    const place = placeOfEvent(this.map, event);
    const box = this.element.getBoundingClientRect();
    this.editor.hover(place, [event.clientX - box.left, event.clientY - box.top]);
  }

  release(event) {
    const { down } = this;
    this.down = null;
    if (!down) return;
    const place = placeOfEvent(this.map, event);
    const clicked = Math.hypot(event.clientX - down.x, event.clientY - down.y) <= CLICK;
    if (this.editor.stroke) this.editor.endStroke();
    else if (this.editor.lasso.length) this.editor.endLasso();
    else if (clicked && this.editor.sourcing) this.editor.sourceAt(place);
    else if (clicked && this.editor.merging) this.editor.mergeAt(place);
    else if (clicked && (event.altKey || down.pan)) this.editor.pickAt(place);
  }

  leave() {
    if (!this.down) this.editor.stopHover();
  }

  // --- keys -------------------------------------------------------------------------------------------

  key(event) {
    const { editor } = this;
    const command = event.ctrlKey || event.metaKey;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = command ? this.commandKeys(event)[name] : event.altKey ? null : this.plainKeys(event)[name];
    if (!act || !editor.draft) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  commandKeys(event) {
    const { editor } = this;
    return { z: () => (event.shiftKey ? editor.redo() : editor.undo()), y: () => editor.redo() };
  }

  plainKeys(event) {
    const { editor } = this;
    const onMap = event.target === this.element;
    const keys = {
      v: () => editor.choose("select"),
      b: () => editor.choose("brush"),
      l: () => editor.choose("lasso"),
      n: () => editor.makeGrid(),
      m: () => editor.startMerge(),
      x: () => editor.dissolve(),
      k: () => editor.toggleLock(),
      s: () => editor.startSource(),
      c: () => editor.toggleCompare(),
      p: () => editor.goToProblem(null, event.shiftKey ? -1 : 1),
      "[": () => editor.resize(0.8),
      "]": () => editor.resize(1.25),
      "?": () => editor.messages.toggleHelp(),
      "+": () => this.map.zoomIn(),
      "=": () => this.map.zoomIn(),
      "-": () => this.map.zoomOut(),
      0: () => editor.showWhole(),
      Escape: () => editor.cancel(),
    };
    if (!onMap) return keys;
    for (const [name, way] of Object.entries(ARROWS)) keys[name] = () => this.moveCursor(way, event.shiftKey ? 96 : 24);
    return { ...keys, Enter: () => this.act(), " ": () => this.holdSpace() };
  }

  holdSpace() {
    this.space = true;
    this.followTool();
  }

  keyUp(event) {
    if (event.key !== " " || !this.space) return;
    this.space = false;
    this.followTool();
  }

  // The cursor of the keyboard starts in the middle, and the map follows it.
  moveCursor([east, north], pixels) {
    const { editor, map } = this;
    const step = pixels / 2 ** map.getZoom();
    const { lat, lng } = map.getCenter();
    const [x, y] = editor.cursor ?? [lng, lat];
    editor.cursor = [x + east * step, y + north * step];
    const at = map.latLngToContainerPoint([editor.cursor[1], editor.cursor[0]]);
    const size = map.getSize();
    if (at.x < 40 || at.y < 40 || at.x > size.x - 40 || at.y > size.y - 40)
      map.panTo([editor.cursor[1], editor.cursor[0]], { animate: false });
    const shown = map.latLngToContainerPoint([editor.cursor[1], editor.cursor[0]]);
    editor.hover(editor.cursor, [shown.x, shown.y]);
  }

  // Enter: confirm what is asked, else do what a click would do at the cursor.
  act() {
    const { editor } = this;
    if (editor.pending) editor.confirm();
    else if (!editor.cursor) return;
    else if (editor.sourcing) editor.sourceAt(editor.cursor);
    else if (editor.merging) editor.mergeAt(editor.cursor);
    else if (editor.tool === "brush") {
      editor.startStroke(editor.cursor);
      editor.endStroke();
    } else editor.pickAt(editor.cursor);
  }
}
