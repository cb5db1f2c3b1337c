/** Fails when a part of the built map weighs more than its budget. Run after `npm run build`. */

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const ASSETS = new URL('../../app/static/assets/', import.meta.url);

/** Kilobytes after gzip. */
const BUDGETS = [
  { part: 'shell', file: /^index-.*\.js$/, kilobytes: 40 },
  { part: 'map', file: /^map-.*\.js$/, kilobytes: 320 },
  { part: 'worker', file: /worker-.*\.js$/, kilobytes: 160 },
];

const files = readdirSync(ASSETS);
let failed = false;

for (const { part, file, kilobytes } of BUDGETS) {
  const found = files.filter((name) => file.test(name));
  const size = found.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, ASSETS))).length, 0) / 1000;
  const kept = found.length > 0 && size <= kilobytes;
  failed ||= !kept;
  process.stdout.write(`${kept ? 'ok  ' : 'OVER'} ${part}: ${size.toFixed(1)} of ${kilobytes} kB (${found.length} files)\n`);
}

const scripts = files.filter((name) => name.endsWith('.js'));
const strangers = scripts.filter((name) => !BUDGETS.some(({ file }) => file.test(name)));
if (strangers.length > 0) {
  process.stdout.write(`OVER no budget for ${strangers.join(', ')}\n`);
  failed = true;
}
process.exitCode = failed ? 1 : 0;
