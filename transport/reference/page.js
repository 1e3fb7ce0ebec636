"use strict";
const contents = document.querySelector("nav details");
if (matchMedia("(max-width: 64rem)").matches) contents.open = false;
const setup = document.getElementById("setup");
setup.textContent = setup.textContent.replace(/^OFFHOOK=.*/, "OFFHOOK=" + location.origin);
const find = document.getElementById("find");
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/);
  for (const e of document.querySelectorAll("[data-find]")) {
    const text = e.dataset.find.toLowerCase();
    e.hidden = !words.every((w) => text.includes(w));
  }
});
for (const pre of document.querySelectorAll("pre.curl")) {
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.querySelector("code").textContent);
    button.textContent = "Copied";
  });
  if (navigator.clipboard) pre.append(button);
}
