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
  #first = 0;
  #waiting = 0;
  #resized;

  constructor(box, make, items) {
    Object.assign(this, { rowHeight: 44 });
    this.#box = box;
    this.#make = make;
    this.#items = items;
    box.append(this.#space);
    box.addEventListener("scroll", () => this.ask(), { passive: true });
    this.#resized = new ResizeObserver(() => this.ask());
    this.#resized.observe(box);
  }

  // ask has the rows drawn with the next frame, however often it is asked.
  ask() {
    this.#waiting ||= requestAnimationFrame(() => {
      this.#waiting = 0;
      this.draw();
    });
  }

  draw() {
    const items = this.#items();
    const height = parseFloat(getComputedStyle(this.#box).getPropertyValue("--row")) || 44;
    this.rowHeight = height;
    const total = `${items.length * height}px`;
    if (this.#space.style.height !== total) this.#space.style.height = total;
    const top = Math.max(0, this.#box.scrollTop - this.#space.offsetTop);
    const first = Math.max(0, Math.min(Math.floor(top / height) - SPARE, items.length));
    const last = Math.min(items.length, Math.ceil((top + this.#box.clientHeight) / height) + SPARE);
    this.#first = first;
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

  // reveal scrolls as little as it takes to have a row in sight.
  reveal(index) {
    const y = this.#space.offsetTop + index * this.rowHeight;
    const head = this.#space.offsetTop;
    if (y - head < this.#box.scrollTop) this.#box.scrollTop = y - head;
    else if (y + this.rowHeight > this.#box.scrollTop + this.#box.clientHeight) this.#box.scrollTop = y + this.rowHeight - this.#box.clientHeight;
    this.draw();
  }

  get page() {
    return Math.max(1, Math.floor(this.#box.clientHeight / this.rowHeight) - 1);
  }

  close() {
    cancelAnimationFrame(this.#waiting);
    this.#resized.disconnect();
  }
}
