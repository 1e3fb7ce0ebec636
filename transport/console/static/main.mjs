// The console: who is in, which page is shown, and the keys that work everywhere.

import { h, icon, mark, put, say } from "./dom.mjs";
import { ask, session } from "./api.mjs";
import { calls } from "./calls.mjs";
import { startMetrics, stopMetrics } from "./metrics.mjs";
import { themeButton } from "./theme.mjs";
import { login } from "./login.mjs";
import { board } from "./board.mjs";
import { callPanel } from "./call.mjs";
import { dial } from "./dial.mjs";
import { appList, appPage } from "./apps.mjs";
import { webhookPage } from "./webhook.mjs";
import { subscriberList, subscriberPage } from "./subscribers.mjs";
import { networkList } from "./networks.mjs";
import { health } from "./health.mjs";
import { apps } from "./names.mjs";
import { time } from "./format.mjs";

const places = [
  ["#/", "Calls", "calls", /^#\/(calls\/|$)/],
  ["#/dial", "Dial pad", "dial", /^#\/dial/],
  ["#/apps", "Apps", "apps", /^#\/apps/],
  ["#/subscribers", "Subscribers", "subscribers", /^#\/subscribers/],
  ["#/networks", "Networks", "networks", /^#\/networks/],
  ["#/health", "Health", "health", /^#\/health/],
];

const pages = [
  [/^#\/$/, () => board(go)],
  [/^#\/calls\/([^/]+)$/, (id) => callPanel(id, go)],
  [/^#\/dial$/, () => dial(go, about)],
  [/^#\/apps$/, () => appList()],
  [/^#\/apps\/([^/]+)$/, (id) => appPage(id)],
  [/^#\/apps\/([^/]+)\/webhooks\/(calls|subscriber|operations)$/, (id, kind) => webhookPage(id, kind)],
  [/^#\/subscribers$/, () => subscriberList()],
  [/^#\/subscribers\/([^/]+)$/, (id) => subscriberPage(id)],
  [/^#\/networks$/, () => networkList()],
  [/^#\/health$/, () => health()],
];

let about = {};
let page = null;
let shell = null;

const go = (hash) => {
  location.hash = hash;
};

function frame() {
  const main = h("main", { id: "main", tabindex: "-1" });
  const links = places.map(([to, name, drawing, is]) => ({ is, node: h("a", { href: to }, icon(drawing), h("span", {}, name)) }));
  const feed = h("span", { class: "feed", role: "status" });
  const old = h("p", { class: "trouble", role: "status" });
  const nav = h("nav", { "aria-label": "Pages" }, links.map((l) => l.node));
  const side = h("header", { class: "side-bar" },
    h("a", { class: "brand", href: "#/", "aria-label": "offhook console" }, h("img", { src: "console/icon.svg", alt: "", width: "26", height: "26" }), h("b", {}, "offhook")),
    nav,
    h("div", { class: "foot" }, feed, h("span", { class: "sub version" }, about.version), h("span", { class: "group" }, themeButton(), h("button", { type: "button", class: "ghost square", "aria-label": "Log out", onclick: () => { history.replaceState(null, "", "#/"); leave(""); } }, icon("out")))));
  const skip = h("a", { class: "skip", href: "#main", onclick: (e) => { e.preventDefault(); main.focus(); } }, "To the content");
  return { main, links, feed, old, node: h("div", { class: "shell" }, skip, side, main) };
}

// show shows the page of the address. moved: somebody went there, and if what had
// the focus is gone, the page's beginning gets it.
function show(moved) {
  if (!shell) return;
  const hash = location.hash || "#/";
  page?.close();
  page = null;
  for (const [pattern, make] of pages) {
    const m = pattern.exec(hash);
    if (m) {
      page = make(...m.slice(1).map(decode));
      break;
    }
  }
  page ??= { node: h("div", { class: "page" }, h("h1", {}, "There is no such page"), h("a", { href: "#/" }, "To the calls")), title: "Not found", close() {} };
  put(shell.main, shell.old, page.node);
  shell.main.scrollTop = 0;
  if (moved && document.activeElement === document.body) (page.focus ?? begin)();
  document.title = `${page.title} · offhook`;
  for (const l of shell.links) {
    if (l.is.test(hash)) l.node.setAttribute("aria-current", "page");
    else l.node.removeAttribute("aria-current");
  }
}

// begin gives the focus to the heading of the page.
function begin() {
  const heading = shell.main.querySelector("h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function enter(what, moved = true) {
  about = what;
  shell = frame();
  const keep = [...document.body.children].filter((n) => n.classList.contains("notices"));
  document.body.replaceChildren(shell.node, ...keep);
  calls.start();
  startMetrics();
  lamp();
  apps().catch(() => {}).finally(() => show(moved)); // pages name them
}

function leave(why) {
  session.end();
  calls.stop();
  stopMetrics();
  page?.close();
  page = null;
  shell = null;
  const keep = [...document.body.children].filter((n) => n.classList.contains("notices"));
  keep.forEach((n) => n.replaceChildren());
  document.title = "offhook console";
  document.body.replaceChildren(login(enter, why), ...keep);
}

// lamp says how the feed is, and since when the calls on the page are old.
function lamp() {
  if (!shell) return;
  shell.feed.dataset.status = calls.status;
  say(shell.feed, { live: "live", connecting: "connecting", lost: `feed lost${calls.why ? `: ${calls.why}` : ""}` }[calls.status]);
  say(shell.old, calls.old ? `The feed is lost since ${time(calls.old)}: calls are shown as they were then.` : "");
  mark(shell.main, "data-old", calls.old > 0);
}

calls.on({ status: lamp, reset: lamp });
addEventListener("hashchange", () => show(true));
addEventListener("offhook-stranger", () => shell && leave("The token is not taken any more."));
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName);
  if (e.key === "/" && !typing) {
    const field = shell?.main.querySelector("input[type=search]");
    if (field) {
      e.preventDefault();
      field.focus();
      field.select();
    }
  } else if (e.key === "Escape" && shell && !e.defaultPrevented) {
    const grid = shell.main.querySelector("[data-search-target]");
    if (!typing) page?.back && go(page.back);
    else if (grid) grid.focus();
    else begin();
  }
});

async function start() {
  if (!session.token()) return leave("");
  try {
    enter((await ask("GET", "admin/about")).body, false);
  } catch (e) {
    leave(e.status === 401 ? "" : e.message);
  }
}

start();
