import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ownerFlags } from '../../bed/owner.ts';
import { goldenCases, goldenPath } from '../support/golden.ts';
import { proxyImage } from '../support/proxy-image.ts';

const run = promisify(execFile);

it('nginx of the proxy image accepts every golden configuration', async () => {
  const files = goldenCases.flatMap((name) =>
    readdirSync(goldenPath(name, ''))
      .filter((file) => file.endsWith('.conf'))
      .map((file) => `${name}/${file}`),
  );
  const script = `cd /golden; for f in ${files.join(' ')}; do echo "$f $(nginx -t -q -c /golden/$f 2>&1 && echo accepted)"; done`;
  const restrictions = ['--read-only', '--tmpfs', '/tmp', '--user', '101', '--cap-drop', 'ALL'];
  const folder = goldenPath('.', '').replace(/\/\.\/$/, '');
  const args = [
    'run',
    ...ownerFlags(),
    '--rm',
    ...restrictions,
    '-v',
    `${folder}:/golden:ro`,
    '--entrypoint',
    'sh',
    await proxyImage(),
    '-c',
    script,
  ];

  const { stdout } = await run('docker', args);

  expect(basename(folder)).toBe('golden');
  expect(stdout.trim().split('\n').toSorted()).toEqual(files.map((file) => `${file} accepted`).toSorted());
});
