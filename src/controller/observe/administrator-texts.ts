import { pageFault, pageKeys } from '../../model/pages.ts';
import { type Problem, shownValue } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import type { Cluster } from '../../model/settings/clusters.ts';
import type { StoredObject } from '../../model/snapshot.ts';
import type { ObservedTexts } from '../plan/observed.ts';
import type { Swarm } from '../ports.ts';
import { readConfig } from './read-config.ts';

export const pageUnusable = problemKind({
  id: 'page-unusable',
  severity: 'error',
  meaning: `A page that the settings name cannot be used. The built-in page is shown.`,
  ...asGiven,
  example: [
    'is not a Docker config of this swarm',
    'Create it: docker config create shop-503 <file>. Until then, the built-in page is shown.',
  ],
  at: 'Extensions.default.UnavailablePage "shop-503"',
});

/** Reads the administrator's template and pages named in the settings. */
export async function readTexts(
  { name: cluster, settings }: Cluster,
  configs: readonly StoredObject[],
  swarm: Swarm,
): Promise<ObservedTexts> {
  const read = async (name: string): Promise<string | undefined> => {
    const config = configs.find((one) => one.name === name);
    return config && readConfig(config, swarm);
  };
  const template = settings.Template === '' ? undefined : await read(settings.Template);
  if (settings.Template !== '' && template === undefined)
    return { kind: 'rejected', message: `Docker config ${settings.Template}, named by Template, does not exist` };
  const problems: Problem[] = [];
  const readPage = async (page: keyof typeof pageKeys): Promise<string | undefined> => {
    const key = pageKeys[page];
    const name = settings[key];
    if (name === '') return undefined;
    const text = await read(name);
    const fault = text === undefined ? 'is not a Docker config of this swarm' : pageFault(text);
    if (fault === undefined) return text;
    problems.push(badPage(`Extensions.${cluster}.${key}`, cluster, name, fault));
    return undefined;
  };
  const pages = {
    unavailable: await readPage('unavailable'),
    maintenance: await readPage('maintenance'),
    notFound: await readPage('notFound'),
  };
  return { kind: 'read', texts: { template, pages }, problems };
}

function badPage(label: string, cluster: string, name: string, reason: string): Problem {
  const value = shownValue(name);
  const remedy = `Create it: docker config create ${value} <file>. Until then, the built-in page is shown.`;
  return { ...pageUnusable(reason, remedy), cluster, label, value };
}
