// A list of any length of which only the rows in sight exist.

import { h, mark } from "./dom.mjs";

const SPARE = 6; // rows above and below those in sight

// Virtual draws rows into a box that scrolls. make() makes a row {node, show(item)};
// items() is the list. Rows are used again for other items.
export class Virtual {
  #box;
  #space = h("div", { class: "rows", role: "rowgroup" });
  #rows = [];
  #make;
  #items;
  #above = 0; // the head, px
  #tall = 0;
  #waiting = 0;
  #resized;

  constructor(box, make, items) {
    this.rowHeight = 44;
    this.#box = box;
    this.#make = make;
    this.#items = items;
    box.append(this.#space);
    box.addEventListener("scroll", () => this.ask(), { passive: true });
    this.#resized = new ResizeObserver(() => {
      this.#measure();
      this.ask();
    });
    this.#resized.observe(box);
  }

  // ask has the rows drawn with the next frame, however often it is asked.
  ask() {
    this.#waiting ||= requestAnimationFrame(() => {
      this.#waiting = 0;
      this.draw();
    });
  }

  // #measure reads what asks the browser to lay out: when sizes change, and not
  // with each frame.
  #measure() {
    this.rowHeight = parseFloat(getComputedStyle(this.#box).getPropertyValue("--row")) || 44;
    this.#above = this.#space.offsetTop;
    this.#tall = this.#box.clientHeight;
  }

  draw() {
    const items = this.#items();
    const height = this.rowHeight;
    const total = `${items.length * height}px`;
    if (this.#space.style.height !== total) this.#space.style.height = total;
    const top = Math.max(0, this.#box.scrollTop - this.#above);
    const first = Math.max(0, Math.min(Math.floor(top / height) - SPARE, items.length));
    const last = Math.min(items.length, Math.ceil((top + this.#tall) / height) + SPARE);
    while (this.#rows.length < last - first) {
      const row = this.#make();
      this.#rows.push(row);
      this.#space.append(row.node);
    }
    this.#rows.forEach((row, i) => {
      const index = first + i;
      const item = index < last ? items[index] : null;
      if (row.node.hidden !== !item) row.node.hidden = !item;
      if (!item) return;
      const place = `translateY(${index * height}px)`;
      if (row.node.style.transform !== place) row.node.style.transform = place;
      mark(row.node, "aria-rowindex", index + 2);
      row.show(item);
    });
  }

  // visible are the rows that stand for an item now.
  visible() {
    return this.#rows.filter((r) => !r.node.hidden);
  }

  // reveal scrolls as little as it takes to have a row in sight, below the head.
  reveal(index) {
    const y = index * this.rowHeight;
    const box = this.#box;
    if (y < box.scrollTop) box.scrollTop = y;
    else if (y + this.rowHeight + this.#above > box.scrollTop + this.#tall) box.scrollTop = y + this.rowHeight + this.#above - this.#tall;
    this.draw();
  }

  get page() {
    return Math.max(1, Math.floor(this.#tall / this.rowHeight) - 1);
  }

  close() {
    cancelAnimationFrame(this.#waiting);
    this.#resized.disconnect();
  }
}
