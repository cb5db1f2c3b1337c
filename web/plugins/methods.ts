/** Turns docs/methods/*.md into plain pages beside the map, so that "how it is computed" can be read anywhere. */

import { readdirSync, readFileSync } from 'node:fs';
import { marked } from 'marked';
import type { Plugin } from 'vite';

const FOLDER = new URL('../../docs/methods/', import.meta.url);
const PREFIX = 'methods/';

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function page(name: string): string {
  const source = readFileSync(new URL(`${name}.md`, FOLDER), 'utf8');
  const title = /^# (.+)$/m.exec(source)?.[1] ?? name;
  // Links between method pages lead to their built form.
  const body = (marked.parse(source, { async: false }) as string).replaceAll(/href="([\w-]+)\.md/g, 'href="$1.html');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light dark" />
<title>${escape(title)} · Soil Health Observatory</title>
<link rel="icon" href="../icon.svg" type="image/svg+xml" />
<link rel="stylesheet" href="../page.css" />
</head>
<body>
<p><a href="../">Map</a></p>
<main>${body}</main>
</body>
</html>
`;
}

export function methodPages(): Plugin {
  return {
    name: 'method-pages',
    generateBundle() {
      const names = readdirSync(FOLDER).filter((file) => file.endsWith('.md'));
      for (const name of names.map((file) => file.slice(0, -3))) {
        this.emitFile({ type: 'asset', fileName: `${PREFIX}${name}.html`, source: page(name) });
      }
    },
    configureServer({ config, middlewares }) {
      middlewares.use(`${config.base}${PREFIX}`, (request, response, next) => {
        const name = /^\/([\w-]+)\.html$/.exec(request.url ?? '')?.[1];
        if (!name) return next();
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.end(page(name));
      });
    },
  };
}
