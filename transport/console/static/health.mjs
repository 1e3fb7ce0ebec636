// How offhook does: rates and latencies of the last minutes.

import { h, put, say, svg } from "./dom.mjs";
import { bytes, count, rate, span } from "./format.mjs";
import { gauges, onSample, series } from "./metrics.mjs";
import { plain } from "./api.mjs";
import { reading } from "./reading.mjs";

const W = 320;
const H = 84;

const charts = [
  ["Transitions", "a second", rate, [["transitions", "all"]]],
  ["Live calls", "", count, [["live", "all"]]],
  ["Commands", "until durable", span, [["command50", "p50"], ["command99", "p99"]]],
  ["Webhooks", "attempts a second", rate, [["delivered", "2xx"], ["failed", "failed"]]],
  ["Delivery", "from event to 2xx", span, [["webhook50", "p50"], ["webhook99", "p99"]]],
  ["Backlog", "events that wait", count, [["waiting", "all"]]],
  ["Oldest undelivered", "age", span, [["oldest", "all"]]],
  ["API requests", "a second", rate, [["api", "all"]]],
  ["API latency", "until the handler is done", span, [["api99", "p99"]]],
  ["Disk", "group append", span, [["sync99", "p99"]]],
  ["Heap", "in use", bytes, [["heap", "all"]]],
];

export function health() {
  const cards = charts.map(([title, unit, write, lines]) => chart(title, unit, write, lines));
  const facts = h("dl", { class: "facts inline" });
  const ready = h("span", { class: "badge" });
  const hint = h("p", { class: "hint" }, "The first figures come in a few seconds.");
  const read = reading(async () => {
    try {
      const doc = JSON.parse(await plain("readyz", true));
      say(ready, doc.ready ? "ready" : doc.not_ready.join("; "));
      ready.dataset.how = doc.ready ? "good" : "bad";
    } catch (e) {
      say(ready, "not reached");
      ready.dataset.how = "bad";
      throw e;
    }
  });
  const draw = () => {
    hint.hidden = series.at.length > 1;
    for (const c of cards) c.draw();
    put(facts, [["Resident memory", bytes, "memory"], ["Disk used", bytes, "disk"], ["Disk free", bytes, "free"], ["Goroutines", count, "goroutines"], ["Event streams", count, "streams"]].map(([k, write, of]) => h("div", {}, h("dt", {}, k), h("dd", { class: "mono" }, of in gauges ? write(gauges[of]) : "–"))));
  };
  const off = onSample(draw);
  draw();
  return {
    node: h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Health"), ready, h("a", { class: "quiet", href: new URL("metrics", document.baseURI).href, target: "_blank", rel: "noopener" }, "All metrics")), read.node, hint, h("section", { class: "card" }, facts), h("div", { class: "charts" }, cards.map((c) => c.node))),
    title: "Health",
    close() {
      off();
      read.close();
    },
  };
}

// chart is a small drawing with its last values; lines are [series, name].
export function chart(title, unit, write, lines) {
  const now = lines.map(([key, name], i) => ({ key, name, value: h("b", { class: "mono" }, "–"), node: null, i }));
  const drawing = svg("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", role: "img" });
  const top = h("span", { class: "sub mono top" });
  const paths = now.map((n) => [svg("path", { class: "area", "data-line": n.i }), svg("path", { class: "line", "data-line": n.i })]);
  drawing.append(svg("line", { class: "base", x1: 0, x2: W, y1: H - 1, y2: H - 1 }), ...paths.flat());
  const node = h("article", { class: "card chart" }, h("header", {}, h("h2", {}, title), h("span", { class: "sub" }, unit)),
    h("p", { class: "now" }, now.map((n) => h("span", { "data-line": n.i }, n.value, lines.length > 1 ? h("span", { class: "sub" }, n.name) : null))), h("div", { class: "plot" }, top, drawing));
  return {
    node,
    draw() {
      const lists = now.map((n) => series[n.key]);
      const high = Math.max(1e-9, ...lists.flat().filter((v) => v !== null));
      say(top, lists[0].length ? write(high < 1e-6 ? 0 : high) : "");
      const said = [];
      now.forEach((n, i) => {
        const last = lists[i].at(-1);
        say(n.value, last === null || last === undefined ? "–" : write(last));
        said.push(`${n.name === "all" ? "" : `${n.name} `}${n.value.textContent}`);
        const [area, line] = paths[i];
        const d = trace(lists[i], high);
        line.setAttribute("d", d.line);
        area.setAttribute("d", i === 0 ? d.area : "");
      });
      drawing.setAttribute("aria-label", `${title}: ${said.join(", ")}`);
    },
  };
}

// trace leaves gaps where nothing was measured. The newest is at the right.
function trace(list, high) {
  let line = "";
  let area = "";
  let from = -1;
  const slots = Math.max(30, list.length) - 1; // the first minute has the whole width
  const x = (i) => (W - ((list.length - 1 - i) * W) / slots).toFixed(1);
  const y = (v) => (H - 4 - ((H - 12) * v) / high).toFixed(1);
  const end = (i) => { if (from >= 0) area += `L${x(i)} ${H}L${x(from)} ${H}Z`; from = -1; };
  list.forEach((v, i) => {
    if (v === null) return end(i - 1);
    const at = `${from < 0 ? "M" : "L"}${x(i)} ${y(v)}`;
    line += from < 0 ? `${at}h.01` : at;
    area += at;
    if (from < 0) from = i;
  });
  end(list.length - 1);
  return { line, area };
}
