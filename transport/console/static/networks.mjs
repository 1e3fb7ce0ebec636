// Networks: how events come from each, and what its provider said last.

import { h, put } from "./dom.mjs";
import { get } from "./api.mjs";
import { count, day, span } from "./format.mjs";
import { calls } from "./calls.mjs";
import { badge } from "./table.mjs";
import { reading } from "./reading.mjs";

const how = { up: "good", down: "bad", duplicate: "bad", gate_closed: "bad" };

export function networkList() {
  const list = h("div", { class: "cards" });
  const hint = h("p", { class: "hint", hidden: true }, "No network is configured.");
  const read = reading(async () => {
    const all = await get("admin/networks");
    hint.hidden = all.length > 0;
    put(list, all.map(card));
  }, { every: 3000 });
  return { node: h("div", { class: "page" }, h("header", { class: "bar" }, h("h1", {}, "Networks")), read.node, hint, list), title: "Networks", close: read.close };
}

function card(n) {
  const l = n.link;
  const fact = (k, v) => v && [h("dt", {}, k), h("dd", {}, v)];
  const share = l?.followed ? l.subscribed / l.followed : 0;
  return h("article", { class: "card" },
    h("header", { class: "card-head" }, h("h2", {}, n.provider), l ? badge(l.state.replaceAll("_", " "), how[l.state] ?? "warn") : badge("not running", "bad")),
    h("p", { class: "mono sub" }, n.network_id),
    l ? h("div", { class: "meter", role: "meter", "aria-label": "Subscriptions", "aria-valuemin": "0", "aria-valuemax": String(l.followed), "aria-valuenow": String(l.subscribed) }, bar(share)) : null,
    h("dl", { class: "facts" }, [
      fact("Since", l && `${span(calls.now() - l.since)} ago (${day(l.since)})`),
      fact("Provider said last", l && (l.detail || "nothing that matters")),
      fact("Channels", l && count(l.channels)),
      fact("Subscriptions", l && `${count(l.subscribed)} of ${count(l.followed)} users followed`),
      fact("Refused", l && count(l.refused)),
      fact("Events by", n.broadworks?.events?.delivery.replaceAll("_", " ")),
      fact("XSPs", h("span", { class: "mono" }, (n.broadworks?.xsps ?? []).join(", ") || n.broadworks?.srv)),
      fact("Login", h("span", { class: "mono" }, n.broadworks?.username)),
      fact("Subscribe", n.broadworks?.subscribe),
      fact("Provisioning", n.provisioning && provisioning(n.provisioning)),
      fact("Configured", n.read_only ? "in the config file" : "through the admin API"),
    ].filter(Boolean)));
}

function bar(share) {
  const node = h("span", { class: "meter-bar" });
  node.style.width = `${Math.round(share * 100)}%`;
  return node;
}

const provisioning = (p) => Object.entries(p).filter(([, v]) => v !== "" && v !== 0 && v !== null && typeof v !== "object").slice(0, 6).map(([k, v]) => h("span", { class: "tag" }, `${k.replaceAll("_", " ")}: ${/(_at|since)$/.test(k) && v > 1e12 ? day(v) : v}`));
