/** A query as a command or a program that asks it. */

export interface Asked {
  readonly url: string;
  readonly query: string;
  /** JSON, or nothing. */
  readonly variables: string;
  /** Which of several operations is meant. */
  readonly operationName?: string | undefined;
  /** JSON, or nothing; as typed beside the query. */
  readonly headers?: string;
  /** Whether the server wants a token: it is named, never written out. */
  readonly hasToken: boolean;
}

export type Language = 'curl' | 'JavaScript' | 'Python';

export const LANGUAGES: readonly Language[] = ['curl', 'JavaScript', 'Python'];

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return undefined;
    return value as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** For a POSIX shell. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A JSON value as Python writes it; strings are alike. */
function python(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') {
    const fields = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${python(inner)}`);
    return `{${fields.join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** What is sent besides; whatever may carry a token is named by a variable of the environment, wherever it was typed. */
function headersOf({ headers = '', hasToken }: Asked): { others: readonly (readonly [string, string])[]; hasToken: boolean } {
  const all = Object.entries(objectIn(headers) ?? {}).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const);
  const others = all.filter(([name]) => !/^(authorization|content-type)$/i.test(name));
  return { others, hasToken: hasToken || all.some(([name]) => /^authorization$/i.test(name)) };
}

export function copyAs(language: Language, asked: Asked): string {
  const variables = objectIn(asked.variables);
  const { query, operationName } = asked;
  const body = { query, ...(variables && { variables }), ...(operationName && { operationName }) };
  const { others, hasToken } = headersOf(asked);
  switch (language) {
    case 'curl':
      return [
        `curl ${shell(asked.url)}`,
        `  -H 'content-type: application/json'`,
        ...others.map(([name, value]) => `  -H ${shell(`${name}: ${value}`)}`),
        ...(hasToken ? [`  -H "authorization: Bearer $CALLBOARD_TOKEN"`] : []),
        `  --data-raw ${shell(JSON.stringify(body))}`,
      ].join(' \\\n');
    case 'JavaScript':
      return [
        `const response = await fetch(${JSON.stringify(asked.url)}, {`,
        `  method: 'POST',`,
        `  headers: { 'content-type': 'application/json'${others.map(([name, value]) => `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join('')}${hasToken ? `, authorization: \`Bearer \${process.env.CALLBOARD_TOKEN}\`` : ''} },`,
        `  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}),`,
        `});`,
        `const { data, errors } = await response.json();`,
        `console.log(data, errors);`,
      ].join('\n');
    case 'Python':
      return [
        'import json',
        ...(hasToken ? ['import os'] : []),
        'import urllib.request',
        '',
        `body = ${python(body)}`,
        'request = urllib.request.Request(',
        `    ${JSON.stringify(asked.url)},`,
        '    data=json.dumps(body).encode(),',
        `    headers={"content-type": "application/json"${others.map(([name, value]) => `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join('')}${hasToken ? ', "authorization": "Bearer " + os.environ["CALLBOARD_TOKEN"]' : ''}},`,
        ')',
        'with urllib.request.urlopen(request) as response:',
        '    print(json.dumps(json.load(response), indent=2))',
      ].join('\n');
  }
}
