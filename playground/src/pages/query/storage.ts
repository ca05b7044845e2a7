/**
 * Where the editor keeps tabs and history.
 * It would keep the headers of each query with its history; tokens stand there, and those end with the tab.
 */

const MAY_HOLD_HEADERS = /queries|favorites|tabState|headers/i;

export interface EditorStorage {
  getItem: (key: string) => string | null;
  setItem: (key: string, value: string) => void;
  removeItem: (key: string) => void;
  clear: () => void;
  readonly length: number;
}

/** The editor opens no tabs again that lack the member. */
const NEEDS_MEMBER = /tabState/i;

/** Exported for the tests: takes `headers` out of whatever is kept as JSON, or puts `instead` there. */
export function withoutHeaders(value: string, instead?: null): string {
  try {
    const parsed: unknown = JSON.parse(value, (key, inner: unknown) => (key === 'headers' ? instead : inner));
    return JSON.stringify(parsed);
  } catch {
    return '';
  }
}

export function storageOf(storage: Storage): EditorStorage {
  return {
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => storage.setItem(key, MAY_HOLD_HEADERS.test(key) ? withoutHeaders(value, NEEDS_MEMBER.test(key) ? null : undefined) : value),
    removeItem: (key) => storage.removeItem(key),
    clear: () => storage.clear(),
    get length() {
      return storage.length;
    },
  };
}
