import { isOnPath, lastLines, run } from './shell.ts';
import type { Progress } from './step.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'] as const;

/** Chromium of the system, for the tests of the page; undefined where there is none. CHROMIUM names another. */
export async function findBrowser(): Promise<string | undefined> {
  const candidates = process.env.CHROMIUM ? [process.env.CHROMIUM] : names;
  for (const name of candidates)
    if (await isOnPath(name)) return (await run('sh', ['-c', 'command -v "$0"', name])).trim();
  return undefined;
}

/** Installs Chromium where it is missing and can be had; where it cannot, its tests are skipped, and the line says why. */
export async function ensureBrowser(progress: Progress): Promise<void> {
  const found = await findBrowser();
  if (found !== undefined) return progress.done(`found ${found}`);
  if (process.getuid?.() !== 0 || !(await isOnPath('apt-get')))
    return progress.done('no Chromium, and only root can install it on Debian: tests of the page are skipped');
  progress.note('installing Chromium from the Debian packages');
  const outcome = await install().then(
    () => 'installed Chromium',
    (error) => `Chromium cannot be installed, tests of the page are skipped: ${lastLines(String(error), 1)}`,
  );
  progress.done(outcome);
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run(
    'apt-get',
    [
      'install',
      '-y',
      '-qq',
      '-o',
      'DPkg::Lock::Timeout=120',
      '--no-install-recommends',
      'chromium',
      'fonts-dejavu-core',
    ],
    { env },
  );
}
