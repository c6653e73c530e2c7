// The texts that pages share, in both languages, and what puts them in place. A page adds its own.

const WORDS = {
  zh: {
    title: "网格地图",
    map_label: "网格地图。方向键移动，加减号缩放，回车查询十字中心所在的网格。",
    search_label: "搜索地址、网格编码、拼音首字母或经纬度",
    search_placeholder: "地址 / 编码 / 坐标 / 拼音",
    search_button: "搜索",
    datum_label: "坐标系",
    gcj02: "GCJ-02 高德",
    bd09: "BD-09 百度",
    card_label: "查询结果",
    results_label: "搜索结果",
    missing: (text) => `“${text}”不在其中，请核对`,
    legend: (target) => `每网格户数（目标 ${target}）`,
    legend_street: "街道",
    legend_none: "图例",
    language: "English",
    language_label: "Switch to English",
    internal: "内部使用（未经地图审核）",
    approval: "审图号：",
    zoom_in: "放大",
    zoom_out: "缩小",
    close: "关闭",
    copy_dispatch: "复制派单信息",
    copy_link: "分享链接",
    copy_embed: "嵌入代码",
    copied: "已复制",
    copied_text: "请按 Ctrl+C 复制",
    your_origin: "https://你的系统",
    notice: "公示页",
    code: "编码",
    belongs: "所属",
    worker: "网格员",
    vacant: "暂缺",
    office_phone: "办公电话",
    phone: "电话",
    deputies: "代管人",
    branches: "党支部",
    liaisons: "联络员",
    helpers: "联系领导、共建单位",
    households: "户数",
    sureness: "位置",
    coordinates: "坐标",
    given: "输入",
    link_amap: "（高德链接）",
    link_baidu: "（百度链接）",
    link_tencent: "（腾讯链接）",
    link_geo: "（geo 链接）",
    link_gridmap: "（网格地图链接）",
    homes: (n) => `${n} 户`,
    homes_off: (n, off) => `${n} 户（${off}）`,
    hidden: "未公布（户数过少）",
    label: (name, serial) => name,
    inside: (border) => `网格内，距边界 ${border} m`,
    on_border: (border) => `网格内，距边界仅 ${border} m`,
    nearest: (distance) => `不在任何网格内，最近的网格在 ${distance} m 外`,
    none: "不在任何网格内",
    border_hint: (border, other) => `距网格边界 ${border} m — 也可能属于：${other}`,
    border_edge: (border) => `距网格边界 ${border} m，边界另一侧没有网格`,
    nearest_hint: (other) => `请核对位置；其次近的网格：${other}`,
    swapped_hint: "经度和纬度好像写反了。",
    datum_hint: (datum) => `坐标系可能选错了：按 ${datum} 会落在网格内。`,
    outside_hint: "附近没有网格，请核对坐标和坐标系。",
    class_far_below: (n) => `不足 ${n}`,
    class_above: (n) => `超过 ${n}`,
    class_range: (from, to) => `${from}–${to}`,
    class_hidden: "未公布",
    line_community: "社区界",
    line_rail: "铁路",
    line_water: "河流",
    in_plan: (name, from, count) => `方案 ${name}，${from} 起生效，${count} 个网格`,
    unknown_grid: (code) => `没有编码为 ${code} 的网格。`,
    retired_grid: (code, after) => `网格 ${code} 已撤销，现为 ${after}。`,
    no_name: (text) => `没有找到“${text}”。可输入地址、网格名称、15 位网格编码，或 经度,纬度。`,
    bad_place: "坐标不对：先经度后纬度，用逗号分开，单位为度。",
    no_position: "链接里没有坐标（短链接不含坐标）：请打开它，复制坐标或完整链接。",
    bad_crs: (text) => `没有坐标系 ${text}：可用 wgs84、cgcs2000、gcj02、bd09。`,
    no_plan: "这一天没有生效的网格方案。",
    unknown_plan: (name) => `没有发布过方案 ${name}。`,
    bad_key: "密钥无效或已停用。",
    "not-allowed": "此密钥无权查看网格员信息，只显示公示内容。",
    "other-district": "此网格不在密钥的辖区内，只显示公示内容。",
    wide: (name) => `“${name}”含多个网格，请在地图上点击具体位置。`,
    again: (datum, place) => `按 ${datum} ${place} 重新查询`,
    kind_grid: "网格",
    kind_community: "社区",
    kind_office: "街道办",
    kind_compound: "小区",
    kind_street: "道路",
    kind_building: "楼栋",
    kind_position: "坐标",
    key: "密钥",
    key_label: "密钥",
    key_use: "使用",
    key_forget: "退出",
    key_wrong: "密钥无效或已停用。",
    failed: "服务没有应答，请稍后再试。",
    wheel: "按住 Ctrl 并滚动滚轮可缩放地图",
  },
  en: {
    title: "Grid map",
    map_label: "Map of grids. Arrow keys move, plus and minus zoom, Enter asks for the grid under the cross.",
    search_label: "Search an address, a grid code, pinyin initials, or longitude,latitude",
    search_placeholder: "address / code / lon,lat",
    search_button: "Search",
    datum_label: "Datum",
    gcj02: "GCJ-02 AMap",
    bd09: "BD-09 Baidu",
    card_label: "Result",
    results_label: "Search results",
    missing: (text) => `without “${text}”: please check`,
    legend: (target) => `Households per grid (target ${target})`,
    legend_street: "Street offices",
    legend_none: "Legend",
    language: "中文",
    language_label: "切换到中文",
    internal: "Internal use – not for publication",
    approval: "Map approval no. ",
    zoom_in: "Zoom in",
    zoom_out: "Zoom out",
    close: "Close",
    copy_dispatch: "Copy for dispatch",
    copy_link: "Share link",
    copy_embed: "Embed",
    copied: "Copied",
    copied_text: "Press Ctrl+C to copy",
    your_origin: "https://your.site",
    notice: "Notice",
    code: "Code",
    belongs: "Part of",
    worker: "Grid worker",
    vacant: "vacant",
    office_phone: "Office phone",
    phone: "Phone",
    deputies: "Deputies",
    branches: "Branches",
    liaisons: "Liaisons",
    helpers: "Leaders and units",
    households: "Households",
    sureness: "Place",
    coordinates: "Position",
    given: "Read as",
    link_amap: " (AMap link)",
    link_baidu: " (Baidu link)",
    link_tencent: " (Tencent link)",
    link_geo: " (geo link)",
    link_gridmap: " (link to this map)",
    homes: (n) => `${n}`,
    homes_off: (n, off) => `${n} (${off})`,
    hidden: "not published (too few)",
    label: (name, serial) => `Grid ${serial}`,
    inside: (border) => `inside, ${border} m from the border`,
    on_border: (border) => `inside, only ${border} m from the border`,
    nearest: (distance) => `in no grid; the nearest is ${distance} m away`,
    none: "Not in any grid",
    border_hint: (border, other) => `${border} m from the grid's border – may also belong to: ${other}`,
    border_edge: (border) => `${border} m from the grid's border; there is no grid beyond it`,
    nearest_hint: (other) => `Check the place; the next nearest grid is ${other}`,
    swapped_hint: "Longitude and latitude look exchanged.",
    datum_hint: (datum) => `The datum may be wrong: read as ${datum} it lies in a grid.`,
    outside_hint: "There is no grid near; check the position and its datum.",
    class_far_below: (n) => `below ${n}`,
    class_above: (n) => `above ${n}`,
    class_range: (from, to) => `${from}–${to}`,
    class_hidden: "not published",
    line_community: "community",
    line_rail: "railway",
    line_water: "river",
    in_plan: (name, from, count) => `Plan ${name}, in force since ${from}, ${count} grids`,
    unknown_grid: (code) => `There is no grid ${code}.`,
    retired_grid: (code, after) => `Grid ${code} was retired; it is now ${after}.`,
    no_name: (text) => `Nothing found for “${text}”. Enter an address, a grid's name, a 15-digit code, or lon,lat.`,
    bad_place: "Not a position: longitude first, then latitude, with a comma, in degrees.",
    no_position: "The link holds no position (short ones do not): open it, and copy the position or the whole link.",
    bad_crs: (text) => `There is no datum ${text}: use wgs84, cgcs2000, gcj02 or bd09.`,
    no_plan: "No plan was in force on that day.",
    unknown_plan: (name) => `No plan ${name} was published.`,
    bad_key: "The key is not valid or was revoked.",
    "not-allowed": "This key may not see who serves a grid; the posted contact is shown.",
    "other-district": "This grid is not in the key's districts; the posted contact is shown.",
    wide: (name) => `“${name}” has several grids; click the place on the map.`,
    again: (datum, place) => `Ask again as ${datum} ${place}`,
    kind_grid: "grid",
    kind_community: "community",
    kind_office: "street office",
    kind_compound: "compound",
    kind_street: "road",
    kind_building: "building",
    kind_position: "position",
    key: "Key",
    key_label: "Key",
    key_use: "Use",
    key_forget: "Sign out",
    key_wrong: "The key is not valid or was revoked.",
    failed: "The service does not answer; please try again.",
    wheel: "Hold Ctrl and scroll to zoom the map",
  },
};

let language = document.documentElement.dataset.lang;

/** Add the texts of a page: {zh: {key: text}, en: {key: text}}. */
export function addWords(words) {
  for (const [name, texts] of Object.entries(words)) Object.assign(WORDS[name], texts);
}

export function currentLanguage() {
  return language;
}

export function otherLanguage() {
  return language === "zh" ? "en" : "zh";
}

/** Return a text in the current language; texts with gaps are functions. */
export function word(key, ...values) {
  const text = WORDS[language][key];
  return typeof text === "function" ? text(...values) : text;
}

/** Change the language of everything that the page's markup names. */
export function setLanguage(next) {
  language = next;
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-word]"))
    element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", word(element.dataset.label));
    if (element.tagName === "BUTTON" || element.tagName === "SELECT") element.title = word(element.dataset.label);
  }
  for (const element of document.querySelectorAll("[data-placeholder]"))
    element.placeholder = word(element.dataset.placeholder);
  labelSwitch(document.getElementById("language"));
}

// The button that offers the other language says so in it.
function labelSwitch(button) {
  button.textContent = word("language");
  button.setAttribute("aria-label", word("language_label"));
  button.lang = otherLanguage() === "zh" ? "zh-CN" : "en";
}
