// What the operator does: each request is shown with what came back. Nothing on
// the board moves for it; the feed does that.

import { h, put } from "./dom.mjs";
import { ask, leaving, Refused, session } from "./api.mjs";
import { span, time, words } from "./format.mjs";

const KEPT = 50;
const done = []; // newest first
const lists = new Set();
const notice = h("div", { class: "notices", role: "status", "aria-live": "polite", "aria-label": "What came back" });
document.body.append(notice);

leaving.add(() => {
  done.length = 0;
  put(notice);
});

// act sends a request and notes the answer: {ok, status, code, detail, took, body}.
// missing says what is not there when the answer is that something is not.
export async function act(label, method, path, body, missing = "") {
  const whose = session.n;
  let a;
  try {
    const got = await ask(method, path, body);
    a = { ok: true, status: got.status, code: "", detail: "", took: got.took, body: got.body };
    const sent = delivery(got.body);
    if (sent) Object.assign(a, sent);
  } catch (e) {
    if (!(e instanceof Refused)) throw e;
    a = { ok: false, status: e.status, code: e.code, detail: (e.status === 404 && missing) || [e.field && `${e.field}:`, e.message].filter(Boolean).join(" "), took: e.took, body: null };
  }
  if (whose !== session.n) return a; // he who asked is gone
  Object.assign(a, { label, method, path: `/${path.replace(/\?.*/, "")}`, at: Date.now() });
  done.unshift(a);
  done.length = Math.min(done.length, KEPT);
  for (const fn of lists) fn();
  tell(a);
  return a;
}

// delivery is what became of an event that was sent because of the request, a
// test or a redelivery: the request did well, and the event may not have.
function delivery(b) {
  const attempt = typeof b?.redelivery === "boolean";
  if (!attempt && typeof b?.delivered !== "boolean") return null;
  const ok = attempt ? b.status >= 200 && b.status < 300 : b.delivered;
  const why = b.status ? `: the receiver said ${b.status}` : b.error ? `: ${words(b.error)}` : "";
  return { ok, detail: `${ok ? "delivered" : "not delivered"}${why}` };
}

function tell(a) {
  const node = h("div", { class: "notice", "data-ok": String(a.ok) }, line(a), h("button", { type: "button", class: "ghost small", "aria-label": "Dismiss", onclick: () => node.remove() }, "×"));
  notice.append(node);
  while (notice.children.length > 3) notice.firstChild.remove();
  setTimeout(() => node.remove(), a.ok ? 5000 : 12000);
}

// line is an answer in one line: what was asked, status, code, how long it took.
function line(a) {
  return h(
    "div",
    { class: "answer" },
    h("span", { class: "status mono", "data-ok": String(a.ok) }, a.status || "–"),
    h("span", { class: "what" }, a.label, a.code && h("code", {}, a.code), a.detail && h("span", { class: "detail" }, a.detail)),
    h("span", { class: "sub mono" }, span(a.took)),
  );
}

// record is the list of what was done in this tab, newest first.
export function record() {
  const list = h("ol", { class: "record" });
  const draw = () =>
    put(list, done.length ? done.map((a) => h("li", {}, h("span", { class: "sub mono" }, time(a.at)), line(a))) : h("li", { class: "hint" }, "Nothing yet. Every request is listed here with what came back."));
  draw();
  lists.add(draw);
  return { node: list, close: () => lists.delete(draw) };
}

// button is one that sends a request, and cannot be pressed again meanwhile.
export function button(text, run, props = {}) {
  const node = h("button", {
    type: "button",
    ...props,
    onclick: async () => {
      node.disabled = true;
      node.setAttribute("aria-busy", "true");
      try {
        await run();
      } finally {
        node.removeAttribute("aria-busy");
        node.disabled = node.dataset.off === "true";
      }
    },
  }, text);
  return node;
}

// enable says whether a button may be pressed, once it is not busy.
export function enable(node, on) {
  node.dataset.off = String(!on);
  if (!node.hasAttribute("aria-busy")) node.disabled = !on;
}
