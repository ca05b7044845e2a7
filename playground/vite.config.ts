import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { pack } from './scripts/pack.ts';

function own(file: string): string {
  return fileURLToPath(new URL(`src/pages/${file}`, import.meta.url));
}

export default defineConfig({
  // Relative: the server may stand below any path, and index.html says where its root is.
  base: './',
  plugins: [react(), pack()],
  resolve: {
    alias: {
      'monaco-graphql/esm/monaco-editor.js': own('query/monaco.ts'),
      'prettier/plugins/estree': own('query/jsonc.ts'),
      'prettier/parser-babel': own('query/jsonc.ts'),
    },
  },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    // Those that know light-dark() by themselves.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Nothing inline: the Content-Security-Policy lets only files of the server run and show.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 5000,
  },
  server: {
    fs: { allow: ['..'] },
    proxy: Object.fromEntries(
      ['/graphql', '/schema.graphql', '/readyz', '/docs'].map((path) => [path, process.env.CALLBOARD_URL ?? 'http://127.0.0.1:4000']),
    ),
  },
  test: { include: ['src/**/*.test.ts'] },
});
