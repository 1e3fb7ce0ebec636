// Names of apps, which change seldom.

import { get } from "./api.mjs";
import { short } from "./format.mjs";

let known = [];

// apps reads them all.
export async function apps() {
  known = await get("admin/apps");
  return known;
}

export const appName = (id) => known.find((a) => a.app_id === id)?.name ?? short(id);
