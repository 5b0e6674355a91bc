import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { Recent } from '../lib/recent.ts';
import { MOST_FILES } from '../model/limits.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import type { ConfigurationFile, Rendering } from '../model/version.ts';
import type { Reply } from '../protocol/channel-server.ts';
import { applyDifference, type Difference } from '../protocol/difference.ts';
import type { OfferRequest, RenderRequest } from '../protocol/render-messages.ts';
import type { Trial } from '../render/prove.ts';
import type { Offers } from './offers.ts';
import { withoutKnown } from './without-known.ts';

/** Returns a RenderResponse without the version of the templates. */
export type Prove = (input: RenderInput, trial?: Pick<Trial, 'routes' | 'isTaken'>) => Promise<object>;

export interface RenderRequestsOptions {
  readonly prove: Prove;
  readonly templates: { readonly version: string };
  readonly offers: Offers;
}

/** How long to wait for a replica that tries a version before testing it with nginx here. */
const TRIAL_MS = 5000;
/** Number of cached versions. An offer of a cached version needs no files. */
const KEPT_VERSIONS = 3;
/** Number of cached route lists that requests may build on. */
const KEPT_ROUTES = 4;

/** Renders what the controller requests, and offers it. Remembers enough for requests that only send what has changed. */
export class RenderRequests {
  readonly #options: RenderRequestsOptions;
  readonly #rendered = new Recent<readonly ConfigurationFile[]>(KEPT_VERSIONS);
  /** Routes of the last requests, possibly of different controllers. */
  readonly #routes = new Recent<readonly Route[]>(KEPT_ROUTES);
  /** Files with encrypted secrets of the last requests, by digest. */
  readonly #secretFiles = new Recent<ConfigurationFile>(2 * MOST_FILES);

  constructor(options: RenderRequestsOptions) {
    this.#options = options;
  }

  async render({ known, boot, ...asked }: RenderRequest): Promise<Reply> {
    const { prove, templates, offers } = this.#options;
    const routes = this.#routesOf(asked.routes);
    const secretFiles = this.#withTexts(asked.secretFiles);
    if (routes === undefined || secretFiles?.includes(undefined))
      return { status: 409, body: { error: 'Bring all routes and secrets' } };
    const trial = boot === undefined ? undefined : this.#trialOf(boot, asked.routes);
    const proof = (await prove({ ...asked, routes, secretFiles } as RenderInput, trial)) as Partial<Rendering>;
    const { version, files } = proof;
    if (boot !== undefined && version !== trial?.started) offers.withdraw(boot);
    if (version !== undefined && files) this.#rendered.set(version, files);
    const name = this.#nameRoutes(routes);
    const brief = files && withoutKnown(files, known);
    return { status: 200, body: { ...proof, files: brief, routes: name, templates: templates.version } };
  }

  async offer({ boot, version, files: sent }: z.infer<typeof OfferRequest>): Promise<Reply> {
    const files = sent ?? this.#rendered.get(version);
    if (files === undefined) return { status: 409, body: { error: 'Bring the files' } };
    this.#options.offers.offer({ boot, version, files });
    return { status: 204 };
  }

  /** Contains undefined for an unknown file without its text. */
  #withTexts(files: RenderRequest['secretFiles']): readonly (ConfigurationFile | undefined)[] | undefined {
    return files?.map(({ path, digest, text }) => {
      const file = text === undefined ? this.#secretFiles.get(digest) : { path, digest, text };
      if (file !== undefined) this.#secretFiles.set(digest, file);
      return file;
    });
  }

  /** Undefined if they build on unknown routes. */
  #routesOf(routes: RenderRequest['routes']): readonly Route[] | undefined {
    if (Array.isArray(routes)) return routes as Route[];
    const base = this.#routes.get(routes.base);
    const built = base && applyDifference(base, routes as Difference<Route>);
    return built?.includes(undefined as never) ? undefined : built;
  }

  /** Undefined if the difference is unknown. */
  #trialOf(boot: string, routes: RenderRequest['routes']) {
    if (Array.isArray(routes)) return undefined;
    const { offers } = this.#options;
    const trial = {
      routes: routes.added.map(({ item }) => item as Route),
      started: undefined as string | undefined,
      isTaken({ version, files }: Pick<Rendering, 'version' | 'files'>): Promise<boolean> {
        trial.started = version;
        return offers.try({ boot, version, files }, AbortSignal.timeout(TRIAL_MS));
      },
    };
    return trial;
  }

  #nameRoutes(routes: readonly Route[]): string {
    const name = randomBytes(8).toString('hex');
    this.#routes.set(name, routes);
    return name;
  }
}
