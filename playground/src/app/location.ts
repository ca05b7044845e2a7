/**
 * Where we are: the path below the server's root, what is asked, and the fragment.
 * The browser's own history is the only state; there is no router besides `pages.ts`.
 */
import { useSyncExternalStore } from 'react';
import { signal } from '../data/signal';

export interface Place {
  /** Begins with a slash, and has none at its end but for the root; percent-encoded. */
  readonly path: string;
  readonly search: string;
  /** Without `#`. */
  readonly hash: string;
}

function root(): string {
  return new URL(document.baseURI).pathname;
}

/** Exported for the tests. */
export function placeOf(url: URL, base: string): Place {
  const inside = url.pathname.startsWith(base) ? url.pathname.slice(base.length - 1) : '/';
  const path = inside.length > 1 ? inside.replace(/\/+$/, '') || '/' : '/';
  return { path, search: url.search, hash: url.hash.slice(1) };
}

const here = signal<Place>(placeOf(new URL(location.href), root()));

function look(): void {
  const next = placeOf(new URL(location.href), root());
  const last = here.get();
  if (next.path !== last.path || next.search !== last.search || next.hash !== last.hash) here.set(next);
}

addEventListener('popstate', look);
addEventListener('hashchange', look);

/** The address of `to`, which begins with a slash, as a browser needs it. */
export function href(to: string): string {
  return root() + to.slice(1);
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', href(to));
  else history.pushState(null, '', href(to));
  look();
  if (!options.replace) scrollTo(0, 0);
}

export function usePlace(): Place {
  return useSyncExternalStore(here.follow, here.get);
}

/** The parts of a path, decoded; what is no valid encoding stays as it is. */
export function segments(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}
