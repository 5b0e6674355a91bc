import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

it("loads neither packages nor Node's HTTP module", () => {
  // Node's HTTP module loads fetch, WebSockets and HTTP/2, and takes 5 MB of memory.
  // Its image contains no packages, and none are beside this copy.
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  cpSync(new URL('../../../src', import.meta.url), join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const program = pathToFileURL(join(folder, 'src/proxy/main.ts'));
  const imported = [...readFileSync(program, 'utf8').matchAll(/^import .* from '(\..*)';$/gm)].map(([, path]) => path!);
  const urls = imported.map((path) => new URL(path, program).href);
  const script = `for (const url of ${JSON.stringify(urls)}) await import(url); console.log(process.moduleLoadList.join())`;

  const loaded = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });

  expect(imported.length).toBeGreaterThan(8);
  const names = loaded.trim().split(',');
  expect(names).toContain('NativeModule https');
  expect(names).not.toContain('NativeModule http');
});
