import { defineConfig } from 'vitest/config';
import { methodPages } from './plugins/methods.ts';

/** Address of the service while developing; the built map is served by the service itself. */
const API = process.env['OBSERVATORY_API'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
  base: '/map/',
  build: {
    outDir: '../app/static',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content security policy allows files of this origin, not data: fonts or scripts
    chunkSizeWarningLimit: 1200, // `npm run budget` is the judge, by compressed size
    modulePreload: { polyfill: false },
  },
  plugins: [methodPages()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: {
    proxy: Object.fromEntries(['/indicators', '/regions', '/collections', '/docs'].map((path) => [path, API])),
  },
  test: { include: ['tests/**/*.test.ts'] },
});
