// Light or dark: as the system says, unless somebody chose.

import { h, icon } from "./dom.mjs";

const KEPT = "offhook.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const is = () => localStorage.getItem(KEPT) ?? (system.matches ? "dark" : "light");

function apply() {
  document.documentElement.dataset.theme = is();
}

apply();
system.addEventListener("change", apply);

export function themeButton() {
  const node = h("button", { type: "button", class: "ghost square", onclick: () => {
    const to = is() === "dark" ? "light" : "dark";
    if (to === (system.matches ? "dark" : "light")) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, to);
    apply();
    name();
  } }, icon("theme"));
  const name = () => node.setAttribute("aria-label", `Switch to ${is() === "dark" ? "light" : "dark"}`);
  name();
  return node;
}
