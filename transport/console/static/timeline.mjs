// What happened to a call, on one axis of time: what the provider said, what was
// asked, the states, and what was delivered.

import { h, put, svg } from "./dom.mjs";
import { exact, length, span, words } from "./format.mjs";

const lanes = [
  ["provider", "Provider", ["fact"]],
  ["commands", "Commands", ["command", "asked", "outcome", "reply"]],
  ["state", "State", ["transition"]],
  ["deliveries", "Deliveries", ["event", "attempt"]],
];

const LANE = 42;
const LEFT = 92;
const RIGHT = 18;
const TOP = 8;

// tells says an entry in a few words.
export function tells(t) {
  switch (t.kind) {
    case "fact":
      return `${words(t.event)}${t.status ? `: ${words(t.status)}` : ""}${t.synthetic ? " (inferred)" : ""}`;
    case "command":
      return `${words(t.verb)} wanted`;
    case "asked":
      return `${words(t.verb)} sent to the provider`;
    case "outcome":
      return `${words(t.verb)}: provider said ${words(t.outcome)}`;
    case "reply":
      return `${words(t.verb)} answered${t.code ? ` ${t.code}` : ""}`;
    case "transition":
      return `${t.from || "none"} → ${t.to}${t.synthetic ? " (inferred)" : ""}`;
    case "event":
      return `event ${t.sequence_number} told`;
    case "attempt":
      return `event ${t.sequence_number}, attempt ${t.attempt}: ${t.status || words(t.outcome || t.error || "no answer")}`;
  }
  return t.kind;
}

const good = (t) => !(t.kind === "reply" && t.code) && !(t.kind === "attempt" && !(t.status >= 200 && t.status < 300));

// legend is what the drawings mean.
const legend = [
  ["fact", "provider said"],
  ["command", "asked and answered"],
  ["asked", "sent, and its outcome"],
  ["event", "event"],
  ["attempt", "delivered"],
  ["failed", "refused or not delivered"],
];

const scales = {
  even: "Gaps are not to scale: short ones are widened, long ones narrowed.",
  true: "To scale: a second is as wide everywhere.",
};

// scale places times between left and right. Even gives what comes together room
// to be told apart, and long silences less; else a second is a second.
function scale(times, left, right, even) {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const place = [0];
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i] - sorted[i - 1];
    place.push(place[i - 1] + (even ? 1 + 2 * Math.log10(1 + gap / 20) : gap));
  }
  const whole = place.at(-1) || 1;
  const at = new Map(sorted.map((t, i) => [t, left + ((right - left) * place[i]) / whole]));
  return { at: (t) => at.get(t) ?? right, ticks: sorted.map((t) => [t, at.get(t)]) };
}

export function timeline() {
  let all = [];
  let told = ""; // as it came
  let even = true;
  let now = 0; // where the axis ends while the call is live
  const box = h("div", { class: "lanes" });
  const list = h("ol", { class: "happened" });
  const mode = h("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => { even = !even; mode.setAttribute("aria-pressed", String(!even)); draw(); } }, "To scale");
  const says = h("p", { class: "sub scale" });
  const key = h("ul", { class: "legend", "aria-label": "Legend" }, legend.map(([kind, text]) => h("li", {}, svg("svg", { width: 12, height: 12, viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shape(kind === "failed" ? "attempt" : kind, 0, 0, kind !== "failed")), text)));
  const hint = h("p", { class: "hint" }, "Reading the timeline…");
  const more = h("details", { hidden: true }, h("summary", {}, "All that happened, in order"), list);
  const node = h("div", { class: "timeline" }, h("header", { class: "card-head" }, h("h2", {}, "Timeline"), mode), hint, says, box, key, more);
  const there = (is) => { for (const n of [mode, says, key, more]) n.hidden = !is; };
  there(false);
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== width && all.length) draw();
  }).observe(box);

  function draw() {
    width = box.clientWidth || 640;
    const from = all[0].at;
    says.textContent = scales[even ? "even" : "true"];
    const end = Math.max(now, all.at(-1).at);
    const { at, ticks } = scale([...all.map((t) => t.at), end], LEFT, Math.max(LEFT + 120, width - RIGHT), even);
    const height = TOP + lanes.length * LANE + 24;
    const draws = axis(ticks, from, now && end, width, height);
    lanes.forEach(([key, title, kinds], i) => {
      const y = TOP + i * LANE + LANE / 2;
      draws.push(svg("text", { class: "lane", x: 0, y: y + 4 }, title), svg("line", { class: "rail", x1: LEFT - 8, x2: width - RIGHT + 8, y1: y, y2: y }));
      const of = all.filter((t) => kinds.includes(t.kind));
      if (key === "state") draws.push(...states(of, at, y, width - RIGHT));
      else if (key === "commands") draws.push(...spans(of, at, y));
      if (key !== "state") for (const t of of) draws.push(point(t, at(t.at), y));
    });
    put(box, svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${all.length} things happened in ${span(end - from)}${now ? " until now" : ""}; the list below has them all` }, draws));
  }

  return {
    node,
    // show draws what happened, oldest first.
    show(entries) {
      const as = JSON.stringify(entries ?? []);
      if (all.length && as === told) return; // it is drawn
      told = as;
      all = entries ?? [];
      hint.hidden = all.length > 0;
      there(all.length > 0);
      if (!all.length) {
        hint.textContent = "Nothing of this call is kept.";
        return put(box);
      }
      draw();
      put(list, all.map((t) => h("li", { "data-kind": t.kind, "data-ok": String(good(t)) }, h("span", { class: "mono sub" }, exact(t.at)), h("span", { class: "kind" }, t.kind), h("span", {}, tells(t), t.duration_ms ? h("span", { class: "sub" }, ` ${span(t.duration_ms)}`) : null))));
    },
    // until has the axis run to a time; 0 ends it with what happened last.
    until(at) {
      const was = now;
      now = at;
      if (!all.length || (was === at)) return;
      if (at && box.matches(":hover")) return; // what is read there stays
      draw();
    },
    none(text) {
      all = [];
      told = "";
      put(box);
      hint.hidden = !text;
      there(false);
      hint.textContent = text;
    },
  };
}

// axis marks as many of the times as there is room for, and now, if it has an end there.
function axis(ticks, from, now, width, height) {
  let free = -1;
  const ends = now ? width - 2 * ("now".length * 3.6) - 12 : Infinity;
  return ticks.flatMap(([t, x]) => {
    const last = t === now;
    const text = last ? "now" : t === from ? exact(t).slice(0, 8) : `+${since(t - from)}`;
    const half = text.length * 3.6;
    const anchor = x + half > width ? "end" : x - half < LEFT - 10 ? "start" : "middle";
    const left = { end: x - 2 * half, start: x, middle: x - half }[anchor];
    if (!last && (left < free || left + 2 * half > ends)) return [];
    free = left + 2 * half + 12;
    return [svg("line", { class: "tick", x1: x, x2: x, y1: TOP, y2: height - 20 }), svg("text", { class: "axis", x, y: height - 6, "text-anchor": anchor }, text)];
  });
}

const since = (ms) => (ms < 1000 ? `${ms} ms` : ms < 100000 ? `${(ms / 1000).toFixed(2)} s` : length(ms));

function titled(node, t) {
  node.append(svg("title", {}, `${exact(t.at)}  ${tells(t)}`));
  return node;
}

const point = (t, x, y) => titled(shape(t.kind, x, y, good(t)), t);

function shape(kind, x, y, ok) {
  const props = { class: "dot", "data-kind": kind, "data-ok": String(ok) };
  if (kind === "event") return svg("rect", { ...props, x: x - 4, y: y - 4, width: 8, height: 8, rx: 1.5, transform: `rotate(45 ${x} ${y})` });
  return svg("circle", { ...props, cx: x, cy: y, r: kind === "asked" || kind === "outcome" ? 3 : 5 });
}

// states are bars, from the transition into a state to the one out of it.
function states(of, at, y, right) {
  return of.flatMap((t, i) => {
    const x = at(t.at);
    const next = of[i + 1];
    if (t.to === "released") return [titled(svg("rect", { class: "bar", "data-state": t.to, x: x - 1.5, y: y - 11, width: 3, height: 22, rx: 1.5 }), t)];
    const wide = Math.max(3, (next ? at(next.at) : right) - x);
    const bar = titled(svg("rect", { class: "bar", "data-state": t.to, "data-open": !next, x, y: y - 10, width: wide, height: 20, rx: 4 }), t);
    return wide > 48 ? [bar, svg("text", { class: "bar-text", "data-state": t.to, x: x + 8, y: y + 4 }, t.to)] : [bar];
  });
}

// spans join a command to its reply.
function spans(of, at, y) {
  const open = new Map();
  const draws = [];
  let free = 0; // from here on there is room for a name
  for (const t of of) {
    if (t.kind === "command") open.set(t.verb, t);
    else if (t.kind === "reply" && open.has(t.verb)) {
      const x = at(open.get(t.verb).at);
      draws.push(svg("line", { class: "span", "data-ok": String(good(t)), x1: x, x2: at(t.at), y1: y, y2: y }));
      if (x >= free) {
        draws.push(svg("text", { class: "verb", x: x - 4, y: y - 10 }, words(t.verb)));
        free = x + words(t.verb).length * 6.4 + 8;
      }
      open.delete(t.verb);
    }
  }
  return draws;
}
