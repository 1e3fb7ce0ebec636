// A call: what is known of it, what can be done, and what happened.

import { h, put, say, mark } from "./dom.mjs";
import { ask, get, seg } from "./api.mjs";
import { day, exact, length, party, short, words } from "./format.mjs";
import { calls } from "./calls.mjs";
import { began, chip } from "./row.mjs";
import { controls } from "./verbs.mjs";
import { timeline } from "./timeline.mjs";
import { appName, apps } from "./names.mjs";
import { focused } from "./table.mjs";
import { reading } from "./reading.mjs";

// callPanel is a call on its own page, or beside the board.
export function callPanel(id, go, { beside = false } = {}) {
  let call = calls.entries.get(id)?.call ?? null;
  let of = calls.entries.get(id)?.sub?.apps ?? [];
  let app = of[0] ?? "";
  let closed = false;

  const state = chip("");
  const title = h(beside ? "h2" : "h1", {}, "Call");
  const lasts = h("span", { class: "mono big" });
  const does = controls();
  const facts = h("dl", { class: "facts" });
  const through = h("select", { "aria-label": "Act as app", onchange: () => { app = through.value; show(); read.now(); } });
  const line = timeline();
  const missing = h("p", { class: "hint", hidden: true });

  function show() {
    const entry = calls.entries.get(id);
    if (entry) {
      call = entry.call;
      if (entry.sub?.apps) of = entry.sub.apps;
    }
    missing.hidden = Boolean(call);
    if (!call) return;
    say(state, call.state);
    mark(state, "data-state", call.state);
    say(title, party(call));
    if (!of.includes(app)) app = of[0] ?? app;
    const ids = of.length ? of : app ? [app] : [];
    if (through.dataset.of !== ids.join()) {
      through.dataset.of = ids.join();
      put(through, ids.length ? ids.map((a) => h("option", { value: a }, appName(a))) : h("option", { value: "" }, "no app may follow this subscriber"));
    }
    through.value = app;
    does.show(call, app);
    const at = focused(facts);
    put(facts, known(call).map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]));
    at();
    tick();
  }

  function tick() {
    if (!call) return;
    const end = call.released_at ?? (calls.entries.get(id)?.over || 0);
    const live = call.state !== "released" && !end;
    say(lasts, length((end || (live ? calls.shown() : began(call))) - began(call)));
    line.until(live ? calls.shown() : 0);
  }

  // past reads the timeline, and the call where the feed does not have it.
  async function past() {
    if (!app) {
      if (!call) return find();
      return line.none("No app may follow this subscriber, so nothing of this call is kept for one.");
    }
    const through = app;
    const base = `admin/apps/${seg(app)}/calls/${seg(id)}`;
    if (!calls.entries.has(id)) {
      const is = await unless404(get(base));
      if (closed || through !== app) return;
      if (is) {
        call = is;
        show();
      }
    }
    const got = await unless404(ask("GET", `${base}/timeline`));
    if (closed || through !== app) return;
    if (got) line.show(got.body);
    else line.none("The timeline of this call is not kept any more.");
  }

  // find asks app after app for a call that is over: whose it was is not known.
  // It does so once: what was nowhere does not come back.
  let nowhere = false;
  async function find() {
    if (nowhere) return;
    for (const a of await apps()) {
      const is = await unless404(get(`admin/apps/${seg(a.app_id)}/calls/${seg(id)}`));
      if (closed || call) return;
      if (!is) continue;
      call = is;
      app = a.app_id;
      of = [app];
      show();
      return past();
    }
    nowhere = true;
    say(missing, "There is no such call, or it ended too long ago.");
    missing.hidden = false;
    line.none("");
  }

  let later = 0;
  const off = calls.on({
    change(entry) {
      if (entry.id !== id) return;
      show();
      clearTimeout(later);
      later = setTimeout(() => read.now(), 400); // an attempt follows an event
    },
  });
  const second = setInterval(tick, 1000);
  show();
  const read = reading(past);

  const head = h("header", { class: "call-head" },
    h("div", { class: "call-title" }, title, state, lasts),
    beside ? h("a", { class: "quiet", href: `#/calls/${id}` }, "Open") : h("a", { class: "quiet", href: "#/" }, "All calls"));
  const node = h("div", { class: beside ? "call beside" : "page call" }, head, read.node, missing,
    h("div", { class: "call-do" }, does.node, h("label", { class: "as" }, h("span", {}, "as"), through)),
    h("section", { class: "card timeline-card", "aria-label": "Timeline" }, line.node),
    h("section", { class: "card", "aria-label": "Facts" }, facts));
  return {
    id,
    node,
    title: "Call",
    back: "#/",
    close() {
      read.close();
      closed = true;
      off();
      clearInterval(second);
      clearTimeout(later);
    },
  };
}

// unless404 is null for what is not there.
const unless404 = (asked) => asked.catch((e) => { if (e.status !== 404) throw e; return null; });

// known is what there is to say of a call, what is empty left out.
function known(c) {
  const mono = (text) => h("span", { class: "mono" }, text);
  const when = (ms) => ms && h("span", { class: "mono", title: day(ms) }, exact(ms));
  return [
    ["Subscriber", c.subscriber_id && h("a", { href: `#/subscribers/${seg(c.subscriber_id)}` }, c.subscriber_name || c.subscriber_id)],
    ["Number", c.subscriber_number && mono(c.subscriber_number)],
    ["Far end", c.remote_number && mono(c.remote_number)],
    ["Direction", c.direction],
    ["Phase", words(c.phase)],
    ["Cause", words(c.cause)],
    ["Released by", c.releasing_party],
    ["Held by far end", c.remote_held && "yes"],
    ["Recording", c.recording],
    ["Parked at", c.parked_at],
    ["Redirected to", c.redirected_to && mono(c.redirected_to)],
    ["Conference", c.conference_id && mono(c.conference_id)],
    ["In it", [c.muted && "muted", c.deaf && "deaf"].filter(Boolean).join(", ")],
    ["Inferred", c.synthetic && "the last change was"],
    ["Placed", when(c.created_at)],
    ["Answered", when(c.answered_at)],
    ["Last hold", when(c.held_at)],
    ["Released", when(c.released_at)],
    ["Call", mono(c.call_id)],
    ["At the provider", c.provider_call_id && mono(c.provider_call_id)],
    ["Session", c.session_id && mono(c.session_id)],
    ["Reference", c.client_ref && mono(c.client_ref)],
    ["Continues", c.replaces && h("a", { class: "mono", href: `#/calls/${c.replaces}` }, short(c.replaces))],
    ["Continued as", c.replaced_by && h("a", { class: "mono", href: `#/calls/${c.replaced_by}` }, short(c.replaced_by))],
  ].filter(([, v]) => v);
}
