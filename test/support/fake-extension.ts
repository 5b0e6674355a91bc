import { fileURLToPath } from 'node:url';
import { type Renderer, SettingsRejectedError } from '../../src/controller/ports.ts';
import { digest } from '../../src/lib/digest.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import type { ReportedFaults } from '../../src/model/backends/connections.ts';
import type { ReportedDoubts } from '../../src/model/dns/name-doubts.ts';
import type { RenderInput } from '../../src/model/render-input.ts';
import type { SecretFacts } from '../../src/model/secrets/secret-facts.ts';
import type {
  ClusterOffer,
  RenderAnswer,
  Rendering,
  ReplicaReport,
  Reports,
  TaskAddresses,
} from '../../src/model/version.ts';
import { compileNginx } from '../../src/render/nginx.ts';
import { proveConfiguration } from '../../src/render/prove.ts';
import { readTemplates } from '../../src/template-folder/read-templates.ts';

const render = compileNginx(readTemplates(fileURLToPath(new URL('../../templates', import.meta.url))));

/** A complete configuration, main file first. */
export function textOf(files: readonly { readonly text: string }[]): string {
  return files.map(({ text }) => text).join('\n');
}

/** The extensions: they render with our own templates, with an nginx that rejects what the test says. */
export class FakeExtension implements Renderer {
  /** Names of extension services that do not answer. */
  readonly away = new Set<string>();
  /** nginx's error for a text, or undefined if it accepts it. */
  complaint: (text: string) => string | undefined = () => undefined;

  readonly #answers = new Map<string, { readonly input: string; readonly answer: RenderAnswer }>();

  /** The last rendering offered to replicas as a trial, by the version they were started for. */
  readonly tried = new Map<string, string>();

  async render(service: string, input: RenderInput, _signal?: AbortSignal, boot?: string): Promise<Rendering> {
    if (this.away.has(service)) throw new RetryableError(`Extension ${service}: render request failed: it is away`);
    const proof = await proveConfiguration(input, render, async (files) => this.complaint(textOf(files)));
    if (proof.kind === 'settings-refused') throw new SettingsRejectedError(proof.message);
    if (boot !== undefined) this.tried.set(boot, textOf(proof.files));
    const problems = proof.refused.map(({ service, message }) => ({
      id: 'service-rejected',
      severity: 'error' as const,
      service,
      cluster: input.cluster,
      reason: `nginx rejects the configuration of this service: ${message}`,
      remedy: 'The service is left out.',
    }));
    const rendering = { version: proof.version, files: proof.files, problems };
    this.#answers.set(service, { input: JSON.stringify(input), answer: { kind: 'rendered', rendering } });
    return rendering;
  }

  forget(): void {}

  answerTo(service: string, input: RenderInput): RenderAnswer | undefined {
    const last = this.#answers.get(service);
    return last?.input === JSON.stringify(input) ? last.answer : undefined;
  }

  /** Running replicas, with the version that each was started for. Only those whose image has an agent. */
  agents: (service: string) => readonly { readonly task: string; readonly boot: string }[] = () => [];
  /** Name reports of all agents. */
  doubts: ReportedDoubts | undefined;
  /** Connection reports of all agents. */
  faults: ReportedFaults | undefined;
  /** Last name reports of agents whose tasks have ended. */
  lastReports: readonly ReplicaReport[] = [];
  /** When the extensions were started, in milliseconds since the epoch. */
  since = 0;
  /** What the agents find in the secrets of their tasks. */
  secrets: readonly SecretFacts[] = [];
  /** nginx's error for a version in a replica, or undefined if it accepts it. */
  refusal: (version: string) => string | undefined = () => undefined;
  /** The newest offer, by the version that replicas were started for. */
  readonly offers = new Map<string, ClusterOffer>();
  readonly #taken = new Map<string, string>();

  async offer(service: string, offer: ClusterOffer): Promise<void> {
    if (this.away.has(service)) throw new RetryableError(`Extension ${service}: render request failed: it is away`);
    this.offers.set(offer.boot, offer);
    if (this.refusal(offer.version) === undefined) this.#taken.set(offer.boot, offer.version);
  }

  /** The tasks that the extensions received, by their service. */
  readonly introduced = new Map<string, readonly TaskAddresses[]>();

  async introduce(service: string, _cluster: string, tasks: readonly TaskAddresses[]): Promise<void> {
    if (this.away.has(service)) throw new RetryableError(`Extension ${service}: render request failed: it is away`);
    this.introduced.set(service, tasks);
  }

  reports(service: string): Reports | undefined {
    if (this.away.has(service)) return undefined;
    return {
      since: this.since,
      tasks: this.#tasksOf(service),
      secrets: this.secrets,
      offers: [...this.offers.values()].map(({ boot, version }) => ({
        boot,
        version,
        refused: this.refusal(version) ?? null,
      })),
      replicas: [
        ...this.lastReports,
        ...this.agents(service).map(
          ({ task, boot }): ReplicaReport => ({
            ...{ task, boot, serving: this.serving(boot), refused: null },
            doubts: this.doubts,
            faults: this.faults,
          }),
        ),
      ],
    };
  }

  #tasksOf(service: string): string | undefined {
    const tasks = this.introduced.get(service);
    return tasks && digest(JSON.stringify(tasks));
  }

  /** What replicas serve that were started for this version. */
  serving(boot: string): string {
    return this.#taken.get(boot) ?? boot;
  }
}
