import type { ClusterState } from '../../model/cluster-state.ts';
import { pageFault, pageKeys } from '../../model/pages.ts';
import { type Problem, shownValue } from '../../model/problem.ts';
import type { OwnTexts } from '../../model/render-input.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { SettingsRefusedError } from './ports.ts';
import { readConfig } from './read-config.ts';

interface Read {
  readonly texts: OwnTexts;
  readonly problems: readonly Problem[];
}

/** Reads the administrator's template and pages named in the settings. They are read again in every pass. */
export async function readOwnTexts(
  state: ClusterState,
  snapshot: Snapshot,
  { swarm }: ClusterOptions,
  signal: AbortSignal,
): Promise<Read> {
  const { name: cluster, settings } = state.cluster;
  const read = async (wanted: string): Promise<string | undefined> => {
    const config = snapshot.configs.find(({ name }) => name === wanted);
    return config && readConfig(config, swarm, signal);
  };
  const template = settings.Template === '' ? undefined : await read(settings.Template);
  if (settings.Template !== '' && template === undefined)
    throw new SettingsRefusedError(`Docker config ${settings.Template}, named by Template, does not exist`);
  const problems: Problem[] = [];
  const readPage = async (page: keyof typeof pageKeys): Promise<string | undefined> => {
    const key = pageKeys[page];
    const wanted = settings[key];
    if (wanted === '') return undefined;
    const text = await read(wanted);
    const fault = text === undefined ? 'is not a Docker config of this swarm' : pageFault(text);
    if (fault === undefined) return text;
    problems.push(badPage(`Extensions.${cluster}.${key}`, cluster, wanted, fault));
    return undefined;
  };
  const pages = { unavailable: await readPage('unavailable'), maintenance: await readPage('maintenance') };
  return { texts: { template, pages }, problems };
}

function badPage(label: string, cluster: string, wanted: string, reason: string): Problem {
  const value = shownValue(wanted);
  const remedy = `Create it: docker config create ${value} <file>. Until then, the built-in page is shown.`;
  return { severity: 'error', cluster, label, value, reason, remedy };
}
