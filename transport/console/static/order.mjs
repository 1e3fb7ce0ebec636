// A list that stays in order while thousands of its items change: each item is
// found by the key it was put in with, and moved only when that is another.

export class Ordered {
  items = [];
  #keys = new Map(); // by item
  #keyOf;
  #down; // the greatest key comes first

  constructor(keyOf, down = false) {
    this.#keyOf = keyOf;
    this.#down = down;
  }

  // fill begins anew with all of these, in this direction.
  fill(items, down = this.#down) {
    this.#down = down;
    this.#keys.clear();
    for (const item of items) this.#keys.set(item, this.#keyOf(item));
    this.items = [...this.#keys.keys()].sort((a, b) => (this.#before(this.#keys.get(a), this.#keys.get(b)) ? -1 : 1));
  }

  has(item) {
    return this.#keys.has(item);
  }

  put(item) {
    const key = this.#keyOf(item);
    const had = this.#keys.get(item);
    if (had === key) return;
    if (had !== undefined) this.items.splice(this.#find(had), 1);
    this.items.splice(this.#find(key), 0, item);
    this.#keys.set(item, key);
  }

  remove(item) {
    const had = this.#keys.get(item);
    if (had === undefined) return;
    this.items.splice(this.#find(had), 1);
    this.#keys.delete(item);
  }

  indexOf(item) {
    const key = this.#keys.get(item);
    return key === undefined ? -1 : this.#find(key);
  }

  #before(a, b) {
    return this.#down ? a > b : a < b;
  }

  // #find is where the first item is that does not come before the key.
  #find(key) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.#before(this.#keys.get(this.items[mid]), key)) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}
