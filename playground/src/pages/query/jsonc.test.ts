import { format } from 'prettier/standalone';
import { expect, it } from 'vitest';
import { parsers, printers } from './jsonc';

it('lays JSON with comments out, as Prettier asks for it', async () => {
  const plugin = { parsers, printers } as never;
  expect(await format('{"a":[1,2],// why\n"b":{}}', { parser: 'jsonc', plugins: [plugin] })).toBe('{\n  "a": [\n    1,\n    2\n  ], // why\n  "b": {}\n}');
});
