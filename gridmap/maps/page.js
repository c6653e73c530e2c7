// The page of a plan: shades, labels and finds what is in the page's own data.

const WORDS = {
  zh: {
    layers: "图层与图例", shading_label: "网格着色", search_label: "搜索编码、地址、社区或楼栋",
    search_placeholder: "编码 / 地址 / 社区 / 楼栋", card_label: "网格", language: "English", close: "关闭",
    nothing: "没有找到", address: "地址", code: "编码", belongs: "所属", households: "户数", buildings: "楼栋",
    internal: "内部使用（未经地图审核）", approval: (number) => `审图号：${number}`,
    plan: (name, count) => (name ? `方案 ${name}，${count} 个网格` : `${count} 个网格`),
    homes: (n, off) => (n === null ? "未公布（户数过少）" : off ? `${n} 户（${off}）` : `${n} 户`), serial: (name, serial) => name,
    house: "楼栋轮廓", labels: "网格名称", community: "社区界", street: "道路", river: "河流", railway: "铁路",
    changes: "变更区域", changed: (old, now) => `${old} → ${now}`, moved: (n) => `${n} 户变更网格`,
    parted: "相邻的不同取值用不同颜色",
  },
  en: {
    layers: "Layers and legend", shading_label: "Colour of the grids", search_label: "Search a code, an address, a community or a building",
    search_placeholder: "code / address / community", card_label: "Grid", language: "中文", close: "Close",
    nothing: "Nothing found", address: "Address", code: "Code", belongs: "Part of", households: "Households", buildings: "Buildings",
    internal: "Internal use – not for publication", approval: (number) => `Map approval no. ${number}`,
    plan: (name, count) => (name ? `plan ${name}, ${count} grids` : `${count} grids`),
    homes: (n, off) => (n === null ? "not published (too few)" : off ? `${n} (${off})` : `${n}`), serial: (name, serial) => `Grid ${serial}`,
    house: "Buildings", labels: "Names of grids", community: "Communities", street: "Streets", river: "Rivers", railway: "Railways",
    changes: "Changed areas", changed: (old, now) => `${old} → ${now}`, moved: (n) => `${n} households change grid`,
    parted: "Neighbours that differ have different colours",
  },
};
const LINES = {
  community: { color: "#7a2d86", weight: 1.3, fill: false },
  river: { color: "#2f9fb3", weight: 7, fillColor: "#7fc6d2", fillOpacity: 1 },
  railway: { color: "#4a4a4a", weight: 2, dashArray: "6 4" },
  main_road: { color: "#ffffff", weight: 4 },
  street: { color: "#ffffff", weight: 2 },
  path: { color: "#ffffff", weight: 1 },
};
// The lines that the legend lists and switches: name -> kinds and the colour shown for it.
const GROUPS = { community: ["community"], street: ["main_road", "street", "path"], river: ["river"], railway: ["railway"] };
const HOUSE = { color: "#7d7668", weight: 0.5, fillColor: "#9a9486", fillOpacity: 0.85, interactive: false };
const OUTLINE = "#55534d";
const CHANGED = { color: "#b3261e", weight: 2, fillColor: "#b3261e", fillOpacity: 0.35 };
const CHOSEN = { color: "#0b57d0", weight: 4, fill: false, interactive: false };
const HOUSES_FROM = 15.5, LABELS_FROM = 15.5, NUMBERS_FROM = 17.5;

function showPlan(map, data) {
  const byId = (id) => document.getElementById(id);
  const { grids, buildings } = data;
  const state = { lang: data.lang, shading: data.shadings.find((one) => one.key === data.first), chosen: null };
  const word = (key) => WORDS[state.lang][key];
  const told = (pair) => pair[state.lang === "zh" ? 0 : 1];
  /** Read shapes, each a list of rings of steps; a ring starts from where the one before did. */
  const decode = (shapes) => {
    let [startX, startY] = data.origin;
    return shapes.map((rings) => rings.map((flat) => {
      const places = [];
      startX += flat[0];
      startY += flat[1];
      places.push([startY / 1e6, startX / 1e6]);
      for (let at = 2, x = startX, y = startY; at < flat.length; at += 2) {
        x += flat[at];
        y += flat[at + 1];
        places.push([y / 1e6, x / 1e6]);
      }
      return places;
    }));
  };
  const make = (tag, text = "", className = "") => Object.assign(document.createElement(tag), { textContent: text, className });
  const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");

  // --- layers --------------------------------------------------------------------------------

  map.createPane("ground").style.zIndex = 350;
  const ground = L.canvas({ pane: "ground", padding: 0.2 });
  const above = L.canvas({ padding: 0.2 });
  map.options.renderer = above; // layers that are added to the page share it: none hides the grids
  map.getPane("ground").style.pointerEvents = "none";
  const overlays = {};
  const lineShapes = decode(data.lines.map(({ rings }) => rings));
  data.lines.forEach((line, at) => (line.shape = lineShapes[at]));
  for (const [name, kinds] of Object.entries(GROUPS)) {
    const rows = data.lines.filter((line) => kinds.includes(line.kind));
    if (!rows.length) continue;
    overlays[name] = L.layerGroup(rows.map(({ kind, closed, shape }) => {
      const onGround = name === "community" ? { renderer: above } : { renderer: ground, pane: "ground" };
      const options = { ...LINES[kind], ...onGround, interactive: false };
      return closed ? L.polygon(shape, options) : L.polyline(shape, options);
    }));
  }
  const areas = decode(grids.rings).map((shape, at) => L.polygon(shape, { renderer: above, color: OUTLINE, at }));
  for (const area of areas) {
    area.bindTooltip(() => describe(area.options.at), { sticky: true });
    area.on("click", () => choose(area.options.at));
    area.on("mouseover", () => area !== state.over && ((state.over = area), area.setStyle({ weight: 3, color: CHOSEN.color })));
    area.on("mouseout", () => ((state.over = null), area.setStyle({ weight: outline(), color: OUTLINE })));
  }
  const houses = L.layerGroup(), labels = L.layerGroup(), chosen = L.layerGroup().addTo(map);
  const outlines = decode(buildings.rings.map((ring) => [ring])).map(([ring]) => ring);
  const owners = buildings.count.flatMap((count, grid) => Array(count).fill(grid));
  const numberOf = (name) => (name.match(/[0-9A-Za-z]*[0-9][0-9A-Za-z-]*(?=(号楼|号|栋|幢|座|#|楼)?$)/) || [""])[0];
  const boxes = outlines.map((ring) => L.latLngBounds(ring));
  if (outlines.length) overlays.house = houses;
  overlays.labels = labels;
  if (data.changes.length) {
    const changed = decode(data.changes.map(({ rings }) => rings));
    overlays.changes = L.layerGroup(data.changes.map((change, at) => {
      const area = L.polygon(changed[at], { ...CHANGED, renderer: above });
      return area.bindTooltip(() => {
        const box = make("div");
        box.append(make("b", word("changed")(change.old, change.new)), word("moved")(change.households));
        return box;
      }, { sticky: true });
    }));
  }
  const order = ["river", "railway", "street", "house", "grids", "community", "changes", "labels"];
  const outline = () => (map.getZoom() < 14 ? 0.5 : 1.2);

  function shade() {
    const { colors, classes } = state.shading;
    areas.forEach((area, at) => {
      const pale = state.shading.labels[classes[at]][1].startsWith("within");
      area.setStyle({ weight: outline(), fillColor: colors[classes[at]], fillOpacity: pale ? 0.55 : 0.65 });
    });
  }

  /** Draw what can be told apart at this zoom: buildings, names of grids, house numbers. */
  function showNear() {
    houses.clearLayers();
    labels.clearLayers();
    const view = map.getBounds(), zoom = map.getZoom();
    const seen = zoom < HOUSES_FROM ? [] : boxes.flatMap((box, at) => (view.intersects(box) ? [at] : []));
    for (let from = 0; from < seen.length; from += 64) {
      const part = seen.slice(from, from + 64).map((at) => [outlines[at]]);
      houses.addLayer(L.polygon(part, { ...HOUSE, renderer: ground, pane: "ground" }));
    }
    if (zoom < LABELS_FROM) return;
    const taken = [];
    grids.label.forEach(([x, y], at) => {
      const place = L.latLng((data.origin[1] + y) / 1e6, (data.origin[0] + x) / 1e6);
      const name = word("serial")(short(grids.name[at], at), Number(grids.code[at].slice(-3)));
      if (view.contains(place)) write(place, [name, grids.households[at] === null ? "" : word("homes")(grids.households[at], "")], "label", taken);
    });
    if (zoom < NUMBERS_FROM) return;
    for (const at of seen) write(boxes[at].getCenter(), [numberOf(buildings.name[at])], "label house", taken);
  }
  const short = (name, at) => name.replace(data.communities[grids.community[at]][0], "");

  /** Write on the map where nothing is written yet. */
  function write(place, lines, className, taken) {
    const { x, y } = map.latLngToContainerPoint(place);
    const wide = 5 + Math.max(...lines.map((line) => [...line].reduce((sum, sign) => sum + (sign < "\u2e80" ? 3.4 : 6.2), 0)));
    const box = [x - wide, y - 8 * lines.length, x + wide, y + 8 * lines.length];
    if (taken.some((one) => box[0] < one[2] && one[0] < box[2] && box[1] < one[3] && one[1] < box[3])) return;
    taken.push(box);
    const text = make("span");
    lines.forEach((line, at) => text.append(...(at ? [make("br")] : []), line));
    const icon = L.divIcon({ className, html: text, iconSize: [0, 0] });
    labels.addLayer(L.marker(place, { icon, interactive: false, keyboard: false }));
  }

  // --- what is told of a grid ----------------------------------------------------------------

  function rowsOf(at) {
    const [community, street] = data.communities[grids.community[at]];
    const own = data.columns.map((column) => [told(column.title), column.values[at]]);
    return [
      [word("code"), grids.code[at]],
      [word("belongs"), [street, community].filter(Boolean).join(" · ")],
      [word("households"), word("homes")(grids.households[at], grids.deviation[at])],
      [word("buildings"), grids.buildings[at]],
      ...own.filter(([, value]) => value !== null && value !== ""),
    ];
  }

  function list(rows) {
    const table = make("dl");
    for (const [name, value] of rows) table.append(make("dt", name), make("dd", String(value)));
    return table;
  }

  function describe(at) {
    const box = make("div");
    box.append(make("b", grids.name[at]), list(rowsOf(at)));
    return box;
  }

  /** Show the card of a grid; `extra` is a building in it that was searched for. */
  function choose(at, extra = null) {
    state.chosen = [at, extra];
    chosen.clearLayers().addLayer(L.polygon(areas[at].getLatLngs(), { ...CHOSEN, renderer: above }));
    if (extra) chosen.addLayer(L.polygon(outlines[extra.at], { ...CHOSEN, weight: 2, fill: true, fillOpacity: 0.5, renderer: above }));
    const close = make("button", "×");
    close.setAttribute("aria-label", word("close"));
    close.addEventListener("click", unchoose);
    const rows = extra ? [[word("address"), house(extra.at)], ...rowsOf(at)] : rowsOf(at);
    byId("card").replaceChildren(make("h1", grids.name[at]), close, list(rows));
    Object.assign(byId("card"), { hidden: false }).dataset.grid = grids.code[at];
  }

  function unchoose() {
    state.chosen = null;
    chosen.clearLayers();
    byId("card").hidden = true;
  }

  // --- search --------------------------------------------------------------------------------

  // Bounds are computed when a result is chosen: of thousands of grids only one is.
  const bound = (members) => members.reduce((box, at) => box.extend(areas[at].getBounds()), L.latLngBounds([]));
  const inCommunity = data.communities.map(() => []);
  grids.community.forEach((community, at) => inCommunity[community].push(at));
  const compound = (at) => data.compounds[buildings.compound[at]];
  const house = (at) => (buildings.name[at].startsWith(compound(at)) ? buildings.name[at] : `${compound(at)}${buildings.name[at]}`);
  const places = [
    ...grids.name.map((name, at) => ({ keys: [plain(name), grids.code[at]], name, note: grids.code[at], go: () => (fly(bound([at])), choose(at)) })),
    ...data.communities.map(([name, street], at) => ({ keys: [plain(name), plain(street)], name, note: street, go: () => fly(bound(inCommunity[at])) })),
    ...outlines.map((_, at) => ({ keys: [plain(house(at))], name: house(at), note: grids.name[owners[at]], go: () => (fly(boxes[at], 18), choose(owners[at], { at })) })),
  ];
  const fly = (box, most = 17) => map.fitBounds(box, { maxZoom: most, padding: [60, 60], animate: false });

  /** Return the best places for a text: equal, then beginning with it, then holding it. */
  function find(text, most = 8) {
    const ranks = [[], [], []];
    for (const place of places) {
      const rank = Math.min(...place.keys.map((key) => (key === text ? 0 : key.startsWith(text) ? 1 : key.includes(text) ? 2 : 3)));
      if (rank < 3) ranks[rank].push(place);
    }
    return ranks.flat().slice(0, most);
  }

  function search() {
    const text = plain(byId("query").value), results = byId("results");
    const found = text ? find(text) : [];
    results.replaceChildren(...found.map((place) => {
      const row = make("li"), button = make("button", place.name);
      button.type = "button";
      button.append(make("small", place.note));
      button.addEventListener("click", () => ((results.hidden = true), place.go()));
      row.append(button);
      return row;
    }));
    if (text && !found.length) results.append(make("li", word("nothing"), "none"));
    results.hidden = !text;
  }

  // --- legend and language -------------------------------------------------------------------

  function showLegend() {
    const { title, colors, labels: names } = state.shading;
    byId("title").textContent = told(title);
    byId("shading").hidden = data.shadings.length < 2;
    byId("title").hidden = !byId("shading").hidden && told(title) === told(state.shading.name);
    const rows = names.map((pair, at) => [colors[at], told(pair)]).filter(([, name]) => name);
    const parted = names.some((pair) => !told(pair)) ? [make("li", word("parted"))] : [];
    byId("classes").replaceChildren(...parted, ...rows.map(([color, name]) => {
      const row = make("li"), box = make("i");
      box.style.background = color;
      row.append(box, name);
      return row;
    }));
  }

  function showOverlays() {
    byId("overlays").replaceChildren(...order.filter((name) => overlays[name]).map((name) => {
      const row = make("li"), label = make("label"), box = make("input"), line = make("i", "", "line");
      box.type = "checkbox";
      box.checked = map.hasLayer(overlays[name]);
      box.addEventListener("change", () => switchOverlay(name, box.checked));
      const color = { changes: CHANGED.color, house: HOUSE.fillColor }[name] || LINES[name]?.color;
      line.style.borderColor = color === "#ffffff" ? "#cfd2c9" : color;
      label.append(box, ...(color ? [line] : []), word(name));
      row.append(label);
      return row;
    }));
  }

  function switchOverlay(name, on) {
    if (on) overlays[name].addTo(map);
    else overlays[name].remove();
  }

  function speak(lang) {
    state.lang = lang;
    document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
    document.querySelectorAll("[data-word]").forEach((part) => (part.textContent = word(part.dataset.word)));
    document.querySelectorAll("[data-label]").forEach((part) => part.setAttribute("aria-label", word(part.dataset.label)));
    byId("query").placeholder = word("search_placeholder");
    byId("language").textContent = word("language");
    byId("approval").textContent = data.approval ? word("approval")(data.approval) : word("internal");
    byId("approval").className = data.approval ? "" : "internal";
    byId("about").textContent = [word("plan")(data.plan, grids.code.length), data.attribution].filter(Boolean).join("　");
    byId("shading").replaceChildren(...data.shadings.map(({ key, name }) => Object.assign(make("option", told(name)), { value: key, selected: key === state.shading.key })));
    showLegend();
    showOverlays();
    showNear();
    search();
    if (state.chosen) choose(...state.chosen);
  }

  byId("shading").addEventListener("change", (event) => {
    state.shading = data.shadings.find(({ key }) => key === event.target.value);
    shade();
    showLegend();
  });
  byId("language").addEventListener("click", () => speak(state.lang === "zh" ? "en" : "zh"));
  byId("query").addEventListener("input", search);
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    byId("results").querySelector("button")?.click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") (byId("results").hidden ? unchoose() : (byId("results").hidden = true));
    if (event.key !== "/" || /INPUT|SELECT/.test(event.target.tagName)) return;
    event.preventDefault();
    byId("query").focus();
  });

  for (const name of order) {
    if (name === "grids") areas.forEach((area) => area.addTo(map));
    else if (overlays[name]) overlays[name].addTo(map);
  }
  if (matchMedia("(max-width: 640px)").matches) byId("layers").open = false;
  shade();
  speak(state.lang);
  map.on("moveend", showNear);
  map.on("zoomend", () => areas.forEach((area) => area.setStyle({ weight: outline() })));
  document.documentElement.dataset.ready = "1";
}
