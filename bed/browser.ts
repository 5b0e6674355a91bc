import { isOnPath, lastLines, run } from './shell.ts';
import type { Progress } from './step.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'] as const;

/** The system's Chromium for the page tests, or undefined if there is none. Set CHROMIUM to use another one. */
export async function findBrowser(): Promise<string | undefined> {
  const candidates = process.env.CHROMIUM ? [process.env.CHROMIUM] : names;
  for (const name of candidates)
    if (await isOnPath(name)) return (await run('sh', ['-c', 'command -v "$0"', name])).trim();
  return undefined;
}

/**
 * Installs Chromium if it is missing and available. If it is not available, its tests are skipped, and the step's line
 * says why.
 */
export async function ensureBrowser(progress: Progress): Promise<void> {
  const found = await findBrowser();
  if (found !== undefined) return progress.done(`found ${found}`);
  if (process.getuid?.() !== 0 || !(await isOnPath('apt-get')))
    return progress.done('no Chromium, and installing it requires root on Debian: page tests are skipped');
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
