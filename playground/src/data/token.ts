/**
 * What the caller proves with who he is, sent as `Authorization: Bearer …`.
 * In session storage only: it ends with the tab, and nothing writes it into an address or a history.
 */
import { signal } from './signal';

const KEY = 'callboard.token';

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    // Storage is switched off: the token lives as long as the page.
    return '';
  }
}

export const token = signal(stored());

export function setToken(text: string): void {
  const trimmed = text.trim();
  try {
    if (trimmed) sessionStorage.setItem(KEY, trimmed);
    else sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
  token.set(trimmed);
}
