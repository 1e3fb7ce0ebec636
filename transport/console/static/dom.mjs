// Elements, made without markup: no text ever becomes code.

const SVG = "http://www.w3.org/2000/svg";

// h makes an element. Of its props, on… are listeners, and what is false, null
// or undefined is left out.
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// svg does the same for drawings.
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

// put replaces what a node holds.
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

// say sets a node's text, if it is another.
export function say(node, text) {
  if (node.firstChild?.nodeValue !== text || node.childNodes.length !== 1) node.textContent = text;
}

// mark sets an attribute, if it is another.
export function mark(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

const paths = {
  calls: "M3 6h18M3 12h18M3 18h12",
  dial: "M6 5h.01M12 5h.01M18 5h.01M6 12h.01M12 12h.01M18 12h.01M6 19h.01M12 19h.01M18 19h.01",
  apps: "M4 4h7v7H4zM13 13h7v7h-7zM13 4h7v7h-7zM4 13h7v7H4z",
  subscribers: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
  networks: "M12 7V3M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 17v4M7 12H3M21 12h-4",
  health: "M3 12h4l3 8 4-16 3 8h4",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  out: "M15 4h4v16h-4M10 16l-4-4 4-4M6 12h9",
};

// icon is a line drawing beside a name; it says nothing by itself.
export function icon(name) {
  return svg("svg", { class: `icon ${name}`, viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: paths[name] }));
}
