import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from './bed.ts';
import { digestOf } from './digest.ts';
import { project, stateDir } from './places.ts';
import type { Release } from './release.ts';
import { StepFailed } from './step.ts';

export type PublishMode = 'ingress' | 'host';

/** Deploys stack.yml as a user would, with the current version of our images and a settings file. `more` is added to the settings. */
export async function deploySignalbox(
  bed: Bed,
  version: string,
  mode: PublishMode = 'ingress',
  more = '',
): Promise<void> {
  await deployFiles(bed, version, join(project, 'stack.yml'), settingsFile(mode, more));
}

/** Deploys another release with its own files. */
export async function deployRelease(bed: Bed, { version, folder }: Omit<Release, 'images'>): Promise<void> {
  await deployFiles(bed, version, join(folder, 'stack.yml'), join(folder, 'config.toml'));
}

async function deployFiles(bed: Bed, version: string, file: string, settings: string): Promise<void> {
  const settingsName = `signalbox-settings-${digestOf('/', [settings])}`;
  await bed.deploy(
    'signalbox',
    { file },
    {
      SIGNALBOX_VERSION: version,
      SIGNALBOX_SETTINGS: settings,
      SIGNALBOX_SETTINGS_NAME: settingsName,
    },
  );
  await dropOldSettings(bed, settingsName);
}

/** The demo: a service with labels as a user would write them. */
export async function deployDemo(bed: Bed, version: string): Promise<boolean> {
  const file = join(project, 'docker/demo/stack.yml');
  if (!existsSync(file)) return false;
  await bed.deploy('demo', { file }, { SIGNALBOX_VERSION: version });
  return true;
}

/** `more` is appended. */
function settingsFile(mode: PublishMode, more: string): string {
  const file = join(project, 'config.toml');
  if (mode === 'ingress' && more === '') return file;
  const text = readFileSync(file, 'utf8');
  const changed = text.replaceAll(/^(\s*PublishMode\s*=\s*)"\w+"/gm, `$1"${mode}"`);
  if (!changed.includes(`"${mode}"`))
    throw new StepFailed('config.toml does not set PublishMode.', 'Add PublishMode = "ingress".');
  mkdirSync(stateDir, { recursive: true });
  const derived = join(stateDir, `config-${mode}.toml`);
  writeFileSync(derived, changed + more);
  return derived;
}

/**
 * Docker configs are immutable, so every settings file becomes a new config. Removing one that is in use fails, and it
 * stays.
 */
export async function dropOldSettings(bed: Bed, current: string): Promise<void> {
  for (const { ID, Spec } of await bed.manager.docker.listConfigs()) {
    const name = Spec?.Name ?? '';
    if (!name.startsWith('signalbox-settings-') || name === current) continue;
    await bed.manager.docker
      .getConfig(ID)
      .remove()
      .catch(() => {});
  }
}
