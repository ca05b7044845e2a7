/**
 * What the editor formats variables with, in place of Prettier's parser of JavaScript and its printer (see `vite.config.ts`):
 * a plugin of Prettier's that lays JSON out by the library that reads it in the editor anyway.
 */
import { applyEdits, format } from 'jsonc-parser';

interface Node {
  readonly text: string;
}

export const parsers = {
  jsonc: {
    astFormat: 'laid-out-json',
    parse: (text: string): Node => ({ text: applyEdits(text, format(text, undefined, { insertSpaces: true, tabSize: 2 })) }),
    locStart: (): number => 0,
    locEnd: ({ text }: Node): number => text.length,
  },
};

export const printers = {
  'laid-out-json': { print: (path: { node: Node }): string => path.node.text },
};
