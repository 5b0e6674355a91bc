// The swarm on which the stories of the guides run, as after the guide to the installation.
import { expect, inject } from 'vitest';
import { eventually } from './eventually.ts';
import { GuideShell } from './guide-shell.ts';
import { bed, demo } from './interlock.ts';
import { createStandIns } from './stand-ins.ts';
import { controllerReplaced } from './story.ts';

/** A terminal on the manager, and the images that the guides name. */
export async function openGuides(): Promise<GuideShell> {
  await createStandIns(bed, demo);
  return GuideShell.open({ bed, version: inject('version'), clients: inject('clients') });
}

/** Signs in as the guide says, and leaves out the options from then on. */
export async function signIn(shell: GuideShell): Promise<void> {
  const [enter, keep] = shell.blocks('install', '5. Sign in');
  await shell.until(enter!, '2 of 2');
  await shell.keep(keep!);
}

/** A terminal on the manager of an installation that a story before may have left with another controller. */
export async function openSignedIn(): Promise<GuideShell> {
  await controllerReplaced();
  const shell = await openGuides();
  await signIn(shell);
  return shell;
}

/** Removes what commands of a guide created. Some of it is still in use for a moment. */
export async function discard(
  shell: GuideShell,
  kind: 'secret' | 'config',
  ...names: readonly string[]
): Promise<void> {
  for (const name of names)
    await eventually(async () => {
      await shell.run(`docker ${kind} rm ${name} 2>/dev/null || true`);
      const present = (await bed.docker(kind, 'ls', '--format', '{{.Name}}')).split('\n');
      expect(present).not.toContain(name);
    });
}
