/** A query in an address: in the fragment, which no server sees and no log keeps. */

export interface Shared {
  readonly query: string;
  /** JSON. */
  readonly variables: string | undefined;
}

/** The path of the page Query with this document and these variables in it. */
export function queryLink(query: string, variables?: object | string): string {
  const fields = new URLSearchParams({ query });
  const text = typeof variables === 'string' ? variables : variables && Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : '';
  if (text.trim() !== '') fields.set('variables', text);
  return `/query#${fields.toString()}`;
}

/** What an address carries; nothing if it carries no query. */
export function sharedIn(hash: string): Shared | undefined {
  const fields = new URLSearchParams(hash);
  const query = fields.get('query');
  if (!query) return undefined;
  return { query, variables: fields.get('variables') ?? undefined };
}
