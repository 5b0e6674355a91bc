import { join } from 'node:path';
import { expect, it } from 'vitest';
import { project } from '../../../bed/places.ts';
import { run } from '../../../bed/shell.ts';

const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

it.each([
  ['logger.ts', "createLogger('test', 'info')"],
  ['plain-log.ts', "createPlainLog('test')"],
])('%s writes a JSON line with the time in ISO 8601 and UTC', async (file, call) => {
  const script = `import * as log from '${join(project, 'src/lib', file)}'; log.${call}.info({ version: 'v1' }, 'Started');`;

  // Another time zone must not change the result.
  const line = await run(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, TZ: 'Asia/Tokyo' },
  });

  const { level, name, msg, version, time } = JSON.parse(line);
  expect({ level, name, msg, version, time }).toEqual({
    level: 30,
    name: 'test',
    msg: 'Started',
    version: 'v1',
    time: isoTime,
  });
  expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
});
