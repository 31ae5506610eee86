/** The site's list of chapters and milestones, and what is in each. */

import type { Site, SiteCatalog } from "./types";

export async function readCatalog(site: Pick<Site, "scripts">): Promise<SiteCatalog> {
  const answer = await fetch(`${site.scripts}catalog.json`);
  return answer.json();
}
