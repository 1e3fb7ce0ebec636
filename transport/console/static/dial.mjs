// The dial pad: an app and a subscriber, a call of theirs, and a demo phone to ring.

import { h, put } from "./dom.mjs";
import { ask, get, leaving, seg } from "./api.mjs";
import { act, button, enable, record } from "./acts.mjs";
import { calls } from "./calls.mjs";
import { length, party, words } from "./format.mjs";
import { began, chip } from "./row.mjs";
import { controls } from "./verbs.mjs";
import { apps } from "./names.mjs";
import { combo } from "./combo.mjs";
import { reading } from "./reading.mjs";

const MOST = 20; // subscribers that are offered at a time
const PAGES = 20; // of a search that finds too few: each looks at thousands
const kept = {};
const forget = () => Object.assign(kept, { app: "", subscriber: null, number: "" });
forget();
leaving.add(forget);
const samples = ["+15129104114", "+442079460195", "+15125550142", "+493012345678"];

export function dial(go, about) {
  const app = h("select", { id: "dial-app", onchange: () => { kept.app = app.value; kept.subscriber = null; subscriber.set(null); read.now(); } });
  const subscriber = combo("dial-subscriber", {
    find: people, name: (s) => s.subscriber_id, told: (s) => `${s.subscriber_name || s.subscriber_id} · ${s.subscriber_number}`, changed: () => chosen(),
    empty: () => (subscriber.field.value ? "Nobody whom this app follows is like that." : "This app follows nobody."),
  });
  const gone = h("p", { class: "wrong", role: "status" });
  const number = h("input", { id: "dial-number", type: "tel", inputmode: "tel", autocomplete: "off", spellcheck: "false", placeholder: "+15129104114", value: kept.number, oninput: () => { kept.number = number.value; } });
  const keys = h("div", { class: "keys", role: "group", "aria-label": "Keys" }, [..."123456789*0#"].map((k) => h("button", { type: "button", class: "key", onclick: () => { number.value += k; kept.number = number.value; number.focus(); } }, k)));
  const log = record();
  const list = h("ul", { class: "mine" });
  const hint = h("p", { class: "hint" }, "No live call of this subscriber.");

  // send asks for a call of the chosen subscriber; he may be gone by then.
  async function send(label, path, more) {
    const s = subscriber.chosen();
    if (!s) return;
    const got = await act(label, "POST", `admin/apps/${seg(app.value)}/${path}`, { subscriber_id: s.subscriber_id, subscriber_number: s.subscriber_number, ...more }, lost(s));
    if (got.status === 404) read.now();
  }
  const lost = (s) => `${s.subscriber_id} is not there any more, or the app does not follow it any more`;
  const place = button("Place call", () => send(`Place · ${number.value}`, "calls", { remote_number: number.value.trim() }), { class: "primary wide" });
  const retrieve = button("Retrieve parked call", () => send(`Retrieve · ${number.value}`, "calls/retrieve", { extension: number.value.trim() }), { class: "wide", title: "The number is the extension at which the call waits" });
  const form = h("form", { class: "card dial", onsubmit: (e) => { e.preventDefault(); place.click(); } },
    h("h2", {}, "Place a call"),
    h("label", { for: "dial-app" }, "App"), app,
    h("label", { for: "dial-subscriber" }, "Subscriber"), subscriber.node, gone,
    h("label", { for: "dial-number" }, "Number, or extension of a parked call"), h("div", { class: "with" }, number, h("button", { type: "button", class: "ghost", "aria-label": "Delete last digit", onclick: () => { number.value = number.value.slice(0, -1); kept.number = number.value; } }, "⌫")),
    keys, place, retrieve);

  // people are those whom the app follows, found by the server.
  async function people(text) {
    const items = [];
    let next = "";
    if (!app.value) return { items, more: false };
    for (let n = 0; n < PAGES && items.length < MOST; n++) {
      const got = await ask("GET", `admin/subscribers?${new URLSearchParams({ app_id: app.value, limit: MOST - items.length, ...(text && { q: text }) })}${next && `&after=${next}`}`);
      items.push(...got.body);
      next = got.next;
      if (!next) break;
    }
    return { items, more: next !== "" };
  }

  function chosen() {
    const s = subscriber.chosen();
    if (s) {
      kept.subscriber = s;
      gone.textContent = "";
    }
    for (const b of [place, retrieve]) enable(b, Boolean(s));
    mine();
  }

  const read = reading(async () => {
    const all = await apps();
    const of = JSON.stringify(all.map((a) => [a.app_id, a.name]));
    if (app.dataset.of !== of) {
      app.dataset.of = of;
      put(app, all.length ? all.map((a) => h("option", { value: a.app_id }, a.name)) : h("option", { value: "" }, "there is no app yet"));
      if (all.some((a) => a.app_id === kept.app)) app.value = kept.app;
    }
    if (kept.app !== app.value) kept.subscriber = null;
    kept.app = app.value;
    await still();
  });

  // still sees to it that who is chosen is there and followed; at first it is
  // the first one.
  async function still() {
    const s = kept.subscriber;
    if (!s) {
      if (document.activeElement !== subscriber.field && !gone.textContent) subscriber.set((await people("")).items[0] ?? null);
      return;
    }
    const now = await get(`admin/subscribers/${seg(s.subscriber_id)}`).catch((e) => { if (e.status !== 404) throw e; return null; });
    if (s !== kept.subscriber) return; // another was chosen meanwhile
    if (now?.apps.includes(app.value)) {
      const is = subscriber.chosen();
      const same = is && is.subscriber_number === now.subscriber_number && is.subscriber_name === now.subscriber_name;
      if (!same && document.activeElement !== subscriber.field) subscriber.set(now);
      return;
    }
    kept.subscriber = null;
    subscriber.set(null);
    gone.textContent = `${lost(s)}.`;
  }

  const key = () => subscriber.chosen()?.subscriber_id.toLowerCase() ?? "";

  // mine are the calls of the chosen subscriber, as the feed has them.
  const shown = new Map();
  function mine() {
    const now = key() ? [...calls.entries.values()].filter((e) => e.key === key()) : [];
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
      row.time.textContent = length((e.over || calls.shown()) - began(e.call));
      row.does.show(e.call, app.value);
    }
    hint.hidden = shown.size > 0;
  }

  let soon = 0;
  const off = calls.on({
    change(e) {
      if (e.key === key()) soon ||= requestAnimationFrame(() => { soon = 0; mine(); });
    },
    reset: () => mine(),
  });
  const second = setInterval(mine, 1000);

  const ring = about.simulator
    ? h("section", { class: "card ring" }, h("h2", {}, "Ring a demo phone"), h("p", { class: "hint" }, "The simulator calls the subscriber chosen here. Answer at the phone, or from the list."), ringer(() => subscriber.chosen()?.subscriber_id))
    : null;

  const node = h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Dial pad")), read.node,
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
      read.close();
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
