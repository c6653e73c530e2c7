// The plan as a layer of a Leaflet map: canvases, a little larger than the map, that move with it
// as they are; they are drawn again when a movement ends, and as far as a stroke changed them.

import { L } from "./leaflet.js";

const MARGIN = 6; // pixels around what changed: as far as a border is wide

export const PlanLayer = L.Renderer.extend({
  options: { padding: 0.3, pane: "overlayPane" },

  initialize(painter, options) {
    L.Renderer.prototype.initialize.call(this, options);
    this.painter = painter;
  },

  _initContainer() {
    this._container = L.DomUtil.create("div", "gm-plan");
    this._canvases = ["gm-ground", "gm-labels", "gm-hand"].map((name) => L.DomUtil.create("canvas", name, this._container));
    this._contexts = this._canvases.map((canvas) => canvas.getContext("2d", { willReadFrequently: true }));
  },

  _destroyContainer() {
    this._container.remove();
    this._container = this._canvases = this._contexts = null;
  },

  getEvents() {
    return { ...L.Renderer.prototype.getEvents.call(this), move: this._follow };
  },

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    const size = this._bounds.getSize();
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    L.DomUtil.setPosition(this._container, this._bounds.min);
    for (const canvas of this._canvases) {
      canvas.width = ratio * size.x;
      canvas.height = ratio * size.y;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
    }
    this._view = this._readView(size, ratio);
    this.drawGround();
    this.drawHand();
  },

  // A drag that leaves what is drawn is drawn again, but not at every step of the mouse.
  _follow() {
    const shown = L.bounds(this._map.containerPointToLayerPoint([0, 0]), this._map.containerPointToLayerPoint(this._map.getSize()));
    if (this._map._animatingZoom || this._bounds.contains(shown) || this._waiting) return;
    this._waiting = setTimeout(() => {
      this._waiting = null;
      if (this._map) this._update();
    }, 80);
  },

  // The transform from metres to pixels of the canvas: left + scale x, top - scale y.
  _readView(size, ratio) {
    const scale = 2 ** this._map.getZoom();
    const corner = this._bounds.min.add(this._map.getPixelOrigin());
    const [left, top] = [-corner.x, -corner.y];
    const box = [-left / scale, (top - size.y) / scale, (size.x - left) / scale, top / scale];
    return { scale, left, top, ratio, box };
  },

  _drawIn(ctx, box, draw) {
    const { scale, left, top, ratio } = this._view;
    ctx.save();
    ctx.setTransform(ratio * scale, 0, 0, -ratio * scale, ratio * left, ratio * top);
    if (box) {
      ctx.beginPath();
      ctx.rect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      ctx.clip();
    }
    draw({ ...this._view, box: box ?? this._view.box });
    ctx.restore();
  },

  /** Draw the plan again: all of it, or where it changed (metres). */
  drawGround(changed) {
    const { box: shown, scale } = this._view;
    let box = null;
    if (changed) {
      const more = MARGIN / scale;
      box = [
        Math.max(shown[0], changed[0] - more), Math.max(shown[1], changed[1] - more),
        Math.min(shown[2], changed[2] + more), Math.min(shown[3], changed[3] + more),
      ];
      if (box[0] >= box[2] || box[1] >= box[3]) return;
    }
    this._drawIn(this._contexts[0], box, (view) => this.painter.drawPlan(this._contexts[0], view));
    this._drawOver(1, (ctx, view) => this.painter.writeLabels(ctx, view));
  },

  /** Draw what the hand is doing. */
  drawHand() {
    this._drawOver(2, (ctx, view) => this.painter.drawHand(ctx, view));
  },

  _drawOver(number, draw) {
    const ctx = this._contexts[number];
    ctx.clearRect(0, 0, this._canvases[number].width, this._canvases[number].height);
    this._drawIn(ctx, null, (view) => draw(ctx, view));
  },
});

/** Make the map in an element, in metres; it is moved and zoomed by the tools. */
export function makeMap(element, [left, low, right, high]) {
  const map = L.map(element, {
    crs: L.CRS.Simple,
    attributionControl: false,
    zoomControl: false,
    boxZoom: false,
    keyboard: false,
    doubleClickZoom: false,
    zoomSnap: 0.25,
    zoomDelta: 0.75,
    wheelPxPerZoomLevel: 90,
    zoomAnimation: false, // what is drawn anew at every step is not stretched in between
    minZoom: -9,
    maxZoom: 4,
    maxBounds: [[low - 3000, left - 3000], [high + 3000, right + 3000]],
    maxBoundsViscosity: 0.6,
  });
  L.control.scale({ imperial: false, position: "bottomleft", maxWidth: 110 }).addTo(map);
  return map;
}

/** Show a box (metres) as large as it fits. */
export function showBox(map, [left, low, right, high], closest = 4) {
  map.fitBounds([[low, left], [high, right]], { padding: [24, 24], maxZoom: closest, animate: false });
}

/** Return x and y in metres of a place on the screen. */
export function placeOfEvent(map, event) {
  const { lat, lng } = map.mouseEventToLatLng(event);
  return [lng, lat];
}
