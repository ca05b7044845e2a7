// Files are committed and embedded compressed: the program and the repository stay small, and nothing is compressed while serving.
// Not by Node's own zlib: its output differs from processor to processor, and CI compares what it builds with what is committed.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'fflate';
import type { Plugin } from 'vite';

/** Replaces every built file by `<name>.gz`, but for index.html, which the server fills in. */
export function pack(): Plugin {
  let folder = '';
  return {
    name: 'pack',
    apply: 'build',
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    closeBundle: () => {
      for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
        if (!entry.isFile() || entry.name === 'index.html') continue;
        const path = join(entry.parentPath, entry.name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9, mtime: 0 }));
        rmSync(path);
      }
    },
  };
}
