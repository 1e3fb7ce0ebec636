// What can be done to a call. Capabilities decide where offhook sends them;
// else the state does, as in the API.

import { h, mark, put } from "./dom.mjs";
import { seg } from "./api.mjs";
import { act, button, enable } from "./acts.mjs";
import { calls } from "./calls.mjs";
import { joins } from "./joins.mjs";
import { words } from "./format.mjs";

const byState = {
  answer: (c) => c.state === "ringing" && c.direction === "incoming",
  hold: (c) => c.state === "active",
  resume: (c) => c.state === "held",
  end: (c) => c.state !== "released",
};

export const can = (c, verb) => (c.capabilities ? c.capabilities.includes(verb) : Boolean(byState[verb]?.(c)));

const inConference = (verb) => ({ path: (c) => `conferences/${seg(c.conference_id)}/participants/${seg(c.call_id)}/${verb}` });

// Verbs beside the four that every call has: how they are asked for, and what
// they need to know. That of pick is another call of the subscriber, that of
// join one or more of them.
const more = {
  conference: { method: "POST", path: () => "conferences", join: (c) => can(c, "conference"), body: (v, c) => ({ call_ids: [c.call_id, ...v] }) },
  mute: inConference("mute"), unmute: inConference("unmute"), deaf: inConference("deaf"), undeaf: inConference("undeaf"),
  end_conference: { method: "DELETE", path: (c) => `conferences/${seg(c.conference_id)}` },
  consult_transfer: { pick: (c) => c.state !== "released" && !(c.state === "ringing" && c.direction === "incoming"), body: (v) => ({ with_call_id: v }) },
  decline: {}, reconnect: {},
  divert: { ask: "Divert to number", body: (v) => ({ remote_number: v }) },
  divert_to_voicemail: { path: "divert", body: () => ({ voicemail: true }) },
  transfer: { ask: "Transfer to number", body: (v) => ({ remote_number: v }) },
  mute_transfer: { path: "mute-transfer", ask: "Mute-transfer to number", body: (v) => ({ remote_number: v }) },
  park: { ask: "Park at extension", optional: true, body: (v) => (v ? { extension: v } : {}) },
  group_park: { path: "park", body: () => ({ group: true }) },
  dtmf: { ask: "Digits to send", body: (v) => ({ digits: v }) },
  recording_start: { path: "recording/start" }, recording_pause: { path: "recording/pause" },
  recording_resume: { path: "recording/resume" }, recording_stop: { path: "recording/stop" },
};

const capital = (w) => w[0].toUpperCase() + w.slice(1);

// controls are the buttons of one call. show(call, app) brings them up to date.
export function controls() {
  let call = null;
  let app = "";
  const path = (rest) => `admin/apps/${seg(app)}/calls/${seg(call.call_id)}${rest}`;
  const label = (verb) => `${capital(words(verb))} · ${call.remote_name || call.remote_number || call.call_id}`;
  const put4 = ["answer", "hold", "resume"].map((verb) => [verb, button(capital(verb), () => act(label(verb), "PUT", path(`/${verb}`)), { class: verb === "answer" ? "primary" : "" })]);
  const end = ["end", button("End", () => act(label("end"), "DELETE", path("")), { class: "danger" })];
  const four = [...put4, end];
  const value = h("input", { type: "text", class: "mono", hidden: true, "aria-label": "Argument" });
  const others = h("select", { class: "other", hidden: true, "aria-label": "The other call" });
  const together = joins("Calls to join with this one", () => pick());
  const run = button("Send", () => send(choose.value), { hidden: true });
  const choose = h("select", { "aria-label": "More that can be done", hidden: true, onchange: () => chosen() });
  const rest = h("form", { class: "more", onsubmit: (e) => { e.preventDefault(); if (choose.value && !run.disabled) run.click(); } }, choose, value, others, together.node, run);

  function chosen() {
    const m = more[choose.value];
    value.hidden = !m?.ask;
    run.hidden = !m;
    pick();
    together.begin();
    pick();
    if (m?.ask) {
      value.setAttribute("aria-label", m.ask);
      value.placeholder = m.ask + (m.optional ? " (or none)" : "");
      value.value = "";
      value.focus();
    }
  }

  const told = (e) => [e.call.remote_name, e.call.remote_number, e.call.state].filter(Boolean).join(" · ");

  // pick offers the other calls that would do, as they are now.
  function pick() {
    const m = more[choose.value];
    others.hidden = !m?.pick;
    together.node.hidden = !m?.join;
    const does = m?.pick ?? m?.join;
    if (!does) return enable(run, true);
    const all = [...calls.entries.values()].filter((e) => e.key === call.subscriber_id.toLowerCase() && e.id !== call.call_id && !e.over && does(e.call));
    if (m.join) {
      together.show(all, told);
      return enable(run, together.ticked().length > 0);
    }
    const of = all.map((e) => `${e.id} ${e.call.state}`).join();
    enable(run, all.length > 0);
    if (others.dataset.of === of) return;
    const was = others.value;
    others.dataset.of = of;
    put(others, all.length ? all.map((e) => h("option", { value: e.id }, told(e))) : h("option", { value: "" }, "no other call"));
    if (all.some((e) => e.id === was)) others.value = was;
  }

  function send(verb) {
    const m = more[verb];
    const to = typeof m.path === "function" ? m.path(call) : `calls/${seg(call.call_id)}/${m.path ?? verb.replaceAll("_", "-")}`;
    const said = m.join ? together.ticked() : m.pick ? others.value : value.value.trim();
    return act(label(verb), m.method ?? "PUT", `admin/apps/${seg(app)}/${to}`, m.body?.(said, call));
  }

  let offered = "";
  function show(c, of) {
    call = c;
    app = of;
    for (const [verb, b] of four) enable(b, Boolean(app) && can(c, verb));
    const now = app ? (c.capabilities ?? []).filter((v) => more[v]) : [];
    if (app && c.conference_id && c.state !== "released") now.push("end_conference"); // which is the conference's, not the call's
    pick();
    if (now.join() === offered) return;
    offered = now.join();
    const was = choose.value;
    put(choose, h("option", { value: "" }, "More…"), now.map((v) => h("option", { value: v }, capital(words(v)))));
    choose.value = now.includes(was) ? was : "";
    choose.hidden = !now.length;
    if (!choose.value) value.hidden = others.hidden = together.node.hidden = run.hidden = true;
  }

  const node = h("div", { class: "controls", role: "group", "aria-label": "Act on the call" }, four.map(([, b]) => b), rest);
  mark(node, "data-n", four.length);
  return { node, show };
}
