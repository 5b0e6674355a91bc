import type { Change } from '../../model/access/administration.ts';
import type { StoredObject } from '../../model/snapshot.ts';
import { type Answers, mergeAnswers, readAnswers } from '../../nginx-text/answers.ts';
import { compareAnswers, type VersionChanges } from '../../nginx-text/version-changes.ts';
import { versionConfigs } from '../plan/versions.ts';
import type { KeptVersion, VersionChangesView } from './requests.ts';
import { keptVersions } from './versions.ts';

interface VersionBookOptions {
  readonly configs: () => readonly StoredObject[];
  readonly read: (id: string) => Promise<string>;
  /** Changes by administrators, the newest first. */
  readonly changes: () => readonly Change[];
}

/** Files of versions whose answers are remembered: ten versions of a large cluster share most of theirs. */
const REMEMBERED = 512;
/** A change by an administrator within this time before a version is its cause. */
const CAUSE_MS = 30_000;
const CAUSES = /^(?:Started|Ended|Held|Released|Switched)/;
/** Names and lines that an answer lists. */
const LISTED = 50;

/** Says what stored versions change. Their texts are read from Docker, so this works for versions of earlier releases and of other controllers. */
export class VersionBook {
  readonly #options: VersionBookOptions;
  /** By ID of the config, whose content never changes. */
  readonly #files = new Map<string, Promise<Answers>>();

  constructor(options: VersionBookOptions) {
    this.#options = options;
  }

  /** The newest first, each compared with the one before it. */
  async list(cluster: string): Promise<readonly KeptVersion[]> {
    const configs = this.#options.configs();
    const kept = keptVersions(configs, cluster);
    const answers = await Promise.all(kept.map(({ version }) => this.#answers(configs, cluster, version)));
    return kept.map((version, position) => {
      const [after, before] = [answers[position], answers[position + 1]];
      return {
        ...version,
        cause: causeOf(version.createdAt, this.#options.changes()) ?? null,
        changes: after === undefined || before === undefined ? null : toView(compareAnswers(before, after)),
      };
    });
  }

  /** What a roll-back changes; undefined if one of the versions was not kept. */
  async compare(cluster: string, from: string, to: string): Promise<VersionChangesView | undefined> {
    const configs = this.#options.configs();
    const [before, after] = await Promise.all([from, to].map((version) => this.#answers(configs, cluster, version)));
    return before === undefined || after === undefined ? undefined : toView(compareAnswers(before, after));
  }

  async #answers(configs: readonly StoredObject[], cluster: string, version: string): Promise<Answers | undefined> {
    const stored = versionConfigs(configs, cluster, version);
    if (stored.length === 0) return undefined;
    const files = await Promise.all(stored.map(({ id }) => this.#file(id)));
    return mergeAnswers(files);
  }

  #file(id: string): Promise<Answers> {
    const known = this.#files.get(id);
    const found = known ?? this.#options.read(id).then(readAnswers);
    this.#files.delete(id);
    this.#files.set(id, found);
    if (known === undefined) found.catch(() => this.#files.delete(id));
    for (const old of this.#files.keys()) {
      if (this.#files.size <= REMEMBERED) break;
      this.#files.delete(old);
    }
    return found;
  }
}

function causeOf(createdAt: string, changes: readonly Change[]): string | undefined {
  const at = Date.parse(createdAt);
  const cause = changes.find(
    (change) => CAUSES.test(change.what) && Date.parse(change.at) <= at && at - Date.parse(change.at) <= CAUSE_MS,
  );
  return cause && `${cause.who}: ${cause.what}`;
}

function toView({ appear, disappear, lines }: VersionChanges): VersionChangesView {
  return {
    appear: appear.slice(0, LISTED),
    disappear: disappear.slice(0, LISTED),
    lines: lines.slice(0, LISTED),
    total: { appear: appear.length, disappear: disappear.length, lines: lines.length },
  };
}
