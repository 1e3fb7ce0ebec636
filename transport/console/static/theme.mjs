// Light or dark: as the system says, unless somebody chose.

import { h, icon } from "./dom.mjs";

const KEPT = "offhook.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const is = () => localStorage.getItem(KEPT) ?? (system.matches ? "dark" : "light");
const other = () => (is() === "dark" ? "light" : "dark");

const button = h("button", { type: "button", class: "ghost square", onclick: choose }, icon("theme"));

function apply() {
  document.documentElement.dataset.theme = is();
  button.setAttribute("aria-label", `Switch to ${other()}`);
}

// choose keeps a choice for as long as the system says something else.
function choose() {
  const to = other();
  if (to === (system.matches ? "dark" : "light")) localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, to);
  apply();
}

apply();
system.addEventListener("change", apply);

export const themeButton = () => button;
