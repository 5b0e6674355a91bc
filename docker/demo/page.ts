import { createHash } from 'node:crypto';
import { answer, type Exchange } from './exchange.ts';
import { setSessionCookie } from './ping.ts';

export function page(exchange: Exchange): void {
  setSessionCookie(exchange);
  answer(exchange.response, 200, 'text/html; charset=utf-8', renderPage(exchange));
}

function renderPage({ request, world }: Exchange): string {
  const { instance, version, metadata } = world.about;
  const facts = {
    Instance: instance,
    Version: version,
    Metadata: metadata,
    Path: request.url,
    Protocol: request.httpVersion,
  };
  // Links are relative, so that they work behind a context root.
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(metadata ?? 'Demo')} · ${escapeHtml(instance)}</title>
<link rel="icon" href="data:,">
<style>${style(instance)}</style>
</head>
<body>
<main>
<h1>${escapeHtml(metadata ?? 'Demo')}</h1>
<p class="instance">${escapeHtml(instance)}</p>
${renderTable('This task', Object.entries(facts))}
${renderTable('Headers received', Object.entries(request.headers))}
<nav><a href="">Again</a> <a href="ping">Ping</a> <a href="echo">Echo</a> <a href="events">Events</a> <a href="health">Health</a></nav>
</main>
</body>
</html>
`;
}

function renderTable(title: string, rows: readonly (readonly [string, unknown])[]): string {
  const shown = rows.filter(([, value]) => value !== undefined);
  const lines = shown.map(
    ([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(String(value))}</td></tr>`,
  );
  return `<h2>${title}</h2>\n<table>\n${lines.join('\n')}\n</table>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Each task has its own color, so that it is obvious which one answered. */
function style(instance: string): string {
  const hue = createHash('sha256').update(instance).digest().readUInt16BE() % 360;
  return `
:root { color-scheme: light dark; --mark: oklch(0.55 0.15 ${hue}); --faint: color-mix(in srgb, currentColor 15%, transparent); }
@media (prefers-color-scheme: dark) { :root { --mark: oklch(0.75 0.13 ${hue}); } }
body { margin: 0; border-top: 0.5rem solid var(--mark); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 0.5rem; font-size: 1rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.35rem 1rem 0.35rem 0; border-top: 1px solid var(--faint); text-align: left; vertical-align: top; }
th { width: 12rem; font-weight: 500; }
td, .instance { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.instance { margin: 0; color: var(--mark); font-size: 1.25rem; }
nav { display: flex; gap: 1rem; margin-top: 2rem; }
a { color: var(--mark); }
`;
}
