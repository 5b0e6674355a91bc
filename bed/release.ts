import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureProduct, services } from './images.ts';
import { project, stateDir } from './places.ts';
import type { Prepared } from './prepare.ts';
import { run } from './shell.ts';
import { StepFailed } from './step.ts';

/** The product as it is at a commit: its files, and images of its own. */
export interface Release {
  /** Tag of its images. */
  readonly version: string;
  readonly folder: string;
  readonly images: readonly string[];
}

/** Builds the images of a commit, a branch or a tag, from the history of this checkout. */
export async function buildRelease(
  { engine, bases }: Prepared,
  reference: string,
  note: (text: string) => void,
): Promise<Release> {
  const commit = await run('git', ['rev-parse', '--verify', '--short=12', `${reference}^{commit}`], {
    cwd: project,
  }).catch((cause) => {
    throw new StepFailed(
      `${reference} is not in the history of this checkout.`,
      'Fetch it: git fetch --unshallow --tags',
      {
        cause,
      },
    );
  });
  const version = `release-${commit.trim()}`;
  const folder = join(stateDir, version);
  await checkOut(commit.trim(), folder);
  const { product: images } = await ensureProduct(engine, bases, { folder, sources: services, version }, { note });
  return { version, folder, images };
}

async function checkOut(commit: string, folder: string): Promise<void> {
  if (existsSync(folder)) return;
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await run('sh', ['-ec', 'git archive "$1" | tar -x -C "$2"', 'sh', commit, draft], { cwd: project });
  renameSync(draft, folder);
}
