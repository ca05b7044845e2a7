/** Every page: its first path segment, its name, and where its code is. What is listed here is in the navigation. */
import { lazy } from 'react';
import type { ComponentType } from 'react';
import { Start } from '../pages/start/Start';
import type { IconName } from '../ui/Icon';

export interface PageProps {
  /** The segments of the path behind the page's own, decoded. */
  readonly rest: readonly string[];
}

export interface Page {
  /** The first segment; the server sends the app for it (`PAGES` in `src/server/playground.rs`). */
  readonly segment: string;
  readonly label: string;
  readonly icon: IconName;
  readonly component: ComponentType<PageProps>;
  /** As wide as the window, and as high: for pages that are one large tool. */
  readonly fills?: boolean;
}

export const start: Page = { segment: '', label: 'Callboard', icon: 'board', component: Start };

/** In the order of the navigation. */
export const pages: readonly Page[] = [
  { segment: 'query', label: 'Query', icon: 'query', component: lazy(() => import('../pages/query/Query')), fills: true },
  { segment: 'graph', label: 'Graph', icon: 'graph', component: lazy(() => import('../pages/graph/Graph')), fills: true },
  { segment: 'catalog', label: 'Catalog', icon: 'catalog', component: lazy(() => import('../pages/catalog/Catalog')) },
  { segment: 'status', label: 'Status', icon: 'status', component: lazy(() => import('../pages/status/Status')) },
];

export function pageOf(segment: string | undefined): Page | undefined {
  return segment === undefined ? start : pages.find((page) => page.segment === segment);
}
