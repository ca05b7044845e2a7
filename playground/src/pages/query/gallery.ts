/** The ready questions: `examples/queries/*.graphql`, whose first line is the question. Built in. */

export interface Question {
  readonly name: string;
  readonly title: string;
  readonly query: string;
}

const FILES = import.meta.glob<string>('../../../../examples/queries/*.graphql', { query: '?raw', import: 'default', eager: true });

/** Exported for the tests. */
export function question(file: string, text: string): Question {
  const title = /^#\s*(.*)/.exec(text)?.[1];
  const name = file.split('/').at(-1)?.replace(/\.graphql$/, '') ?? file;
  return { name, title: title ?? name, query: text.trim() };
}

export const questions: readonly Question[] = Object.entries(FILES)
  .map(([file, text]) => question(file, text))
  .sort((a, b) => a.name.localeCompare(b.name));
