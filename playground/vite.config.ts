import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { pack } from './scripts/pack.ts';

export default defineConfig({
  // Relative: the server may stand below any path, and index.html says where its root is.
  base: './',
  plugins: [react(), pack()],
  build: {
    target: 'es2023',
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
