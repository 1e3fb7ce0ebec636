// The dial pad: an app and a subscriber, a call of theirs, and a demo phone to ring.

import { h, put } from "./dom.mjs";
import { get, seg } from "./api.mjs";
import { act, button, record } from "./acts.mjs";
import { calls } from "./calls.mjs";
import { length, party, words } from "./format.mjs";
import { began, chip } from "./row.mjs";
import { controls } from "./verbs.mjs";
import { apps } from "./names.mjs";

const MOST = 1000; // subscribers that are offered
const kept = { app: "", subscriber: "", number: "" };
const samples = ["+15129104114", "+442079460195", "+15125550142", "+493012345678"];

export function dial(go, about) {
  const app = h("select", { id: "dial-app", onchange: () => { kept.app = app.value; people(); } });
  const subscriber = h("select", { id: "dial-subscriber", onchange: () => { kept.subscriber = subscriber.value; mine(); } });
  const number = h("input", { id: "dial-number", type: "tel", inputmode: "tel", autocomplete: "off", spellcheck: "false", placeholder: "+15129104114", value: kept.number, oninput: () => { kept.number = number.value; } });
  const keys = h("div", { class: "keys", role: "group", "aria-label": "Keys" }, [..."123456789*0#"].map((k) => h("button", { type: "button", class: "key", onclick: () => { number.value += k; kept.number = number.value; number.focus(); } }, k)));
  const log = record();
  const list = h("ul", { class: "mine" });
  const hint = h("p", { class: "hint" }, "No live call of this subscriber.");
  let linked = new Map(); // by subscriber id

  const place = button("Place call", async () => {
    const s = linked.get(subscriber.value);
    if (!s) return;
    await act(`Place · ${number.value}`, "POST", `admin/apps/${seg(app.value)}/calls`, { subscriber_id: s.subscriber_id, subscriber_number: s.subscriber_number, remote_number: number.value.trim() });
  }, { class: "primary wide" });
  const retrieve = button("Retrieve parked call", async () => {
    const s = linked.get(subscriber.value);
    if (!s) return;
    await act(`Retrieve · ${number.value}`, "POST", `admin/apps/${seg(app.value)}/calls/retrieve`, { subscriber_id: s.subscriber_id, subscriber_number: s.subscriber_number, extension: number.value.trim() });
  }, { class: "wide", title: "The number is the extension at which the call waits" });
  const form = h("form", { class: "card dial", onsubmit: (e) => { e.preventDefault(); place.click(); } },
    h("h2", {}, "Place a call"),
    h("label", { for: "dial-app" }, "App"), app,
    h("label", { for: "dial-subscriber" }, "Subscriber"), subscriber,
    h("label", { for: "dial-number" }, "Number, or extension of a parked call"), h("div", { class: "with" }, number, h("button", { type: "button", class: "ghost", "aria-label": "Delete last digit", onclick: () => { number.value = number.value.slice(0, -1); kept.number = number.value; } }, "⌫")),
    keys, place, retrieve);

  async function people() {
    const all = app.value ? await get(`admin/apps/${seg(app.value)}/subscribers?limit=${MOST}`) : [];
    linked = new Map(all.map((s) => [s.subscriber_id, s]));
    put(subscriber, all.length ? all.map((s) => h("option", { value: s.subscriber_id }, `${s.subscriber_name || s.subscriber_id} · ${s.subscriber_number}`)) : h("option", { value: "" }, "this app follows nobody"));
    if (linked.has(kept.subscriber)) subscriber.value = kept.subscriber;
    kept.subscriber = subscriber.value;
    mine();
  }

  // mine are the calls of the chosen subscriber, as the feed has them.
  const shown = new Map();
  function mine() {
    const key = [...calls.subs.keys()].find((k) => k === subscriber.value.toLowerCase()) ?? subscriber.value.toLowerCase();
    const now = [...calls.entries.values()].filter((e) => e.key === key);
    for (const [id, row] of shown) if (!now.some((e) => e.id === id)) { row.node.remove(); shown.delete(id); }
    for (const e of now) {
      let row = shown.get(e.id);
      if (!row) {
        const does = controls();
        const state = chip("");
        const far = h("a", { href: `#/calls/${e.id}` });
        const phase = h("span", { class: "sub" });
        const time = h("span", { class: "mono" });
        row = { does, state, far, phase, time, node: h("li", {}, h("div", { class: "mine-head" }, state, far, phase, time), does.node) };
        shown.set(e.id, row);
        list.append(row.node);
      }
      row.state.textContent = e.call.state;
      row.state.dataset.state = e.call.state;
      row.far.textContent = `${e.call.direction === "outgoing" ? "to" : "from"} ${party(e.call)}`;
      row.phase.textContent = words(e.call.phase);
      row.time.textContent = length((e.over || calls.now()) - began(e.call));
      row.does.show(e.call, app.value);
    }
    hint.hidden = shown.size > 0;
  }

  let soon = 0;
  const off = calls.on({
    change(e) {
      if (e.key === subscriber.value.toLowerCase()) soon ||= requestAnimationFrame(() => { soon = 0; mine(); });
    },
    reset: () => mine(),
  });
  const second = setInterval(mine, 1000);

  const ring = about.simulator
    ? h("section", { class: "card ring" }, h("h2", {}, "Ring a demo phone"), h("p", { class: "hint" }, "The simulator calls the subscriber chosen here. Answer at the phone, or from the list."), ringer(() => subscriber.value))
    : null;

  (async () => {
    const all = await apps();
    put(app, all.length ? all.map((a) => h("option", { value: a.app_id }, a.name)) : h("option", { value: "" }, "there is no app yet"));
    if (all.some((a) => a.app_id === kept.app)) app.value = kept.app;
    kept.app = app.value;
    await people();
  })().catch(() => {});

  const node = h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Dial pad")),
    h("div", { class: "columns" },
      h("div", { class: "column" }, form, ring),
      h("div", { class: "column" },
        h("section", { class: "card", "aria-label": "Calls of the subscriber" }, h("h2", {}, "Calls of this subscriber"), hint, list),
        h("section", { class: "card", "aria-label": "What came back" }, h("h2", {}, "What came back"), log.node))));
  return {
    node,
    title: "Dial pad",
    close() {
      off();
      log.close();
      clearInterval(second);
      cancelAnimationFrame(soon);
    },
  };
}

// ringer makes a phone of the simulator ring, and lets it be set to answer by
// itself or not.
function ringer(who) {
  const from = h("input", { id: "ring-from", type: "tel", value: samples[Math.floor(Math.random() * samples.length)], autocomplete: "off" });
  const name = h("input", { id: "ring-name", type: "text", value: "Jenny", autocomplete: "off" });
  const answers = h("select", { id: "ring-answer" }, h("option", { value: "manual" }, "wait to be answered"), h("option", { value: "auto" }, "answer by itself"));
  return h("div", { class: "fields" },
    h("label", { for: "ring-from" }, "From"), from,
    h("label", { for: "ring-name" }, "Name"), name,
    h("label", { for: "ring-answer" }, "The phone will"), answers,
    button("Ring", async () => {
      const id = who();
      if (!id) return;
      const set = await act("Set the phone", "PUT", `admin/simulator/phones/${seg(id)}`, { answer: answers.value });
      if (set.ok) await act(`Ring · ${id}`, "POST", "admin/simulator/calls", { subscriber_id: id, remote_number: from.value.trim(), remote_name: name.value.trim() });
    }, { class: "wide" }));
}
