// The way in: the admin token, kept in this tab until it is closed.

import { h, say } from "./dom.mjs";
import { ask, session } from "./api.mjs";

export function login(enter, why = "") {
  const token = h("input", { id: "token", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const wrong = h("p", { class: "wrong", role: "alert" }, why);
  const go = h("button", { type: "submit", class: "primary wide" }, "Log in");
  const form = h("form", { class: "card", onsubmit: async (e) => {
    e.preventDefault();
    go.disabled = true;
    session.begin(token.value.trim());
    try {
      const about = (await ask("GET", "admin/about")).body;
      token.value = "";
      enter(about);
    } catch (refused) {
      session.end();
      say(wrong, { 401: "That is not the admin token.", 429: `Too many wrong tokens: wait ${refused.retry || "a few"} s.` }[refused.status] ?? refused.message);
      token.select();
    } finally {
      go.disabled = false;
    }
  } },
    h("img", { src: "console/icon.svg", alt: "", width: "44", height: "44" }),
    h("h1", {}, "offhook console"),
    h("label", { for: "token" }, "Admin token"), token, wrong, go,
    h("p", { class: "hint" }, "It was printed at the first start, and is in the data directory (admin-token) or in the config."));
  requestAnimationFrame(() => token.focus());
  return h("main", { class: "login" }, form);
}
