"use strict";
// Everything here only shows, hides and arranges what the page already holds: no number is rounded or calculated.
const PAGE_ROWS = 50;
const XMLNS = document.getElementById("canvas").namespaceURI;
const said = document.getElementById("said");

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// ---- tables: sorted by a heading's button, filtered by a word, shown page by page ----

function keyOf(row, column) {
  return row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
}

function equip(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  let everything = false;
  let filter = "";
  const more = make("button", { type: "button", class: "more" });
  const printed = make("p", { class: "note printed" });
  const arrange = () => {
    const rows = [...body.rows];
    const kept = rows.filter((row) => filter === "" || row.textContent.toLowerCase().includes(filter));
    rows.forEach((row) => { row.hidden = true; });
    kept.forEach((row, at) => { row.hidden = !everything && at >= PAGE_ROWS; });
    more.hidden = kept.length <= PAGE_ROWS;
    more.textContent = everything ? `Show the first ${PAGE_ROWS} rows` : `Show all ${kept.length} rows`;
    const shown = everything ? kept.length : Math.min(kept.length, PAGE_ROWS);
    const rest = table.dataset.file ? `all are in ${table.dataset.file} and tables.xlsx` : "show all of them before printing";
    printed.hidden = shown === rows.length;
    printed.textContent = `${shown} of ${rows.length} rows are printed; ${rest}.`;
    return kept.length;
  };
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      const compare = (one, two) => {
        const [a, b] = [keyOf(one, column), keyOf(two, column)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const [x, y] = [Number(a), Number(b)];
        const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
        return falling ? -order : order;
      };
      body.append(...[...body.rows].sort(compare));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      arrange();
    });
  });
  const folded = heads.map((head, at) => ("folded" in head.dataset ? at : -1)).filter((at) => at >= 0);
  if (folded.length) {
    for (const row of table.rows) folded.forEach((at) => row.cells[at].classList.add("folded"));
    const names = folded.map((at) => heads[at].textContent).join(", ");
    const unfold = make("button", { type: "button", class: "more", "aria-expanded": "false" }, `More columns: ${names}`);
    unfold.addEventListener("click", () => unfold.setAttribute("aria-expanded", String(!table.classList.toggle("brief"))));
    table.classList.add("brief");
    table.closest(".scroll").before(unfold);
  }
  const caption = table.caption.querySelector(".still").firstChild.textContent.trim();
  if (body.rows.length > 8) {
    const box = make("input", { type: "search", placeholder: "Filter", "aria-label": `Filter: ${caption}` });
    box.addEventListener("input", () => {
      filter = box.value.trim().toLowerCase();
      said.textContent = `${arrange()} rows`;
    });
    table.closest(".table").prepend(box);
  }
  more.addEventListener("click", () => { everything = !everything; arrange(); });
  table.closest(".scroll").after(more, printed);
  arrange();
}

// ---- one mouse highlighted everywhere, groups hidden everywhere ----

const tools = document.getElementById("tools");
const pick = document.getElementById("pick");
const toPage = document.getElementById("to-page");
const source = document.getElementById("mice-data");
const data = source ? JSON.parse(source.textContent) : { pages: [], texts: [] };
const pageOf = new Map(data.pages.map((page) => [page.number, page]));

function highlight(number) {
  document.querySelectorAll(".picked").forEach((node) => node.classList.remove("picked"));
  const none = number === "" || number === null || number === undefined;
  document.body.classList.toggle("picking", !none);
  pick.value = none ? "" : String(number);
  toPage.hidden = none || !pageOf.has(Number(number));
  if (none) return;
  document.querySelectorAll(`[data-m="${Number(number)}"]`).forEach((node) => node.classList.add("picked"));
  const page = pageOf.get(Number(number));
  if (page) {
    toPage.href = `#${page.anchor}`;
    said.textContent = `${page.id} is highlighted in every figure and table`;
  }
}

pick.addEventListener("change", () => {
  history.pushState({ mouse: pick.value }, "");
  highlight(pick.value);
});
for (const box of tools.querySelectorAll("input")) {
  box.addEventListener("change", () => {
    document.querySelectorAll(`[data-g="${box.value}"]`).forEach((node) => node.classList.toggle("gone", !box.checked));
  });
}
tools.hidden = false;
if (!data.pages.length) pick.disabled = true;
document.querySelector("main").addEventListener("click", (event) => {
  const mark = event.target.closest("svg [data-m]");
  if (!mark) return;
  history.pushState({ mouse: mark.dataset.m }, "");
  highlight(mark.dataset.m);
});
// Where a number comes from, told when it is pointed at.
document.querySelector("main").addEventListener("mouseover", (event) => {
  const node = event.target.closest("[data-from]");
  if (!node || node.title) return;
  const [table, row, columns] = node.dataset.from.split(":");
  node.title = `tables/${table}.csv, row ${row}, ${columns.replaceAll(",", ", ")}`;
});

// ---- pages of mice: built when they are opened ----

const text = (number) => data.texts[number];

function table(caption, heads, rows) {
  const numeric = heads.map((head) => head.startsWith("#"));
  const names = heads.map((head) => head.replace(/^#/, ""));
  const line = make("tr", {}, ...names.map((name, at) => make("th", { scope: "col", class: numeric[at] ? "num" : "" }, name)));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell, at) => make("td", { class: numeric[at] ? "num" : "" }, cell))));
  const whole = make("table", {}, make("caption", {}, caption), make("thead", {}, line), make("tbody", {}, ...body));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Table: ${caption}` }, whole);
}

function place(file, row, tableName, tableRow) {
  const raw = text(file) ? `${text(file)}, row ${row ?? "?"}; ` : "";
  return `${raw}tables/${tableName}.csv, row ${tableRow}`;
}

function step(what, formula, where) {
  return make("li", {}, make("b", {}, what), " ", make("span", { class: "formula" }, formula), where ? make("small", {}, where) : "");
}

function budget(layers, total) {
  const rows = layers.map(([percent, part], at) => {
    const bar = make("span", { class: "bar", style: `width:${part}%` });
    return [data.layers[at], percent === "" ? "not stated" : `${percent} %`, make("span", { class: "track" }, bar), `${part} %`];
  });
  return table(`Uncertainty budget: total ± ${total}`, ["Layer", "#Relative", "Share of the variance", "#Share"], rows);
}

function arithmetic(row) {
  const [isCounter, , , unit, , , , flags, at, reason, pctId, value, se, layers, parts, net, size, critical, density, , recovery, recovered] = row;
  const list = make("ol", { class: "arithmetic" });
  if (isCounter) {
    for (const part of parts) {
      const [file, line, tube, when, name, tubeRow, counts, seconds, gross, dead, back, backSe, cross, netRate, inCount, decay, injected, dose, mass] = part;
      const label = text(name) ? `Tube ${text(tube)} (${text(name)})` : `Tube ${text(tube)}`;
      list.append(
        step(`${label}: gross rate`, `${counts} counts / ${seconds} s = ${gross} /s`, `counted ${when}; ${place(file, line, "tubes", tubeRow)}`),
        step("Net rate", `${gross} × ${dead} (dead time) − ${back} (background, ± ${backSe})${cross ? ` − ${cross} (other tracer)` : ""} = ${netRate} /s`),
        step("At injection", `${netRate} × ${inCount} (decay during the count) / ${decay} (decay until the count) = ${injected} /s`),
        step("Share of the dose", `100 × ${injected} / ${dose || "?"} (dose as this run would have counted it) of ${mass || "?"} g`),
      );
    }
    if (parts.length > 1) list.append(step("Sum of the tubes", `${pctId} ${data.label.replace("/g", "")}`));
    else list.append(step("Uptake in the sample", `${pctId} ${data.label.replace("/g", "")}`));
    if (size) list.append(step("Per mass", `${pctId} / ${size} g = ${value} ${text(unit)}`));
    if (critical) list.append(step("Critical level", `${critical} ${data.label.replace("/g", "")}${flags & 1 ? ": the value lies below it" : ""}`));
  } else {
    for (const [file, line, frame, frameRow, raw, decay, left, injected, seconds] of parts) {
      const less = left ? ` − ${left} (left of an earlier injection)` : "";
      list.append(step(`Frame ${frame}`, `${raw || "?"} kBq/mL × ${decay} (decay to injection)${less} = ${injected} kBq/mL, ${seconds} s`, place(file, line, "roi_activity", frameRow)));
    }
    const mean = parts.length > 1 ? "mean of the frames by duration" : "the frame";
    const dense = density ? ` / ${density} g/mL` : "";
    list.append(step("Share of the dose", `100 × (${mean}) / ${net || "?"} kBq (net dose)${dense} = ${value} ${text(unit)}`));
    if (size) list.append(step("Whole region", `in ${size} mL: ${pctId} ${data.label.replace("/g", "")}`));
  }
  if (recovered) list.append(step("Corrected for partial volume", `by the recovery coefficient ${recovery}: ${recovered} ${data.label.replace("/g", "/mL")}, beside the value`));
  if (text(reason)) list.append(step("Remark", text(reason)));
  list.append(step("Result", `${value || "none"}${se ? ` ± ${se}` : ""} ${text(unit)}`, `tables/uptake.csv, row ${at}`));
  return make("div", {}, list, budget(layers, se ? `${se} ${text(unit)}` : "unknown"));
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(XMLNS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The values of this mouse among those of its group, on a log axis: a short line a mouse.
const strips = new Map();
for (const page of data.pages) {
  for (const row of page.uptake) {
    if (row[6] === null || row[6] <= 0 || row[7] & 4) continue;
    const key = [row[0], row[1], row[2], row[3]].join(" ");
    if (!strips.has(key)) strips.set(key, []);
    strips.get(key).push([page.group, row[6]]);
  }
}

function strip(group, row) {
  const all = strips.get([row[0], row[1], row[2], row[3]].join(" ")) ?? [];
  if (row[6] === null || row[6] <= 0 || !all.length) return "";
  const logs = all.map(([, value]) => Math.log(value));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const x = (value) => (high > low ? 4 + (112 * (Math.log(value) - low)) / (high - low) : 60);
  const own = all.filter(([other]) => other === group);
  const rank = own.filter(([, value]) => value < row[6]).length + 1;
  const label = `rank ${rank} of ${own.length} mice of its group, from the lowest`;
  const drawn = svg("svg", { viewBox: "0 0 120 14", class: "strip", role: "img", "aria-label": label });
  for (const [other, value] of all) {
    const mine = other === group;
    drawn.append(svg("line", { x1: x(value), x2: x(value), y1: mine ? 2 : 5, y2: mine ? 12 : 9, class: mine ? "own" : "other" }));
  }
  drawn.append(svg("circle", { cx: x(row[6]), cy: 7, r: 3.4, class: "this" }));
  return drawn;
}

function course(page) {
  const { points, curve } = page.course;
  const values = [...points.map((point) => point[1]), ...curve.map((point) => point[1])].filter((value) => value > 0);
  if (!values.length) return "";
  const days = [...points.map((point) => point[0]), ...curve.map((point) => point[0])];
  const [first, last] = [Math.min(0, ...days), Math.max(...days)];
  const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)) + 0.05)];
  const x = (day) => 48 + (300 * (day - first)) / (last - first || 1);
  const y = (value) => 150 - (136 * (Math.log10(value) - low)) / (high - low || 1);
  const said = points.map((point) => `day ${point[0]}: ${point[4]}${point[3] & 1 ? " (below detection)" : ""}`).join(", ");
  const drawn = svg("svg", { viewBox: "0 0 360 190", class: "course", role: "img", "aria-label": `${data.response} over days: ${said}` });
  for (let power = low; power <= high; power += Math.max(1, Math.ceil((high - low) / 4))) {
    const label = svg("text", { x: 42, y: y(10 ** power) + 4, "text-anchor": "end" }, "10");
    label.append(svg("tspan", { dy: -4, "font-size": 8 }, String(power)));
    drawn.append(svg("line", { x1: 48, x2: 348, y1: y(10 ** power), y2: y(10 ** power), class: "rule" }), label);
  }
  const every = Math.max(1, Math.ceil((last - first) / 6));
  for (let day = Math.ceil(first); day <= last; day += every) {
    drawn.append(svg("text", { x: x(day), y: 166, "text-anchor": "middle" }, String(day)));
  }
  drawn.append(svg("text", { x: 198, y: 184, "text-anchor": "middle" }, "Time since cells (days)"));
  const band = curve.filter((point) => point[2] > 0 && point[3] > 0);
  const bound = (value) => y(Math.min(Math.max(value, 10 ** low), 10 ** high));
  if (band.length > 1) {
    const there = band.map((point) => `${x(point[0])},${bound(point[3])}`);
    const back = band.map((point) => `${x(point[0])},${bound(point[2])}`).reverse();
    drawn.append(svg("polygon", { points: [...there, ...back].join(" "), class: `band g${page.group % 6}` }));
  }
  const path = curve.filter((point) => point[1] > 0).map((point) => `${x(point[0])},${bound(point[1])}`);
  if (path.length > 1) drawn.append(svg("polyline", { points: path.join(" "), class: `fit g${page.group % 6}` }));
  for (const [day, value, critical, flags] of points) {
    const at = flags & 1 && critical > 0 ? critical : value;
    if (!(at > 0)) continue;
    const kind = flags & 2 ? "out" : flags & 1 ? "below" : "seen";
    drawn.append(svg("circle", { cx: x(day), cy: bound(at), r: 4, class: `${kind} g${page.group % 6}` }));
  }
  const caption = `${data.response}: measured (points; open: below detection, drawn at the critical level; crossed out: excluded) and fitted (line and band).`;
  return make("figure", {}, drawn, make("figcaption", {}, caption));
}

function fill(details) {
  if (details.dataset.filled) return;
  details.dataset.filled = "yes";
  const page = pageOf.get(Number(details.dataset.mouse));
  const facts = make("dl", { class: "facts" }, ...page.facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  const body = make("div", { class: "body" }, facts);
  for (const note of page.notes) body.append(make("p", { class: "warned" }, note));
  body.append(course(page));
  if (page.doses.length) {
    const rows = page.doses.map((dose) => {
      const [session, tracer, at, raw, full, residual, tail, tailBy, net, netSe, fullAt, file, line, row, reason, out] = dose;
      const sum = net ? `${full} − ${residual || "0"} − ${tail || "0"} = ${net} ± ${netSe}` : text(reason) || "none";
      return [text(session), text(tracer), at, `${raw} at ${text(fullAt)}`, sum, text(tailBy), `${out ? "excluded; " : ""}${place(file, line, "doses", row)}`];
    });
    body.append(table("Doses (kBq): full syringe − residual − tail, each at injection", ["Session", "Tracer", "Injected", "Full syringe, as measured", "Net dose", "Tail by", "From"], rows));
  }
  const rows = page.uptake.map((row) => {
    const [isCounter, session, region, unit, value, se, , flags] = row;
    const shown = value ? `${value}${se ? ` ± ${se}` : ""}` : "none";
    const more = make("span", { class: "unseen" }, ` arithmetic of ${text(region)}, ${text(session)}`);
    const fold = make("details", { class: "how" }, make("summary", {}, shown, more));
    fold.addEventListener("toggle", () => { if (fold.open && fold.childElementCount === 1) fold.append(arithmetic(row)); });
    const remark = [flags & 1 ? "below detection" : "", flags & 2 ? "excluded" : "", flags & 4 ? text(row[9]) : ""].filter(Boolean).join("; ");
    return [text(session), isCounter ? "counter" : "PET", text(region), fold, text(unit), strip(page.group, row), remark];
  });
  body.append(table("Uptake: open a value for its arithmetic", ["Session", "By", "Region", "Value", "Unit", "Within all mice, its group tall", "Remark"], rows));
  details.append(body);
}

for (const details of document.querySelectorAll("details.mouse")) {
  details.addEventListener("toggle", () => { if (details.open) fill(details); });
}

function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details.mouse")) {
    fill(target);
    target.open = true;
    highlight(target.dataset.mouse);
    target.scrollIntoView();
  } else {
    highlight(history.state?.mouse ?? "");
  }
}
window.addEventListener("hashchange", follow);
window.addEventListener("popstate", () => { if (!location.hash.startsWith("#mouse-")) highlight(history.state?.mouse ?? ""); });

document.querySelectorAll("table.sortable").forEach(equip);
// The keyboard stops at a table or figure only where it can be moved sideways.
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const frame = target.closest(".scroll");
    frame.tabIndex = frame.scrollWidth > frame.clientWidth ? 0 : -1;
  }
});
for (const frame of document.querySelectorAll(".scroll")) [frame, frame.firstElementChild].forEach((node) => sizes.observe(node));
if (location.hash) follow();
