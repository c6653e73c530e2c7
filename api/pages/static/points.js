// Cases as points on one canvas: shape and colour by clock, the overdue on top.

import { CLOCKS } from "./stages.js";

const L = window.L;
const COLOURS = { overdue: "#ff6b5e", soon: "#ffc24b", fine: "#35c9b0", paused: "#9fb0c5" };
const WORLD = 256; // pixels of the world at zoom 0
const REACH = 14; // pixels around a point that count as it
// Pixels of a point; smaller where thousands would hide the grids below them.
const SIZES = { overdue: 13, soon: 12, fine: 8, paused: 9 };
const DENSE = { overdue: 9, soon: 7, fine: 4, paused: 5 };
const MANY = 3000;
const NEAR = 15;

export class Points {
  constructor(map) {
    Object.assign(this, { map, rows: [] });
    map.createPane("points").style.zIndex = 390;
    this.renderer = L.canvas({ pane: "points", padding: 0.1 }).addTo(map);
    this.canvas = map.getPane("points").querySelector("canvas");
    this.renderer.on("update", () => this.paint()); // the map has moved, and the canvas with it
  }

  /** Show these cases. */
  show(rows) {
    this.rows = CLOCKS.toReversed().map((clock) => [clock, rows.filter((row) => row.clock === clock && row.lon !== null)]);
    this.sizes = rows.length > MANY ? DENSE : SIZES;
    for (const [, group] of this.rows) for (const row of group) row.world ??= project(row);
    this.paint();
  }

  paint() {
    const context = this.canvas.getContext("2d");
    context.save();
    context.resetTransform();
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.restore();
    const { scale, left, top } = this.frame();
    const { min, max } = L.bounds(this.map.getPixelBounds().min.subtract([60, 60]), this.map.getPixelBounds().max.add([60, 60]));
    for (const [clock, rows] of this.rows) {
      const { sprite, size } = this.sprite(clock);
      for (const { world } of rows) {
        const [x, y] = [world[0] * scale, world[1] * scale];
        if (x > min.x && x < max.x && y > min.y && y < max.y)
          context.drawImage(sprite, x - left - size / 2, y - top - size / 2, size, size);
      }
    }
  }

  // The world at this zoom, and where the pane's pixels begin in it.
  frame() {
    const { x: left, y: top } = this.map.getPixelOrigin();
    return { scale: WORLD * 2 ** this.map.getZoom(), left, top };
  }

  sprite(clock) {
    const near = this.map.getZoom() >= NEAR;
    const size = Math.round((near ? SIZES[clock] * 1.5 : this.sizes[clock]) * wallScale());
    const name = `${clock} ${size}`;
    this.sprites ??= new Map();
    if (!this.sprites.has(name)) this.sprites.set(name, drawSprite(clock, size * 2));
    return { sprite: this.sprites.get(name), size };
  }

  /** Return the case at a place of the map, the overdue first; undefined for none. */
  at(latlng) {
    const { x, y } = this.map.project(latlng);
    const { scale } = this.frame();
    const far = ({ world }) => Math.hypot(world[0] * scale - x, world[1] * scale - y);
    for (const [, rows] of this.rows.toReversed()) {
      const near = rows.filter((row) => far(row) <= REACH);
      if (near.length) return near.reduce((best, row) => (far(row) < far(best) ? row : best));
    }
  }
}

/** Return how large this screen is drawn: 1 at 1920 pixels, 2 at 4K. */
export const wallScale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

// Web Mercator, the world from 0 to 1.
function project({ lon, lat }) {
  const { x, y } = L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lon), 0);
  return [x / WORLD, y / WORLD];
}

const half = 0.5;
const SHAPES = {
  overdue: [[half, 0.04], [0.98, 0.94], [0.02, 0.94]],
  soon: [[half, 0], [1, half], [half, 1], [0, half]],
  paused: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]],
};

function drawSprite(clock, size) {
  const sprite = document.createElement("canvas");
  sprite.width = sprite.height = size;
  const context = sprite.getContext("2d");
  context.fillStyle = COLOURS[clock];
  context.strokeStyle = "#0a1019";
  context.lineWidth = size * 0.08;
  context.beginPath();
  if (clock === "fine") context.arc(size / 2, size / 2, size * 0.44, 0, 7);
  else for (const [x, y] of SHAPES[clock]) context.lineTo(size * (0.06 + 0.88 * x), size * (0.06 + 0.88 * y));
  context.closePath();
  context.fill();
  context.stroke();
  return sprite;
}
