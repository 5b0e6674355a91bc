import { ownerFlags } from '../bed/owner.ts';
import type { Prepared } from '../bed/prepare.ts';
import { run } from '../bed/shell.ts';

const REPEATS = 15;

/** How long nginx takes for a configuration, in milliseconds: its test, and a reload until it serves. */
export interface NginxAlone {
  readonly testMs: readonly number[];
  readonly reloadMs: readonly number[];
}

/** Lets nginx read these files in a container of its own. */
export async function nginxAlone(
  { engine, bases }: Prepared,
  files: readonly { path: string; text: string }[],
): Promise<NginxAlone> {
  // The proxy image has the same nginx, but not the tools that the script needs.
  const image = bases.nginx;
  const name = 'signalbox-bench-nginx';
  const inside = (script: string, input = '') =>
    run(engine.cli, ['exec', '--interactive', name, 'sh', '-c', script], { input });
  await run(engine.cli, ['rm', '--force', name]).catch(() => {});
  await run(engine.cli, [
    'run',
    '--detach',
    ...ownerFlags(),
    '--name',
    name,
    '--tmpfs',
    '/tmp:mode=1777',
    '--entrypoint',
    'sleep',
    image,
    '3600',
  ]);
  try {
    await inside('mkdir -p /tmp/a');
    for (const { path, text } of files) await inside(`cat >/tmp/a/${path}`, text);
    const output = await inside(SCRIPT);
    const times = (label: string) =>
      [...output.matchAll(new RegExp(`^${label} (\\d+)$`, 'gm'))].map(([, text]) => Number(text) / 1_000_000);
    return { testMs: times('test'), reloadMs: times('reload') };
  } finally {
    await run(engine.cli, ['rm', '--force', name]);
  }
}

/** A reload is complete when a new worker reports the version of the new file. */
const SCRIPT = `cd /tmp/a; main=/tmp/a/nginx.conf
nginx -c $main >/dev/null 2>&1 || exit 1
for n in $(seq ${REPEATS}); do
  begun=$(date +%s%N); nginx -t -q -c $main 2>/dev/null; echo "test $(($(date +%s%N) - begun))"
  sed -i -E "s/return 200 \\"[0-9a-z]+/return 200 \\"run$n/" $main
  begun=$(date +%s%N); kill -HUP $(cat /tmp/nginx.pid)
  until [ "$(curl -s http://127.0.0.1:10246/version)" = "run$n" ]; do sleep 0.01; done
  echo "reload $(($(date +%s%N) - begun))"
done`;
