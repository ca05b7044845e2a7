// Servers for the tests: each with a folder of its own, on a port that the system gives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PATIENCE = 90_000;

async function ready(url, child, log) {
  for (const until = Date.now() + PATIENCE; Date.now() < until; await new Promise((wake) => setTimeout(wake, 100))) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`the server did not get ready:\n${log.join('\n')}`);
}

async function start(binary, args, folder) {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const url = await new Promise((found, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        const at = /(?:listening on|is at) (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
        if (at) found(at);
      });
    }
    child.on('error', failed).on('close', () => failed(new Error(log.join('\n'))));
  });
  await ready(url, child, log);
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill();
      await once(child, 'close');
    }
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop };
}

/** The example company with its simulated upstreams. */
export function demo(binary, listen = '127.0.0.1:0') {
  return start(binary, ['demo', '--listen', listen]);
}

/** A proxy that serves `url` below `prefix`, as many put it among other things of theirs. */
export async function below(url, prefix) {
  const proxy = createServer((incoming, outgoing) => {
    if (!incoming.url.startsWith(`${prefix}/`)) return outgoing.writeHead(404).end();
    const onward = request(url + incoming.url.slice(prefix.length), { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    return incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return { url: `http://127.0.0.1:${proxy.address().port}${prefix}`, stop: () => proxy.close() };
}

/** A server of its own: `files` by name, which lie in `folder`, and settings besides. */
export function serve(binary, files, settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'callboard-e2e-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const names = Object.keys(files);
  const config = {
    server: { listen: '127.0.0.1:0' },
    database: { url: `sqlite:${join(folder, 'catalog.db')}` },
    sources: names.map((name) => ({ type: 'file', path: join(folder, name) })),
    ...settings,
  };
  const path = join(folder, 'callboard.yaml');
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(config));
  return start(binary, ['serve', '--config', path], folder).then((server) => ({ ...server, folder }));
}
