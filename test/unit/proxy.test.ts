import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('loads no more of Node than it needs: its HTTP module brings fetch, WebSockets and HTTP/2, and 5 MB of memory', () => {
  const program = new URL('../../src/proxy.ts', import.meta.url);
  const imported = [...readFileSync(program, 'utf8').matchAll(/^import .* from '(\..*)';$/gm)].map(([, path]) => path!);
  const urls = imported.map((path) => new URL(path, program).href);
  const script = `for (const url of ${JSON.stringify(urls)}) await import(url); console.log(process.moduleLoadList.join())`;

  const loaded = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });

  expect(imported.length).toBeGreaterThan(8);
  const names = loaded.trim().split(',');
  expect(names).toContain('NativeModule https');
  expect(names).not.toContain('NativeModule http');
});
